-- Move jobs of a dead process to the tail of their queue, each as its new payload; the first given runs first.
-- KEYS: inflight queue
-- ARGV: (raw payload)*
-- RETURNS: how many were in flight and moved
local moved = 0
for i = #ARGV - 1, 1, -2 do
  if redis.call('LREM', KEYS[1], -1, ARGV[i]) == 1 then
    redis.call('RPUSH', KEYS[2], ARGV[i + 1])
    moved = moved + 1
  end
end
return moved
