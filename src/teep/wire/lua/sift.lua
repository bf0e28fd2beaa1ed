-- Take chosen jobs out of the middle of a queue, and put each into a zset or another queue, or nowhere.
-- They lie together, in the order given, from about a position on; what is no longer there is passed over.
-- Redis removes from the middle of a list only by searching for a value, so each is first overwritten by a mark,
-- and all marks are removed in one pass from the nearer end. Nobody sees the marks: a script is one step.
-- KEYS: queue target queues
-- ARGV: kind name mark position span (raw payload score)*
-- RETURNS: 1 for each that was taken, 0 for each that was gone
-- Positions count from the oldest job. Kind: drop, zset or list (of which name is the queue's name).
local kind, mark, position, span = ARGV[1], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local taken, wanted = {}, {}
for i = 1, (#ARGV - 5) / 3 do
  local raw = ARGV[i * 3 + 3]
  taken[i] = 0
  wanted[raw] = wanted[raw] or {}
  table.insert(wanted[raw], i)
end

local length = redis.call('LLEN', KEYS[1])
-- Workers take from the oldest end meanwhile, so the jobs may have come nearer to it, never gone further.
local stop = length - 1 - math.max(0, position - span)
local start = math.max(0, length - position - span)
local slice = stop >= start and redis.call('LRANGE', KEYS[1], start, stop) or {}
local count = 0
for offset = #slice, 1, -1 do
  local here = wanted[slice[offset]]
  if here and #here > 0 then
    redis.call('LSET', KEYS[1], start + offset - 1, mark)
    taken[table.remove(here, 1)] = 1
    count = count + 1
  end
end
if count > 0 then
  redis.call('LREM', KEYS[1], start > length / 2 and -count or count, mark)
end

for i = 1, #taken do
  if taken[i] == 1 then
    if kind == 'zset' then
      redis.call('ZADD', KEYS[2], ARGV[i * 3 + 5], ARGV[i * 3 + 4])
    elseif kind == 'list' then
      redis.call('SADD', KEYS[3], ARGV[2])
      redis.call('LPUSH', KEYS[2], ARGV[i * 3 + 4])
    end
  end
end
return taken
