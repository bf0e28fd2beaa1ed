-- One round trip of a working process: acknowledge finished jobs, count them, reserve the next.
-- Acknowledged jobs are removed from the in-flight list in order, so each LREM finds its job near the head.
-- Jobs that are not in flight any more (they were given up and rescued) count nowhere and are reported.
-- Paused queues are passed over, so that a pause takes hold at the very next exchange.
-- KEYS: processed processed_today paused (queue inflight)*
-- ARGV: limit ttl name_count_or_acknowledged*
-- RETURNS: { positions of the late among all acknowledged, reserved of the 1st queue, of the 2nd, ... }
-- ARGV after ttl: for each queue its name and how many are acknowledged there; then those payloads, queue by queue.
local limit = tonumber(ARGV[1])
local lanes = (#KEYS - 3) / 2
local late, reply, paused = {}, {}, {}
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

if done > 0 then
  redis.call('INCRBY', KEYS[1], done)
  redis.call('INCRBY', KEYS[2], done)
  redis.call('EXPIRE', KEYS[2], ARGV[2])
end

if limit > 0 then
  for _, name in ipairs(redis.call('SMEMBERS', KEYS[3])) do paused[name] = true end
end

reply[1] = late
for lane = 1, lanes do
  local taken = {}
  if limit > 0 and not paused[ARGV[1 + lane * 2]] then
    local queue, inflight = KEYS[2 + lane * 2], KEYS[3 + lane * 2]
    local jobs = redis.call('LRANGE', queue, -limit, -1)
    local count = #jobs
    if count > 0 then
      redis.call('LTRIM', queue, 0, -count - 1)
      for i = 1, count do taken[i] = jobs[count + 1 - i] end
      redis.call('RPUSH', inflight, unpack(taken))
      limit = limit - count
    end
  end
  reply[1 + lane] = taken
end
return reply
