-- Put reserved jobs back to the tail of their queue, in their former order; the first given runs first.
-- Redis takes LREM first also where it is out of memory, and then lets the script go on.
-- KEYS: inflight queue queues
-- ARGV: queue_name raw*
-- RETURNS: how many were in flight and went back
local moved = 0
for i = #ARGV, 2, -1 do
  if redis.call('LREM', KEYS[1], -1, ARGV[i]) == 1 then
    redis.call('RPUSH', KEYS[2], ARGV[i])
    moved = moved + 1
  end
end
if moved > 0 then
  redis.call('SADD', KEYS[3], ARGV[1])
end
return moved
