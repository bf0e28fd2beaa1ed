-- A window slides: each call counts for the whole interval. The line has the moment of each.
kinds.window = {}
function kinds.window.read(l)
  local line = l.line
  drop(l, 0, l.now - l.interval)
  l.from = behind(l, l.now - l.interval, 0)
  l.used, l.taken = redis.call('ZCOUNT', line, l.from, '+inf'), 0
end
function kinds.window.when(l, cost, rank)
  local line = l.line
  local before = l.used + cost - l.limit - 1 + rank  -- how many calls must have left before
  if l.used + cost <= l.limit then return nil end
  local first = redis.call('ZRANGEBYSCORE', line, l.from, '+inf', 'WITHSCORES', 'LIMIT', before % math.max(l.used, 1), 1)
  return (tonumber(first[2]) or l.now) + l.interval * (1 + math.floor(before / math.max(l.used, 1)))
end
function kinds.window.take(l, cost) l.used, l.taken = l.used + cost, l.taken + cost end
function kinds.window.write(l)
  local line = l.line
  for call = 1, l.taken do redis.call('ZADD', line, l.now, string.format('%.0f', l.granted - l.taken + call)) end
  redis.call('PEXPIRE', line, l.ttl)
end

-- A large window counts by sixtieths. A call counts until its sixtieth has left: at most that late, never early.
kinds.sixtieths = {}
function kinds.sixtieths.read(l)
  local line = l.line
  l.step, l.used, l.taken, l.oldest = math.ceil(l.interval / 60), 0, 0, l.now
  local counts = redis.call('ZRANGEBYSCORE', line, 0, '+inf', 'WITHSCORES')
  for i = 1, #counts, 2 do
    local ends = tonumber(counts[i]) + l.step + l.interval
    if ends <= l.now then
      if not l.looks then redis.call('ZREM', line, counts[i]) end
    else
      l.used, l.oldest = l.used + counts[i + 1], math.min(l.oldest, tonumber(counts[i]))
    end
  end
end
function kinds.sixtieths.when(l, cost, rank)
  local line = l.line
  if l.used + cost <= l.limit then return nil end
  local limit = math.max(l.limit, 1)
  return l.oldest + l.step + l.interval * (1 + math.floor(rank / limit)) + rank % limit
end
kinds.sixtieths.take = kinds.window.take
function kinds.sixtieths.write(l)
  local line = l.line
  if l.taken > 0 then redis.call('ZINCRBY', line, l.taken, string.format('%.0f', l.now - l.now % l.step)) end
  redis.call('PEXPIRE', line, l.ttl)
end
