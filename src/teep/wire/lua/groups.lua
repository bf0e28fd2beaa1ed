-- Count the jobs of a slice of a zset by class and error. This one reads payloads as JSON; it writes none back.
-- What is no job counts by what can be shown of it, as the `fields` of a `Stored` in wire/stored.py.
-- KEYS: zset
-- ARGV: score member count
-- RETURNS: { the last member read and its score, or two empty strings at the end; for each group its class, error
-- class, count, lowest and highest score, and one payload }
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

local groups, order = {}, {}
-- The first text among the fields that may name a thing; JSON's null is none.
local function text(...)
  for i = 1, select('#', ...) do
    local value = select(i, ...)
    if type(value) == 'string' then return value end
  end
  return ''
end
for i = 1, #entries, 2 do
  local read, job = pcall(cjson.decode, entries[i])
  local class, error_class = '', ''
  if read and type(job) == 'table' then
    class = text(job.display_class, job.wrapped, job.class)
    error_class = text(job.error_class)
  end
  local id = class .. '\0' .. error_class
  local group = groups[id]
  if not group then
    group = { class, error_class, 0, entries[i + 1], entries[i + 1], entries[i] }
    groups[id] = group
    order[#order + 1] = id
  end
  group[3] = group[3] + 1
  group[4] = entries[i + 1]
end
local rows = {}
for i, id in ipairs(order) do rows[i] = groups[id] end
return { entries[#entries - 1], entries[#entries], rows }
