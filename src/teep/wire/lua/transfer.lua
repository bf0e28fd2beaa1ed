-- Move jobs from one zset to another with a new score and payload, each only if it is still there.
-- KEYS: source target
-- ARGV: (member score payload)*
-- RETURNS: 1 for each that was moved, 0 for each that was gone
local moved = {}
for i = 1, #ARGV / 3 do
  moved[i] = redis.call('ZREM', KEYS[1], ARGV[i * 3 - 2])
  if moved[i] == 1 then
    redis.call('ZADD', KEYS[2], ARGV[i * 3 - 1], ARGV[i * 3])
  end
end
return moved
