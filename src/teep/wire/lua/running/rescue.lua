-- Move jobs of a dead process to the tail of their queue, each as its new payload; the first given runs first.
-- INCLUDE: to_tail
-- KEYS: inflight queue
-- ARGV: (raw payload)*
-- RETURNS: for each 1 if it was moved, 0 if it was not in flight, or why Redis refused, so that it stayed there
begin(KEYS[1])
local moved = {}
for i = #ARGV - 1, 1, -2 do
  moved[(i + 1) / 2] = to_tail(ARGV[i], ARGV[i + 1])
end
return moved
