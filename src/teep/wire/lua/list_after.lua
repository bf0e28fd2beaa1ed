-- Read on in a queue from where a reader stood, however the queue has grown or shrunk since.
-- The place is told by payloads read last (anchors, the last one first) and the position of the last one.
-- Positions count from 0 at the end that the reader started from: the newest job, or the oldest.
-- KEYS: queue
-- ARGV: from position count needles anything*
-- RETURNS: { which anchor was found, from 0; position and number of the payloads read; the last of them, which are
-- the next anchors; those that hold every needle }, or nothing where anchors were given and none is left
-- ARGV after needles (a number): that many needles, then the anchors.
local oldest, position, count = ARGV[1] == 'oldest', tonumber(ARGV[2]), tonumber(ARGV[3])
local needles, first_anchor = tonumber(ARGV[4]), 5 + tonumber(ARGV[4])
local length = redis.call('LLEN', KEYS[1])

local function index(place)
  return oldest and length - 1 - place or place
end

-- Equal payloads are possible: the right one has the anchors before it before it.
local function company(anchor, place)
  local count = 0
  for back = 1, math.min(3, #ARGV - anchor, place) do
    if redis.call('LINDEX', KEYS[1], index(place - back)) == ARGV[anchor + back] then count = count + 1 end
  end
  return count
end

-- Return where an anchor lies, and whether that is sure: it is in company there.
local function find(anchor, expected)
  local best, best_company
  local function consider(place)
    local here = company(anchor, place)
    if not best or here > best_company
      or (here == best_company and math.abs(place - expected) < math.abs(best - expected)) then
      best, best_company = place, here
    end
  end
  if expected >= 0 and expected < length and redis.call('LINDEX', KEYS[1], index(expected)) == ARGV[anchor] then
    consider(expected)
    if best_company > 0 then return best, true end
  end
  local from = math.max(0, index(expected) - 1000)
  for offset, raw in ipairs(redis.call('LRANGE', KEYS[1], from, from + 2000)) do
    if raw == ARGV[anchor] then consider(index(from + offset - 1)) end
  end
  if not best or best_company == 0 then
    for _, at in ipairs(redis.call('LPOS', KEYS[1], ARGV[anchor], 'COUNT', 0)) do consider(index(at)) end
  end
  return best, best and best_company > 0
end

local function read(start)
  if not oldest then return redis.call('LRANGE', KEYS[1], start, start + count - 1) end
  local stop = length - 1 - start
  if stop < 0 then return {} end
  local forward, backward = redis.call('LRANGE', KEYS[1], math.max(0, stop - count + 1), stop), {}
  for i = #forward, 1, -1 do backward[#backward + 1] = forward[i] end
  return backward
end

local function holds_all(raw)
  for i = 5, first_anchor - 1 do
    if not string.find(raw, ARGV[i], 1, true) then return false end
  end
  return true
end

local start, which = 0, 0
if ARGV[first_anchor] then
  start = nil
  for i = first_anchor, #ARGV do
    local place, sure = find(i, position - (i - first_anchor))
    if place and (sure or not start) then
      start, which = place + 1, i - first_anchor
    end
    if sure then break end
  end
  if not start then return false end
end

local payloads = read(start)
if needles == 0 then return { which, start, #payloads, {}, payloads } end
local anchors, matching = {}, {}
for i = #payloads, math.max(1, #payloads - 49), -1 do anchors[#anchors + 1] = payloads[i] end
for _, raw in ipairs(payloads) do
  if holds_all(raw) then matching[#matching + 1] = raw end
end
return { which, start, #payloads, anchors, matching }
