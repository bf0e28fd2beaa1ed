-- Give places back that jobs of a process have left. A job of one of its queues that waits first takes the place over as
-- it is, and is in flight there at once; else the place is free, and the first one that waits is called. A refused
-- command ends nothing: an exchange follows, and a lease ends by itself.
-- INCLUDE: try
-- INCLUDE: limits/line
-- KEYS: paused key*
-- ARGV: now queues anything*
-- RETURNS: for each place the name of a queue and the job of it that took the place over, or ''
-- The names of the queues come first, with their in-flight lists in KEYS; then for each limiter (declared lease places)
-- and its holders, with its hash and its line in KEYS.
local now, queues, own, reply = clock(ARGV[1]), tonumber(ARGV[2]), {}, {}
for i = 1, queues do own[ARGV[2 + i]] = KEYS[1 + i] end
for _, name in ipairs(queues > 0 and try('SMEMBERS', KEYS[1]) or {}) do own[name] = nil end

-- Pass a place on: returns the name of a queue and its job.
local function pass(line, lease, holder)
  local first = (try('ZRANGEBYSCORE', line, '-inf', '(0', 'LIMIT', 0, 1) or {})[1]
  local waits = first and read(first)
  local inflight = waits and own[waits[7]]
  if not inflight or not try('ZSCORE', line, holder) then return end
  if not try('ZREM', line, first) then return end  -- it would be the first one again, without end
  local raw = advance(waits[2], waits[3], inflight, waits[8])
  if not raw then return pass(line, lease, holder) end
  try('ZADD', line, 'XX', now + lease, holder)
  return { waits[7], raw }
end

local function leave(line, room, lease, holder)
  local passed = room and pass(line, lease, holder)
  if not passed and try('ZREM', line, holder) == 1 then call_next(line) end
  return passed or ''
end

local key, at = queues + 2, queues + 3
while at <= #ARGV do
  local hash, line = KEYS[key], KEYS[key + 1]
  local known, used = try('HMGET', hash, 'override', 'paused') or {}, try('ZCOUNT', line, now, '+inf')
  local room = used and used <= tonumber(known[1] or ARGV[at]) and tonumber(known[2] or 0) <= now
  for place = 1, tonumber(ARGV[at + 2]) do
    reply[#reply + 1] = leave(line, room, ARGV[at + 1], ARGV[at + 2 + place])
    if reply[#reply] ~= '' then try('HINCRBY', hash, 'granted', 1) end
  end
  key, at = key + 2, at + 3 + ARGV[at + 2]
end
return reply
