-- Take an interrupted job out of flight and put it, as another payload, behind all others of its queue, in one step.
-- A job that is not in flight any more was given up and rescued: nothing is changed for it.
-- INCLUDE: try
-- KEYS: inflight queue queues counter*
-- ARGV: raw payload queue_name ttl
-- RETURNS: { 1 where it was in flight, 0 where it was not, or -1 where Redis refused and nothing was changed; why it
-- did, or '', or why it was not counted }
-- The counters are processed and processed_today.
begin(KEYS[1])
local at, why, _
at, why = try('LPOS', KEYS[1], ARGV[1])
if why then return { -1, why } end
if not at then return { 0, '' } end
_, why = try('SADD', KEYS[3], ARGV[3])
if why then return { -1, why } end
_, why = try('LPUSH', KEYS[2], ARGV[2])
if why then return { -1, why } end
_, why = try('LREM', KEYS[1], 1, ARGV[1])
if why then
  redis.pcall('LPOP', KEYS[2])
  return { -1, why }
end

local problem = ''
for i = 4, #KEYS do
  _, why = try('INCRBY', KEYS[i], 1)
  problem = why or problem
end
_, why = try('EXPIRE', KEYS[5], ARGV[4])
return { 1, why or problem }
