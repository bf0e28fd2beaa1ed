-- Put reserved jobs back to the tail of their queue, in their former order; the first given runs first.
-- KEYS: inflight queue
-- ARGV: raw*
-- RETURNS: how many were in flight and went back
local moved = 0
for i = #ARGV, 1, -1 do
  if redis.call('LREM', KEYS[1], -1, ARGV[i]) == 1 then
    redis.call('RPUSH', KEYS[2], ARGV[i])
    moved = moved + 1
  end
end
return moved
