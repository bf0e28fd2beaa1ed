-- The place where a reader of the zset KEYS[1] goes on, highest score first: ARGV[1] and ARGV[2] are the score and
-- member that it read last, which may be gone by now. An empty score starts at the top.
local score, member = ARGV[1], ARGV[2]

local function place_after()
  if score == '' then return 0 end
  local now = redis.call('ZSCORE', KEYS[1], member)
  if now and tonumber(now) == tonumber(score) then
    return redis.call('ZREVRANK', KEYS[1], member) + 1
  end
  -- Members of one score lie in byte order: step over those that came before.
  local start = redis.call('ZCOUNT', KEYS[1], '(' .. score, '+inf')
  local low, high = 0, redis.call('ZCOUNT', KEYS[1], score, score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if redis.call('ZREVRANGE', KEYS[1], start + middle, start + middle)[1] > member then
      low = middle + 1
    else
      high = middle
    end
  end
  return start + low
end
