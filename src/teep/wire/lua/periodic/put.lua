-- Write the entry of a periodic job, if it is still as it was read.
-- INCLUDE: leading
-- KEYS: leader entries ticks version
-- ARGV: identity name before after counts_from
-- RETURNS: 1 if it was written, 0 if the entry is another one by now, or the identity leads no longer
-- The identity is '' if anyone may, `before` is '' if there was none. With `counts_from`, a time, no tick up to then
-- is fired any more.
local identity, name, before, after, counts_from = unpack(ARGV)
if identity ~= '' and not leads(KEYS[1], identity) then return 0 end
if (redis.call('HGET', KEYS[2], name) or '') ~= before then return 0 end
redis.call('HSET', KEYS[2], name, after)
local last = redis.call('HGET', KEYS[3], name)
if counts_from ~= '' and (not last or tonumber(last) < tonumber(counts_from)) then
  redis.call('HSET', KEYS[3], name, counts_from)
end
redis.call('INCR', KEYS[4])
return 1
