-- Take from a leaky bucket, or of points, that are known as they are declared, not paused, and enough: the short way,
-- which most calls go.
-- One that waits may have its turn until some seconds after the time that it was told: until then calls ask in full.
-- KEYS: hash
-- ARGV: declared interval ttl cost kind
-- RETURNS: 1, or 0 if nothing was done: see acquire.lua
redis.call('HDEL', KEYS[1], '\0')  -- a full Redis refuses a first write that needs memory
local known = redis.call('HMGET', KEYS[1], 'declared', 'interval', 'kind', 'override', 'paused', 'listed',
  'at', 'turn', 'granted')
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
if known[1] ~= ARGV[1] or known[2] ~= ARGV[2] or known[3] ~= ARGV[5] or (known[5] and tonumber(known[5]) > now)
  or now - known[6] > ARGV[3] * 250 or now - known[8] < 5000000 then
  return 0
end
local limit = tonumber(known[4] or ARGV[1])
local pace = ARGV[5] == 'points' and tonumber(ARGV[2]) or math.ceil(ARGV[2] / math.max(limit, 1))
local at = math.max(tonumber(known[7]), now) + ARGV[4] * pace
if at - limit * pace > now then return 0 end
redis.call('HSET', KEYS[1], 'at', at, 'granted', known[9] + ARGV[4])
return 1
