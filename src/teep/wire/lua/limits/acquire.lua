-- Ask limiters for many callers, in their order: each gets all that it asks for, or nothing.
-- INCLUDE: try
-- INCLUDE: limits/line
-- INCLUDE: limits/limiter
-- KEYS: registry index schedule queues paused key*
-- ARGV: now lifetime limiters anything*
-- RETURNS: for each caller 1 if it got all; 0 if it got nothing as it asked ahead; or a list: { which limiter holds it
-- up longest, until when, it as one that waits, that limiter's limit, its order, the time }
-- A limiter is (name kind limit interval lease ttl), its keys are its hash and its line. A caller is (mode holder order
-- patience place jid queue uses), then for each of its uses the limiter and how much. Its place is the key of its bell,
-- or of its queue. The modes: try; wait, and last, the end of a wait; job, and ahead, one whose turn is not yet sure.
-- The index has the lines that the process of the holders holds something in; it is kept for a lifetime (milliseconds).
redis.call('ZREM', KEYS[1], '\0')  -- a full Redis refuses a first write that needs memory
local now, at = clock(ARGV[1]), 4
local limiters, reply, holds = {}, {}, false
for i = 1, tonumber(ARGV[3]) do
  limiters[i] = open(KEYS[4 + i * 2], KEYS[5 + i * 2], now)
  declare(limiters[i], KEYS[1], unpack(ARGV, at, at + 5))
  kinds[limiters[i].kind].read(limiters[i])
  at = at + 6
end

local function uses_of(count)
  local uses = {}
  for i = 1, count do uses[i] = { tonumber(ARGV[at + i * 2 - 2]), tonumber(ARGV[at + i * 2 - 1]) } end
  return uses
end

-- The limiter that holds a caller up longest, and until when. One ahead gets nothing from one that is half used.
local function refusal(uses, ahead, again)
  local by, until_when, near
  for _, use in ipairs(uses) do
    local l = limiters[use[1]]
    local time = when(l, use[2], again)
    if time and time > (until_when or 0) then by, until_when = use[1], time end
    near = near or (ahead and (l.used + use[2]) * 2 > l.limit)
  end
  return by, until_when, near
end

local function take(uses, holder)
  for _, use in ipairs(uses) do
    local l = limiters[use[1]]
    kinds[l.kind].take(l, use[2], holder)
    l.granted = (l.granted or 0) + use[2]
    holds = holds or l.kind == 'concurrent'
  end
end

-- A job that a concurrent limiter refuses waits from its settlement on: see `limits.park`.
local function wait(l, caller, until_when, waits)
  if caller.mode == 'wait' then
    if caller.is_first then l.waited = (l.waited or 0) + 1 end
    if l.kind ~= 'concurrent' and until_when > caller.order + caller.patience then return end
  elseif l.kind == 'concurrent' or not caller.is_job then
    return
  end
  local line = l.line
  redis.call('ZADD', line, BELOW + (l.kind == 'concurrent' and caller.order or until_when), waits)
  redis.call('PEXPIRE', line, l.ttl)
end

local function words_of(caller, score)
  local order = string.format('%.0f', caller.order)
  if caller.is_job then
    return written(order, KEYS[3], score, KEYS[4], KEYS[5], caller.place, caller.queue, caller.jid)
  end
  return written(order, caller.place, string.format('%.0f', caller.order + caller.patience))
end

-- Take a caller out of the lines that it waits in: returns whether it was in one.
local function leave(caller, uses)
  local found, waits = false, nil
  for _, use in ipairs(uses) do
    local l = limiters[use[1]]
    local line = l.line
    if not (caller.is_job and caller.is_first) and rank(l) > 0 then
      waits = waits or words_of(caller, '-')
      local gone = redis.call('ZREM', line, waits)
      l.rank, found = l.rank - gone, found or gone == 1
    end
  end
  return found
end

local function ask(caller, uses)
  local again = leave(caller, uses) or not (caller.is_job or caller.is_first)
  local by, until_when, near = refusal(uses, caller.mode == 'ahead', again)
  if not by and near then return 0 end
  if not by then
    take(uses, caller.holder)
    return 1
  end
  local l = limiters[by]
  local waits = words_of(caller, l.kind == 'concurrent' and string.format('%.6f', until_when / 1000000) or '-')
  l.over = (l.over or 0) + 1
  wait(l, caller, until_when, waits)
  if caller.mode ~= 'try' then l.rank = rank(l) + 1 end
  local limit = l.paused > now and 0 or l.limit  -- a job that waits for the end of a pause is not called before
  return { by, until_when, waits, limit, caller.order, now }
end

while at <= #ARGV do
  local caller = { mode = ARGV[at], holder = ARGV[at + 1], order = tonumber(ARGV[at + 2]) or now,
    is_first = ARGV[at + 2] == '', patience = tonumber(ARGV[at + 3]), place = KEYS[tonumber(ARGV[at + 4])],
    jid = ARGV[at + 5], queue = ARGV[at + 6], is_job = ARGV[at] == 'job' or ARGV[at] == 'ahead' }
  local count = tonumber(ARGV[at + 7])
  at = at + 8
  reply[#reply + 1] = ask(caller, uses_of(count))
  at = at + count * 2
end
for _, l in ipairs(limiters) do write(l) end
if holds then
  for _, l in ipairs(limiters) do
    if l.kind == 'concurrent' then redis.call('SADD', KEYS[2], l.line) end
  end
  redis.call('PEXPIRE', KEYS[2], ARGV[2])
end
return reply
