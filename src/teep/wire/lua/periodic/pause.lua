-- Pause a periodic job, or let it go on: then its ticks up to now are over.
-- KEYS: entries ticks paused version
-- ARGV: name now goes_on
-- RETURNS: -1 if there is no such entry, 1 if this changed something, else 0
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return -1 end
if ARGV[3] ~= '1' then
  redis.call('INCR', KEYS[4])
  return redis.call('SADD', KEYS[3], ARGV[1])
end
if redis.call('SREM', KEYS[3], ARGV[1]) == 0 then return 0 end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('INCR', KEYS[4])
return 1
