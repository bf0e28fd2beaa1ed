-- Write the entry of a periodic job, if it is still as it was read.
-- KEYS: entries ticks version
-- ARGV: name before after counts_from
-- RETURNS: 1 if it was written, 0 if the entry is another one by now
-- `before` is '' if there was none. With `counts_from`, a time, no tick up to then is fired any more.
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
local last = redis.call('HGET', KEYS[2], ARGV[1])
if ARGV[4] ~= '' and (not last or tonumber(last) < tonumber(ARGV[4])) then
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[4])
end
redis.call('INCR', KEYS[3])
return 1
