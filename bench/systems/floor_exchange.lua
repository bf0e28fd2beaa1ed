-- Purpose: acknowledges jobs in their order, counts them, and moves the next from the queue's tail in flight.
-- KEYS:    1 the queue (list), 2 the jobs in flight (list), 3 and 4 the counters
-- ARGV:    1 how many jobs to reserve, then the jobs done
-- Returns: the jobs reserved, the longest waiting first.
for position = 2, #ARGV do
  redis.call("LREM", KEYS[2], 1, ARGV[position])
end
if #ARGV > 1 then
  redis.call("INCRBY", KEYS[3], #ARGV - 1)
  redis.call("INCRBY", KEYS[4], #ARGV - 1)
end
local jobs = redis.call("RPOP", KEYS[1], ARGV[1])
if not jobs then
  return {}
end
redis.call("RPUSH", KEYS[2], unpack(jobs))
return jobs
