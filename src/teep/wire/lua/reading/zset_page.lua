-- A page of a zset on either side of a place, which stays one while others add and take.
-- A place is a score and how many entries of that score lie before it, in the order asked for.
-- KEYS: zset
-- ARGV: order(asc|desc) way(after|before) score index count needle*
-- RETURNS: { size, entries before the first one read, how many were read, the place at the far end as score and index,
-- { member, score, index }* of those that hold every needle, in the way read }
local key, ascending, forward = KEYS[1], ARGV[1] == 'asc', ARGV[2] == 'after'
local score, index, count = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local find, arguments, last = string.find, ARGV, #ARGV

local function start_of(value)
  if ascending then return redis.call('ZCOUNT', key, '-inf', '(' .. value) end
  return redis.call('ZCOUNT', key, '(' .. value, '+inf')
end

local function rank_of(member)
  return redis.call(ascending and 'ZRANK' or 'ZREVRANK', key, member)
end

local function place_of(member)
  local value = redis.call('ZSCORE', key, member)
  return value, rank_of(member) - start_of(value)
end

local function holds_all(raw)
  for i = 6, last do
    if not find(raw, arguments[i], 1, true) then return false end
  end
  return true
end

local size = redis.call('ZCARD', key)
local place = forward and 0 or size
-- Entries of the score that have gone since do not let others be passed over.
if score ~= '' then place = start_of(score) + math.min(index, redis.call('ZCOUNT', key, score, score)) end
local first, stop = place, place + count - 1
if not forward then first, stop = math.max(place - count, 0), place - 1 end
local members = stop >= first and redis.call(ascending and 'ZRANGE' or 'ZREVRANGE', key, first, stop) or {}
if #members == 0 then return { size, place, 0, '', 0, {} } end

local found = {}
for i = 1, #members do
  local member = forward and members[i] or members[#members + 1 - i]
  if holds_all(member) then
    local at, behind = place_of(member)
    found[#found + 1] = { member, at, behind }
  end
end
local edge, behind = place_of(forward and members[#members] or members[1])
return { size, first, #members, edge, forward and behind + 1 or behind, found }
