-- Take a job that did not succeed out of flight and put its next state into a zset, or nowhere (discarded), in one step.
-- A job that is not in flight any more was given up and rescued: nothing is changed for it.
-- KEYS: inflight target counter*
-- ARGV: raw ttl (score payload)*
-- RETURNS: 1 where it was in flight, else 0
-- The counters come in pairs of all time and today: processed, and failed or expired; or not at all.
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then
  return 0
end
if ARGV[3] then
  redis.call('ZADD', KEYS[2], ARGV[3], ARGV[4])
end
for i = 3, #KEYS do
  redis.call('INCRBY', KEYS[i], 1)
  if i % 2 == 0 then
    redis.call('EXPIRE', KEYS[i], ARGV[2])
  end
end
return 1
