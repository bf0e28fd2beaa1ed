-- Take out a caller that was interrupted while it asked or waited; a place that it was given or called to goes on.
-- INCLUDE: try
-- INCLUDE: limits/line
-- KEYS: line bell
-- ARGV: holder
-- RETURNS: 1 if it had a place, or was called to one; else 0
for _, waits in ipairs(try('ZRANGEBYSCORE', KEYS[1], '-inf', '(0') or {}) do
  if read(waits)[2] == KEYS[2] then try('ZREM', KEYS[1], waits) end
end
local had, called = try('ZREM', KEYS[1], ARGV[1]), try('DEL', KEYS[2])
if had ~= 1 and called ~= 1 then return 0 end
call_next(KEYS[1])
return 1
