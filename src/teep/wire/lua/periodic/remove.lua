-- Remove the entry of a periodic job, with all that belongs to it.
-- INCLUDE: leading
-- KEYS: leader entries ticks paused seen version runs
-- ARGV: identity name
-- RETURNS: 1 if there was one, else 0; also if the identity leads no longer, which is '' if anyone may
local identity, name = ARGV[1], ARGV[2]
if identity ~= '' and not leads(KEYS[1], identity) then return 0 end
redis.call('HDEL', KEYS[3], name)
redis.call('SREM', KEYS[4], name)
redis.call('HDEL', KEYS[5], name)
redis.call('DEL', KEYS[7])
redis.call('INCR', KEYS[6])
local removed = redis.call('HDEL', KEYS[2], name)
if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('DEL', KEYS[3]) end
return removed
