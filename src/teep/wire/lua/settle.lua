-- Take a job out of flight and put its next state into a zset, or nowhere (it is over), in one step.
-- A job that is not in flight any more was given up and rescued: nothing is changed for it.
-- INCLUDE: try
-- KEYS: inflight target lock place counter*
-- ARGV: raw ttl holder has_place (score payload)*
-- RETURNS: { 1 where it was in flight, 0 where it was not, or -1 where Redis refused and nothing was changed; why it
-- did, or '', or why what goes along was not done }
-- The counters come in pairs of all time and today: processed, and perhaps failed or expired; or not at all.
-- The lock is given back where the holder has it; '' has none. The place is that of an iterable job that is over (1).
begin(KEYS[1])
local at, added, why, _
at, why = try('LPOS', KEYS[1], ARGV[1])
if why then return { -1, why } end
if not at then return { 0, '' } end
if ARGV[5] then
  added, why = try('ZADD', KEYS[2], ARGV[5], ARGV[6])
  if why then return { -1, why } end
end
_, why = try('LREM', KEYS[1], 1, ARGV[1])
if why then
  if added == 1 then redis.pcall('ZREM', KEYS[2], ARGV[6]) end
  return { -1, why }
end

-- The job is settled. What is refused from here on is told, and ends nothing.
local problem = ''
local function also(...)
  local reply, refused = try(...)
  problem = refused or problem
  return reply
end
if ARGV[3] ~= '' and also('GET', KEYS[3]) == ARGV[3] then
  also('DEL', KEYS[3])
end
if ARGV[4] == '1' then
  also('UNLINK', KEYS[4])
end
for i = 5, #KEYS do
  also('INCRBY', KEYS[i], 1)
  if i % 2 == 0 then
    also('EXPIRE', KEYS[i], ARGV[2])
  end
end
return { 1, problem }
