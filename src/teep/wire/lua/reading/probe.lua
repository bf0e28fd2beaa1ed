-- Find a job by the time it was enqueued: a queue is roughly in that order, so look by halves, then in a window.
-- Each look reads a job's enqueued_at (epoch seconds, or milliseconds if it is that large). If one has none, or
-- is no job, its neighbour is asked instead.
-- KEYS: queue
-- ARGV: needle time window
-- RETURNS: { the payloads in the window that hold the needle; 1 if the window covers the whole queue, else 0 }
local needle, time, window = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local length = redis.call('LLEN', KEYS[1])

local function enqueued_at(index)
  for step = 0, 20 do
    local raw = redis.call('LINDEX', KEYS[1], index + step)
    if not raw then return nil end
    -- The last one in the payload: arguments may hold a field of this name, and come before it.
    local stamp = string.match(raw, '.*"enqueued_at":(%d+%.?%d*)')
    if stamp then
      local at = tonumber(stamp)
      return at > 100000000000 and at / 1000 or at
    end
  end
end

-- The newest is at index 0: find the first index whose job is not newer than the time.
local low, high = 0, length
while low < high do
  local middle = math.floor((low + high) / 2)
  local at = enqueued_at(middle)
  if at and at > time then low = middle + 1 else high = middle end
end

local first, found = math.max(0, low - window), {}
for _, raw in ipairs(redis.call('LRANGE', KEYS[1], first, low + window - 1)) do
  if string.find(raw, needle, 1, true) then found[#found + 1] = raw end
end
return { found, (first == 0 and low + window >= length) and 1 or 0 }
