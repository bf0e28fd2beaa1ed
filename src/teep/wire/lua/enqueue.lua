-- Move jobs from a zset to the heads of their queues, each only if it is still there.
-- KEYS: source queues queue*
-- ARGV: (member payload queue_name)*
-- RETURNS: 1 for each that was moved, 0 for each that was gone
local moved = {}
for i = 1, #KEYS - 2 do
  local member, payload, name = ARGV[i * 3 - 2], ARGV[i * 3 - 1], ARGV[i * 3]
  moved[i] = redis.call('ZREM', KEYS[1], member)
  if moved[i] == 1 then
    redis.call('SADD', KEYS[2], name)
    redis.call('LPUSH', KEYS[2 + i], payload)
  end
end
return moved
