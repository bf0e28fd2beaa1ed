-- Remove the entry of a periodic job, with all that belongs to it.
-- KEYS: entries ticks paused seen version runs
-- ARGV: name
-- RETURNS: 1 if there was one, else 0
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('SREM', KEYS[3], ARGV[1])
redis.call('HDEL', KEYS[4], ARGV[1])
redis.call('DEL', KEYS[6])
redis.call('INCR', KEYS[5])
local removed = redis.call('HDEL', KEYS[1], ARGV[1])
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('DEL', KEYS[2]) end
return removed
