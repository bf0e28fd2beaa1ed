-- Take chosen jobs out of the middle of a queue, and put each into a zset or another queue, or nowhere.
-- They lie together, in the order given, from about a position on; a job that is no longer there is skipped.
-- Redis removes from the middle of a list only by searching for a value, so each is overwritten by a mark once it is
-- where it goes, and all marks are removed in one pass from the nearer end. No client sees them: a script is one step.
-- INCLUDE: parts
-- KEYS: queue key*
-- ARGV: kind name mark position span moves anything*
-- RETURNS: for each 1 if it was taken, a list of 1 and why a part that goes along was refused, 0 if it was gone, or why
-- Redis refused, so that it stayed where it was
-- Positions count from the oldest job. Kind: drop, zset or list (of which name is the queue's name). The second key is
-- that of the zset or list, the third, for a list, the set of queues. So many moves (raw payload score) come after their
-- number, then the parts that go along with them.
local kind, mark, position, span = ARGV[1], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local count = tonumber(ARGV[6])
local go_along = read_along(7 + count * 3)
local taken, wanted, places = {}, {}, {}
begin(KEYS[1])
for i = 1, count do
  local raw = ARGV[i * 3 + 4]
  taken[i] = 0
  wanted[raw] = wanted[raw] or {}
  table.insert(wanted[raw], i)
end

local length = redis.call('LLEN', KEYS[1])
-- Workers take from the oldest end meanwhile, so the jobs may have come nearer to it, never gone further.
local stop = length - 1 - math.max(0, position - span)
local start = math.max(0, length - position - span)
local slice = stop >= start and redis.call('LRANGE', KEYS[1], start, stop) or {}
for offset = #slice, 1, -1 do
  local here = wanted[slice[offset]]
  if here and #here > 0 then
    -- Counted from the oldest: a job that is added to this very queue shifts no place.
    places[table.remove(here, 1)] = start + offset - 1 - length
  end
end

-- Put a job at its destination: returns why that was refused, and a function that takes it back.
local function add(raw, score)
  local added, why, _
  if kind == 'zset' then
    added, why = try('ZADD', KEYS[2], score, raw)
    return why, function() if added == 1 then redis.pcall('ZREM', KEYS[2], raw) end end
  elseif kind == 'list' then
    _, why = try('SADD', KEYS[3], ARGV[2])
    if why then return why end
    _, why = try('LPUSH', KEYS[2], raw)
    return why, function() redis.pcall('LPOP', KEYS[2]) end
  end
  return nil, function() end
end

local done = {}
for i = 1, #taken do
  if places[i] then
    local why, take_back = add(ARGV[i * 3 + 5], ARGV[i * 3 + 6])
    if not why then
      local _
      _, why = try('LSET', KEYS[1], places[i], mark)
      if why then take_back() end
    end
    taken[i] = why or 1
    if not why then done[#done + 1] = { i, take_back } end
  end
end
if #done > 0 then
  local _, why = try('LREM', KEYS[1], start > length / 2 and -#done or #done, mark)
  for at = why and #done or 0, 1, -1 do
    local i, take_back = unpack(done[at])
    redis.pcall('LSET', KEYS[1], places[i], ARGV[i * 3 + 4])
    take_back()
    taken[i] = why
  end
end
for i = 1, count do
  local why = taken[i] == 1 and go_along(i)
  if why then taken[i] = { 1, why } end
end
return taken
