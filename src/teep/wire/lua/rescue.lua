-- Move jobs of a dead process to the tail of their queue, each as its new payload; the first given runs first.
-- INCLUDE: try
-- KEYS: inflight queue
-- ARGV: (raw payload)*
-- RETURNS: for each 1 where it was moved, 0 where it was not in flight, or why Redis refused, which left it there
begin(KEYS[1])
local function move(raw, payload)
  local at, why, _
  at, why = try('LPOS', KEYS[1], raw, 'RANK', -1)
  if not at then return why or 0 end
  _, why = try('RPUSH', KEYS[2], payload)
  if why then return why end
  _, why = try('LREM', KEYS[1], -1, raw)
  if why then
    redis.pcall('RPOP', KEYS[2])
    return why
  end
  return 1
end

local moved = {}
for i = #ARGV - 1, 1, -2 do
  moved[(i + 1) / 2] = move(ARGV[i], ARGV[i + 1])
end
return moved
