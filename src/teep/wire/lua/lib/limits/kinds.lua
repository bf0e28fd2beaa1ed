-- A bucket is filled anew at each boundary of the calendar, and not again if the clock goes back.
local function nothing() end
kinds.bucket = { write = nothing }
function kinds.bucket.read(l)
  local start = l.now - l.now % l.interval
  if not l.at or l.at < start or l.at % l.interval > 0 then l.at, l.used = start, 0 end
end
function kinds.bucket.when(l, cost, rank)
  if l.used + cost <= l.limit then return nil end
  local limit = math.max(l.limit, 1)
  return l.at + l.interval * (1 + math.floor(rank / limit)) + rank % limit  -- at microseconds of their own
end
function kinds.bucket.take(l, cost) l.used = l.used + cost end

-- A leaky bucket drains at a steady pace; `at` is when it will be empty. Points do the same, at a pace of their own.
local function pace(l)
  return l.kind == 'points' and l.interval or math.ceil(l.interval / math.max(l.limit, 1))
end
kinds.leaky = { write = nothing }
function kinds.leaky.read(l)
  l.at = math.max(l.at or 0, l.now)
  l.used = math.ceil((l.at - l.now) / pace(l))
end
function kinds.leaky.when(l, cost, rank)
  local at = l.at + (cost - l.limit) * pace(l)
  if at > l.now then return at + rank * pace(l) end
end
function kinds.leaky.take(l, cost)
  l.at = l.at + cost * pace(l)
  l.used = l.used + cost
end
kinds.points = kinds.leaky
