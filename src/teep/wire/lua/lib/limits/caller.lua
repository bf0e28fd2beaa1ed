-- Callers that ask limiters. One is (mode holder order patience place jid queue uses), then for each of its uses the
-- limiter and how much. Its place is the key of its bell, or of its queue. The modes: try; wait, and last, the end of a
-- wait; job, and ahead, one whose turn is not yet sure. KEYS 3 to 5 are the scheduled set, the queues, the paused ones.
local KEYS, ARGV = KEYS, ARGV

-- Read the caller at a place in ARGV: returns it, and the place of the next one.
local function caller_at(at, limiters, now)
  local mode, holder, order, patience, place, jid, queue, count = unpack(ARGV, at, at + 7)
  local caller = { mode = mode, holder = holder, order = tonumber(order) or now, is_first = order == '', jid = jid,
    patience = tonumber(patience), place = KEYS[tonumber(place)], queue = queue, uses = {}, now = now,
    is_job = mode == 'job' or mode == 'ahead' }
  for i = 1, tonumber(count) do
    caller.uses[i] = { limiters[tonumber(ARGV[at + 6 + i * 2])], tonumber(ARGV[at + 7 + i * 2]) }
  end
  return caller, at + 8 + count * 2
end

-- Return a caller as it waits in a line; a job has its score in the scheduled set.
local function waiting(caller, score)
  local order = string.format('%.0f', caller.order)
  if caller.is_job then
    return written(order, KEYS[3], score, KEYS[4], KEYS[5], caller.place, caller.queue, caller.jid)
  end
  return written(order, caller.place, string.format('%.0f', caller.order + caller.patience))
end

-- Take a caller out of the lines in which it waits for its time: returns whether it was in one.
local function leave(caller)
  local found = false
  for _, use in ipairs(caller.uses) do
    local l = use[1]
    local line = l.line
    if not (caller.is_job and caller.is_first) and rank(l) > 0 then
      local gone = redis.call('ZREM', line, waiting(caller, '-'))
      l.rank, found = l.rank - gone, found or gone == 1
    end
  end
  return found
end

-- The limiter that holds a caller up longest, until when, and whether one that it asks is half used.
local function refusal(caller, again)
  local by, until_when, near
  for _, use in ipairs(caller.uses) do
    local l, cost = use[1], use[2]
    local time = when(l, cost, again)
    if time and time > (until_when or 0) then by, until_when = l, time end
    near = near or (l.used + cost) * 2 > l.limit
  end
  return by, until_when, near
end

local function take(caller)
  for _, use in ipairs(caller.uses) do
    local l, cost = use[1], use[2]
    kinds[l.kind].take(l, cost, caller.holder)
    l.granted = (l.granted or 0) + cost
  end
  return 1
end

-- Let a caller wait in a line. A job that a concurrent limiter refuses does so from its settlement on: `limits.park`.
local function wait(l, caller, until_when)
  if caller.mode == 'wait' then
    if caller.is_first then l.waited = (l.waited or 0) + 1 end
    if l.kind ~= 'concurrent' and until_when > caller.order + caller.patience then return end
  elseif l.kind == 'concurrent' or not caller.is_job then
    return
  end
  local line = l.line
  l.turn = math.max(l.turn or 0, until_when)
  redis.call('ZADD', line, BELOW + (l.kind == 'concurrent' and caller.order or until_when), waiting(caller, '-'))
  redis.call('PEXPIRE', line, l.ttl)
end

-- Give a caller all that it asks for, or nothing: returns the answer. One ahead gets nothing of what is half used.
local function ask(caller)
  local again = leave(caller) or not (caller.is_job or caller.is_first)
  local l, until_when, near = refusal(caller, again)
  if not l then return near and caller.mode == 'ahead' and 0 or take(caller) end
  l.over = (l.over or 0) + 1
  wait(l, caller, until_when)
  if caller.mode ~= 'try' then l.rank = rank(l) + 1 end
  local waits = waiting(caller, l.kind == 'concurrent' and string.format('%.6f', until_when / 1000000) or '-')
  local limit = l.paused > l.now and 0 or l.limit  -- a job that waits for the end of a pause is not called before
  return { l.number, until_when, waits, limit, caller.order, l.now }
end
