-- Take from a bucket that is known as it is declared, is not paused, and has enough: the short way, which most calls go.
-- One that waits may have its turn until some seconds after the time that it was told: until then calls ask in full.
-- KEYS: hash
-- ARGV: declared interval ttl cost
-- RETURNS: 1, or 0 if nothing was done: see acquire.lua
redis.call('HDEL', KEYS[1], '\0')  -- a full Redis refuses a first write that needs memory
local known = redis.call('HMGET', KEYS[1], 'declared', 'interval', 'kind', 'override', 'paused', 'listed',
  'at', 'turn', 'granted', 'used')
local time = redis.call('TIME')
local now, interval = time[1] * 1000000 + time[2], tonumber(ARGV[2])
if known[1] ~= ARGV[1] or known[2] ~= ARGV[2] or known[3] ~= 'bucket' or (known[5] and tonumber(known[5]) > now)
  or now - known[6] > ARGV[3] * 250 or now - known[8] < 5000000 then
  return 0
end
local start, at = now - now % interval, tonumber(known[7])
if at > start and at % interval == 0 then start = at end  -- the clock has gone back
local used = (at == start and known[10] or 0) + ARGV[4]
if used > tonumber(known[4] or ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'at', start, 'used', used, 'granted', known[9] + ARGV[4])
return 1
