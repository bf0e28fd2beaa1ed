-- Exchange one job's payload for another in its place, only if it is still there.
-- KEYS: queue
-- ARGV: old new
-- RETURNS: 1 if it was there, else 0
local at = redis.call('LPOS', KEYS[1], ARGV[1])
if not at then return 0 end
redis.call('LSET', KEYS[1], at, ARGV[2])
return 1
