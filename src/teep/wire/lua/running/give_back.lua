-- Put reserved jobs back to the tail of their queue, in their former order; the first given runs first.
-- INCLUDE: to_tail
-- KEYS: inflight queue queues
-- ARGV: queue_name raw*
-- RETURNS: for each 1 if it went back, 0 if it was not in flight, or why Redis refused, so that it stayed there
begin(KEYS[1])
local function know_queue()
  local _, why = try('SADD', KEYS[3], ARGV[1])
  return why
end

local moved = {}
for i = #ARGV, 2, -1 do
  moved[i - 1] = to_tail(ARGV[i], ARGV[i], know_queue)
end
return moved
