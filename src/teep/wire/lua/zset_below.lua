-- Read on in a zset, highest score first, from the member a reader stood at, which may be gone by now.
-- KEYS: zset
-- ARGV: score member count
-- RETURNS: members and scores below that place
local score, member, count = ARGV[1], ARGV[2], tonumber(ARGV[3])
local now = redis.call('ZSCORE', KEYS[1], member)
local start
if now and tonumber(now) == tonumber(score) then
  start = redis.call('ZREVRANK', KEYS[1], member) + 1
else
  -- Members of one score lie in byte order: step over those that came before.
  start = redis.call('ZCOUNT', KEYS[1], '(' .. score, '+inf')
  local ties = redis.call('ZCOUNT', KEYS[1], score, score)
  local low, high = 0, ties
  while low < high do
    local middle = math.floor((low + high) / 2)
    if redis.call('ZREVRANGE', KEYS[1], start + middle, start + middle)[1] > member then
      low = middle + 1
    else
      high = middle
    end
  end
  start = start + low
end
return redis.call('ZREVRANGE', KEYS[1], start, start + count - 1, 'WITHSCORES')
