-- Acknowledge an iterable job that is over, and remove its place with it, in one step.
-- A job that is not in flight any more was given up and rescued: the place is that of its next run.
-- KEYS: inflight iteration processed processed_today
-- ARGV: raw ttl
-- RETURNS: 1 where it was in flight, else 0
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then
  return 0
end
redis.call('UNLINK', KEYS[2])
redis.call('INCRBY', KEYS[3], 1)
redis.call('INCRBY', KEYS[4], 1)
redis.call('EXPIRE', KEYS[4], ARGV[2])
return 1
