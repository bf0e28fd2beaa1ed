-- Take a job out of flight and put its next state into a zset, or nowhere (it is over), in one step.
-- A job that is not in flight any more was given up and rescued: nothing is changed for it.
-- KEYS: inflight target lock place counter*
-- ARGV: raw ttl holder has_place (score payload)*
-- RETURNS: 1 where it was in flight, else 0
-- The counters come in pairs of all time and today: processed, and perhaps failed or expired; or not at all.
-- The lock is given back where the holder has it; '' has none. The place is that of an iterable job that is over (1).
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then
  return 0
end
if ARGV[5] then
  redis.call('ZADD', KEYS[2], ARGV[5], ARGV[6])
end
if ARGV[3] ~= '' and redis.call('GET', KEYS[3]) == ARGV[3] then
  redis.call('DEL', KEYS[3])
end
if ARGV[4] == '1' then
  redis.call('UNLINK', KEYS[4])
end
for i = 5, #KEYS do
  redis.call('INCRBY', KEYS[i], 1)
  if i % 2 == 0 then
    redis.call('EXPIRE', KEYS[i], ARGV[2])
  end
end
return 1
