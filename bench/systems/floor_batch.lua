-- Purpose: acknowledges the former batch, then moves up to a batch of jobs from the queue's tail in flight.
-- KEYS:    1 the queue (list), 2 the jobs in flight (list)
-- ARGV:    1 the batch's size in jobs
-- Returns: the jobs moved, the longest waiting first.
redis.call("DEL", KEYS[2])
local jobs = redis.call("RPOP", KEYS[1], ARGV[1])
if not jobs then
  return {}
end
redis.call("RPUSH", KEYS[2], unpack(jobs))
return jobs
