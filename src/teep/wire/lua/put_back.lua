-- Take an interrupted job out of flight and put it, as another payload, behind all others of its queue, in one step.
-- A job that is not in flight any more was given up and rescued: nothing is changed for it.
-- KEYS: inflight queue queues processed processed_today
-- ARGV: raw payload queue_name ttl
-- RETURNS: 1 where it was in flight, else 0
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then
  return 0
end
redis.call('SADD', KEYS[3], ARGV[3])
redis.call('LPUSH', KEYS[2], ARGV[2])
redis.call('INCRBY', KEYS[4], 1)
redis.call('INCRBY', KEYS[5], 1)
redis.call('EXPIRE', KEYS[5], ARGV[4])
return 1
