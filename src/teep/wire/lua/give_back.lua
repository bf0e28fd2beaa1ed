-- Put reserved jobs back to the tail of their queue, in their former order; the first given runs first.
-- INCLUDE: try
-- KEYS: inflight queue queues
-- ARGV: queue_name raw*
-- RETURNS: for each 1 where it went back, 0 where it was not in flight, or why Redis refused, which left it there
begin(KEYS[1])
local function move(raw)
  local at, why, _
  at, why = try('LPOS', KEYS[1], raw, 'RANK', -1)
  if not at then return why or 0 end
  _, why = try('SADD', KEYS[3], ARGV[1])
  if why then return why end
  _, why = try('RPUSH', KEYS[2], raw)
  if why then return why end
  _, why = try('LREM', KEYS[1], -1, raw)
  if why then
    redis.pcall('RPOP', KEYS[2])
    return why
  end
  return 1
end

local moved = {}
for i = #ARGV, 2, -1 do
  moved[i - 1] = move(ARGV[i])
end
return moved
