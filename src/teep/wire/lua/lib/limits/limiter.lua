-- Limiters as tables: the state of each is read once, changed here, and written once, however many ask for it.
-- A kind has `read`, which sets what is used now; `when`, nil if so many are free, else when they will be if as many as
-- `rank` wait before; `take`; and `write`. A limiter's `limit` is the override, if there is one.
local kinds = {}
local FIELDS = { 'kind', 'declared', 'interval', 'lease', 'override', 'paused', 'at', 'used', 'granted', 'over', 'waited',
  'reclaimed', 'listed', 'turn' }
local FARTHEST = 1e15  -- microseconds; beyond it, scores of those that wait would reach those of holders

local function open(hash, line, now)
  local l = { hash = hash, line = line, now = now }
  for i, value in ipairs(redis.call('HMGET', hash, unpack(FIELDS))) do
    l[FIELDS[i]] = value and (tonumber(value) or value) or nil
  end
  l.limit = l.override or l.declared
  l.paused = l.paused or 0
  return l
end

-- Whether it is a limiter: another program may have written into its hash.
local function is_sound(l)
  for _, field in ipairs(FIELDS) do
    local value = l[field] or 0
    if field ~= 'kind' and (type(value) ~= 'number' or not (math.abs(value) < 2 ^ 63)) then return false end
  end
  return kinds[l.kind or ''] ~= nil and l.declared ~= nil and l.interval ~= nil
end

-- Take out of the line what is over, from one score up to another; who only `looks` passes over it: returns how many.
local function drop(l, from, to)
  local line = l.line
  return redis.call(l.looks and 'ZCOUNT' or 'ZREMRANGEBYSCORE', line, from, to)
end

-- The end of a range that begins behind a score, up to which all is dropped.
local function behind(l, score, otherwise)
  return l.looks and string.format('(%.0f', score) or otherwise
end

-- Take on how a caller declares a limiter. An override and a pause stay; of another kind, all that was used goes.
local function declare(l, registry, name, kind, declared, interval, lease, ttl)
  l.is_raised = l.kind == kind and (tonumber(declared) > l.declared or tonumber(interval) < l.interval)
  if l.kind ~= kind then
    local line = l.line
    if l.kind then redis.call('DEL', line) end
    l.at, l.used = nil, nil
  end
  l.kind, l.declared, l.interval = kind, tonumber(declared), tonumber(interval)
  l.lease, l.ttl, l.limit = tonumber(lease), tonumber(ttl), l.override or tonumber(declared)
  if not l.listed or l.listed < l.now - l.ttl * 250 then  -- a quarter of the time that it is kept
    l.listed = l.now
    redis.call('ZADD', registry, l.now + l.ttl * 1000, name)
    redis.call('ZREMRANGEBYSCORE', registry, '-inf', l.now)
    local left = redis.call('PTTL', registry)
    if left < l.ttl then redis.call('PEXPIRE', registry, l.ttl) end
  end
end

-- How many wait. Those that a limiter has told when to come are gone some seconds after that.
local function rank(l)
  if not l.rank then
    local line = l.line
    local is_timed, past = l.kind ~= 'concurrent', BELOW + l.now - 5000000
    if is_timed then drop(l, '-inf', past) end
    l.rank = redis.call('ZCOUNT', line, is_timed and behind(l, past, '-inf') or '-inf', '(0')
  end
  return l.rank
end

-- When so many are free, nil for now. One that comes `again`, at its time, is behind those alone that come before then.
-- All others leave enough for those whose time has come and that have not come themselves yet.
local function when(l, cost, again)
  local line, kind = l.line, kinds[l.kind]
  local is_timed = l.kind ~= 'concurrent'
  local due = is_timed and not again and rank(l) > 0 and redis.call('ZCOUNT', line, '-inf', BELOW + l.now) or 0
  local at = kind.when(l, cost + due, 0)
  if at then
    local before = again and is_timed and redis.call('ZCOUNT', line, '-inf', BELOW + at) or rank(l)
    at = kind.when(l, cost + due, before - due)
  end
  if l.paused > l.now then at = math.max(at or 0, l.paused + rank(l)) end
  return at and math.min(at, l.now + FARTHEST)
end

-- Call as many of those that wait as may go on now besides those called before, up to 1,000: returns how many.
local function call_all(l, before)
  local line = l.line
  if l.paused > l.now then return 0 end
  local room = math.min(l.limit - l.used - before, redis.call('ZCOUNT', line, '-inf', '(0'), 1000)
  for _ = 1, room do call_next(line) end
  return math.max(room, 0)
end

local function write(l)
  local hash = l.hash
  kinds[l.kind].write(l)
  redis.call('HSET', hash, 'kind', l.kind, 'declared', l.declared, 'interval', l.interval, 'lease', l.lease,
    'listed', l.listed, 'at', l.at or 0, 'used', l.used, 'granted', l.granted or 0, 'over', l.over or 0,
    'waited', l.waited or 0, 'reclaimed', l.reclaimed or 0, 'turn', l.turn or 0)
  redis.call('PEXPIRE', hash, l.ttl)
end
-- INCLUDE: limits/kinds
-- INCLUDE: limits/window
-- INCLUDE: limits/concurrent
