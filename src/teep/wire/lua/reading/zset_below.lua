-- Read on in a zset, highest score first, from the entry that a reader read last, which may be gone by now.
-- INCLUDE: zset_place
-- KEYS: zset
-- ARGV: score member count needle*
-- RETURNS: { the last member read and its score, or two empty strings at the end; how many were read; members that
-- hold every needle, each followed by its score }
local count = tonumber(ARGV[3])

-- Looked up once, since it is called for every entry.
local find, arguments, last = string.find, ARGV, #ARGV

local function holds_all(raw)
  for i = 4, last do
    if not find(raw, arguments[i], 1, true) then return false end
  end
  return true
end

local start = place_after()
local stop = start + count - 1
if last == 3 then
  local entries = redis.call('ZREVRANGE', KEYS[1], start, stop, 'WITHSCORES')
  if #entries == 0 then return { '', '', 0, {} } end
  return { entries[#entries - 1], entries[#entries], #entries / 2, entries }
end

-- Half of the time would go into writing out scores, so only those that are needed are read.
local members = redis.call('ZREVRANGE', KEYS[1], start, stop)
if #members == 0 then return { '', '', 0, {} } end
local lowest, matching = members[#members], {}
for _, raw in ipairs(members) do
  if holds_all(raw) then
    matching[#matching + 1] = raw
    matching[#matching + 1] = redis.call('ZSCORE', KEYS[1], raw)
  end
end
return { lowest, redis.call('ZSCORE', KEYS[1], lowest), #members, matching }
