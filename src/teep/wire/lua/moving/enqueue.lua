-- Move jobs from a zset to the heads of their queues, each only if it is still there.
-- INCLUDE: try
-- KEYS: source queues queue*
-- ARGV: (member payload queue_name)*
-- RETURNS: for each 1 if it was moved, 0 if it was gone, or why Redis refused, so that it stayed where it was
begin(KEYS[1])
local listed = {}
local function move(queue, member, payload, name)
  local score, why, _
  score, why = try('ZSCORE', KEYS[1], member)
  if not score then return why or 0 end
  if not listed[name] then
    _, why = try('SADD', KEYS[2], name)
    if why then return why end
    listed[name] = true
  end
  _, why = try('LPUSH', queue, payload)
  if why then return why end
  _, why = try('ZREM', KEYS[1], member)
  if why then
    redis.pcall('LPOP', queue)
    return why
  end
  return 1
end

local moved = {}
for i = 1, #KEYS - 2 do
  moved[i] = move(KEYS[2 + i], ARGV[i * 3 - 2], ARGV[i * 3 - 1], ARGV[i * 3])
end
return moved
