-- Count the jobs of a slice of a zset by class and error.
-- INCLUDE: grouping
-- KEYS: zset
-- ARGV: score member count
-- RETURNS: { the last member read and its score, or two empty strings at the end; for each group its class, error
-- class, count, lowest and highest score, and the newest payload }
-- The place to read on from is told as in zset_below.
local score, member, count = ARGV[1], ARGV[2], tonumber(ARGV[3])

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

local start = place_after()
local entries = redis.call('ZREVRANGE', KEYS[1], start, start + count - 1, 'WITHSCORES')
if #entries == 0 then return { '', '', {} } end

for i = 1, #entries, 2 do count_job(entries[i], entries[i + 1]) end
return { entries[#entries - 1], entries[#entries], rows }
