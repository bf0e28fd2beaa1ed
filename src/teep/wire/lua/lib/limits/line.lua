-- The line of a limiter, a zset: below 0 those that wait, the first one at the lowest score; from 0 on those that hold
-- it, at the ends of their leases, or the moments of its calls. One that waits is written as its order and then: a job as
-- the scheduled set, its score there, the queues, the paused ones, the key and the name of its queue, and its jid; a
-- caller as its bell, and until when it waits. The keys are those that a script was given. The turn of a concurrent
-- limiter is the order; of all others it is the time, for which a job waits there ('-' for its score). Times are whole
-- microseconds.
local BELOW = -1e16

local function written(...)
  return table.concat({ ... }, '\0')
end

local function read(waits)
  local words = {}
  for word in string.gmatch(waits, '[^%z]+') do words[#words + 1] = word end
  return words
end

local function clock(given)
  if given ~= '' then return tonumber(given) end
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

-- Move a job that waits to the tail of a list: returns it if it was there.
local function advance(schedule, score, list, jid)
  for _, raw in ipairs(try('ZRANGEBYSCORE', schedule, score, score) or {}) do
    if string.find(raw, jid or '', 1, true) and try('RPUSH', list, raw) then
      if try('ZREM', schedule, raw) then return raw end
      redis.pcall('RPOP', list)
    end
  end
end

-- Move it to the tail of its queue, so that it is next: returns whether it may run there.
local function call(schedule, score, queues, paused, queue, name, jid)
  if not try('SADD', queues, name) or not advance(schedule, score, queue, jid) then return end
  return try('SISMEMBER', paused, name) ~= 1
end

local function ring(bell, patience)
  if tonumber(patience) < clock('') then return end  -- it gave up, or its process died
  return try('RPUSH', bell, 1) and try('PEXPIRE', bell, 60000)
end

-- Tell the first one that waits that there is room: no more than one, else all others would ask in vain.
local function call_next(line)
  for _ = 1, 100 do
    local first, turn = unpack(try('ZRANGEBYSCORE', line, '-inf', '(0', 'WITHSCORES', 'LIMIT', 0, 1) or {})
    if not first or not try('ZREM', line, first) then return end
    local waits = read(first)
    if waits[3] == '-' then waits[3] = string.format('%.6f', (turn - BELOW) / 1000000) end
    local there = #waits == 3 and ring(waits[2], waits[3]) or #waits > 3 and call(unpack(waits, 2))
    if there then return end
  end
end
