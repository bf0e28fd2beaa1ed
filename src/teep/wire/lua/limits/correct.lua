-- Correct what was taken of a limiter of points by what was really used; it may go into debt.
-- INCLUDE: try
-- INCLUDE: limits/line
-- KEYS: hash
-- ARGV: now points
-- RETURNS: 1, or 0 if there is no such limiter
local found = redis.call('HMGET', KEYS[1], 'at', 'interval')
if not found[2] then return 0 end
local now = clock(ARGV[1])
redis.call('HSET', KEYS[1], 'at', math.max(tonumber(found[1]) or now, now) + ARGV[2] * found[2])
return 1
