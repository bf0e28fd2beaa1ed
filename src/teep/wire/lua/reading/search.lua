-- Find payloads in a slice of a queue without sending the others over the network.
-- KEYS: queue
-- ARGV: needle start count
-- RETURNS: the payloads of that slice that hold the needle
local found = {}
for _, raw in ipairs(redis.call('LRANGE', KEYS[1], ARGV[2], ARGV[2] + ARGV[3] - 1)) do
  if string.find(raw, ARGV[1], 1, true) then
    found[#found + 1] = raw
  end
end
return found
