-- Move jobs from one zset to another with a new score and payload, each only if it is still there.
-- KEYS: source target
-- ARGV: (member score payload)*
-- RETURNS: 1 for each that was moved, 0 for each that was gone
-- An empty score: the one that it has.
local moved = {}
for i = 1, #ARGV / 3 do
  local member, score, payload = ARGV[i * 3 - 2], ARGV[i * 3 - 1], ARGV[i * 3]
  if score == '' then score = redis.call('ZSCORE', KEYS[1], member) end
  moved[i] = redis.call('ZREM', KEYS[1], member)
  if moved[i] == 1 then
    redis.call('ZADD', KEYS[2], score, payload)
  end
end
return moved
