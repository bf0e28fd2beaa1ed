-- One round trip of a working process: acknowledge finished jobs, count them, reserve the next.
-- Acknowledged jobs are removed from the in-flight list in order, so each LREM finds its job near the head.
-- Jobs that are not in flight any more (they were given up and rescued) count nowhere and are reported.
-- Paused queues are passed over, so that a pause takes hold at the very next exchange.
-- INCLUDE: try
-- KEYS: processed processed_today paused (queue inflight)*
-- ARGV: limit ttl name_count_or_acknowledged*
-- RETURNS: { positions of the late among all acknowledged; why Redis refused to count them or to tell what is paused,
-- or ''; for each queue what was reserved, or why Redis refused that, which left all of it there }
-- ARGV after ttl: for each queue its name and how many are acknowledged there; then those payloads, queue by queue.
local limit = tonumber(ARGV[1])
local lanes = (#KEYS - 3) / 2
local late, reply, paused, problem = {}, {}, {}, ''
local at, done = 2 + lanes * 2, 0

for lane = 1, lanes do
  local inflight = KEYS[3 + lane * 2]
  for _ = 1, tonumber(ARGV[2 + lane * 2]) do
    at = at + 1
    if redis.call('LREM', inflight, 1, ARGV[at]) == 1 then
      done = done + 1
    else
      late[#late + 1] = at - 2 - lanes * 2
    end
  end
end

local function also(...)
  local got, why = try(...)
  problem = why or problem
  return got
end
if done > 0 then
  also('INCRBY', KEYS[1], done)
  also('INCRBY', KEYS[2], done)
  also('EXPIRE', KEYS[2], ARGV[2])
end
if limit > 0 then
  for _, name in ipairs(also('SMEMBERS', KEYS[3]) or {}) do paused[name] = true end
end

-- Reserve up to the limit from a queue: returns the jobs, or why that was refused.
local function reserve(queue, inflight)
  local jobs, why, _
  jobs, why = try('LRANGE', queue, -limit, -1)
  if why then return why end
  local taken, count = {}, #jobs
  if count == 0 then return taken end
  for i = 1, count do taken[i] = jobs[count + 1 - i] end
  begin(inflight)
  _, why = try('RPUSH', inflight, unpack(taken))
  if why then return why end
  _, why = try('LTRIM', queue, 0, -count - 1)
  if why then
    redis.pcall('RPOP', inflight, count)
    return why
  end
  limit = limit - count
  return taken
end

reply[1], reply[2] = late, problem
for lane = 1, lanes do
  local wanted = limit > 0 and not paused[ARGV[1 + lane * 2]]
  reply[2 + lane] = wanted and reserve(KEYS[2 + lane * 2], KEYS[3 + lane * 2]) or {}
end
return reply
