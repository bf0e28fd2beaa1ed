-- The place where a reader of the list KEYS[1] goes on, found by the payloads that it read
-- last (anchors, the last one first).
-- Positions count from 0 at the end that it reads from: the newest job, or the oldest.
local length = redis.call('LLEN', KEYS[1])

local function index(place, oldest)
  return oldest and length - 1 - place or place
end

-- Equal payloads are possible: the right one has the earlier anchors before it.
local function company(anchor, place, oldest)
  local count = 0
  for back = 1, math.min(3, #ARGV - anchor, place) do
    if redis.call('LINDEX', KEYS[1], index(place - back, oldest)) == ARGV[anchor + back] then count = count + 1 end
  end
  return count
end

-- Return where an anchor lies, and whether that is sure, as earlier anchors are before it.
local function find(anchor, expected, oldest)
  local best, best_company
  local function consider(place)
    local here = company(anchor, place, oldest)
    if not best or here > best_company
      or (here == best_company and math.abs(place - expected) < math.abs(best - expected)) then
      best, best_company = place, here
    end
  end
  if expected >= 0 and expected < length
    and redis.call('LINDEX', KEYS[1], index(expected, oldest)) == ARGV[anchor] then
    consider(expected)
    if best_company > 0 then return best, true end
  end
  local from = math.max(0, index(expected, oldest) - 1000)
  for offset, raw in ipairs(redis.call('LRANGE', KEYS[1], from, from + 2000)) do
    if raw == ARGV[anchor] then consider(index(from + offset - 1, oldest)) end
  end
  if not best or best_company == 0 then
    for _, at in ipairs(redis.call('LPOS', KEYS[1], ARGV[anchor], 'COUNT', 0)) do consider(index(at, oldest)) end
  end
  return best, best and best_company > 0
end

-- Return the position that follows the anchors, ARGV from `first` on, and which of them was found, from 0; nothing
-- if none is left. The last one is expected at `position`; without anchors that is the place itself.
local function place_after(first, position, oldest)
  if not ARGV[first] then return position, 0 end
  local start, which
  for i = first, #ARGV do
    local place, sure = find(i, position - (i - first), oldest)
    if place and (sure or not start) then
      start, which = place + 1, i - first
    end
    if sure then break end
  end
  return start, which
end

-- The next anchors: the last payloads that were read, the last one first.
local function last_of(payloads)
  local anchors = {}
  for i = #payloads, math.max(1, #payloads - 49), -1 do anchors[#anchors + 1] = payloads[i] end
  return anchors
end
