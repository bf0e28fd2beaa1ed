-- Read on in a queue from a reader's place, however the queue has grown or shrunk since.
-- INCLUDE: list_place
-- KEYS: queue
-- ARGV: from position count needles anything*
-- RETURNS: { which anchor was found, from 0; position and number of the payloads read; the last of them, which are
-- the next anchors; those that hold every needle }, or nothing if anchors were given and none is left
-- ARGV after needles (a number): that many needles, then the anchors. `from` is the end that it starts from.
local oldest, position, count = ARGV[1] == 'oldest', tonumber(ARGV[2]), tonumber(ARGV[3])
local needles, first_anchor = tonumber(ARGV[4]), 5 + tonumber(ARGV[4])

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

local start, which = place_after(first_anchor, position, oldest)
if not start then return false end

local payloads = read(start)
if needles == 0 then return { which, start, #payloads, {}, payloads } end
local matching = {}
for _, raw in ipairs(payloads) do
  if holds_all(raw) then matching[#matching + 1] = raw end
end
return { which, start, #payloads, last_of(payloads), matching }
