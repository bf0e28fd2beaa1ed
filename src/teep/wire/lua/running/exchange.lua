-- One round trip of a working process: acknowledge finished jobs, count them, reserve the next.
-- Acknowledged jobs are removed from the in-flight list in order, so each LREM finds its job near the head.
-- Jobs that are not in flight any more (they were rescued meanwhile) count nowhere and are reported.
-- Paused queues are passed over, so that a pause takes hold at the very next exchange.
-- INCLUDE: try
-- KEYS: processed processed_today paused key*
-- ARGV: limit ttl lanes anything*
-- RETURNS: { positions of the late among all acknowledged; why Redis refused to count them, to carry out parts that go
-- along or to list the paused queues, or ''; for each lane the jobs reserved, or why Redis refused that, so that all
-- of them stayed there }
-- A lane is a queue. KEYS has for each: queue inflight. ARGV has for each: name acknowledged; then those payloads, lane
-- by lane. Lots follow, of jobs with parts that go along: jobs parts name* payload*, then for each part a word of
-- each job, if it takes one. KEYS has for each lot: inflight, then for each part a key of each job.
local limit, lanes = tonumber(ARGV[1]), tonumber(ARGV[3])
local late, reply, paused, problem, refusal = {}, {}, {}, '', nil
local at, done, told = 3 + lanes * 2, 0, 0

-- Take the next payloads of ARGV, as many as `jobs`, out of an in-flight list: returns which of them were there.
local function acknowledge(inflight, jobs)
  local there, count = {}, 0
  for job = 1, jobs do
    local removed = attempt('LREM', inflight, 1, ARGV[at + job])
    if removed == 1 then
      count = count + 1
      there[count] = job
    elseif removed == 0 then
      late[#late + 1] = told + job
    else
      refusal = removed
      break
    end
  end
  at, told, done = at + jobs, told + jobs, done + count
  return there
end

local function also(...)
  local got, why = try(...)
  problem = why or problem
  return got
end

for lane = 1, lanes do acknowledge(KEYS[3 + lane * 2], tonumber(ARGV[3 + lane * 2])) end
if at < #ARGV then
-- INCLUDE: parts
  local key = 4 + lanes * 2
  while at < #ARGV do
    local jobs, names = number(ARGV[at + 1]), number(ARGV[at + 2])
    local first = at + 3
    at = at + 2 + names
    local there = acknowledge(KEYS[key], jobs)
    key = key + 1
    for name = first, first + names - 1 do
      problem = all_along(ARGV[name], there, key, at) or problem
      key, at = key + jobs, at + jobs * words[ARGV[name]]
    end
  end
end

if done > 0 then
  also('INCRBY', KEYS[1], done)
  also('INCRBY', KEYS[2], done)
  also('EXPIRE', KEYS[2], ARGV[2])
end
-- A refusal here is for all jobs of a list, and none is left halfway. Jobs acknowledged before it are counted.
if refusal then return refusal end
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
  local wanted = limit > 0 and not paused[ARGV[2 + lane * 2]]
  reply[2 + lane] = wanted and reserve(KEYS[2 + lane * 2], KEYS[3 + lane * 2]) or {}
end
return reply
