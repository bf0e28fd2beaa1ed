-- A concurrent limiter knows which ones hold it, each until the end of its lease; never how many are free.
kinds.concurrent = {}
function kinds.concurrent.read(l)
  local hash, line = l.hash, l.line
  local gone = drop(l, 0, l.now)
  l.reclaimed = (l.reclaimed or 0) + gone
  if gone > 0 and not l.looks then redis.call('HSET', hash, 'reclaimed', l.reclaimed) end
  l.from = behind(l, l.now, 0)
  l.used, l.holders = redis.call('ZCOUNT', line, l.from, '+inf'), {}
end
-- The next lease's end is the worst case: a release calls the first one that waits. A crowd comes in portions, not all
-- at once, and no two at the same microsecond: a call looks for a job by its time.
function kinds.concurrent.when(l, cost, rank)
  local line = l.line
  if l.used + cost <= l.limit then return nil end
  local first = redis.call('ZRANGEBYSCORE', line, l.from, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  local turn = math.min(rank / math.max(l.limit, 1), 300)
  return math.floor((tonumber(first[2]) or l.now + l.lease) + turn * 1000000) + rank
end
function kinds.concurrent.take(l, _, holder)
  l.used, l.is_held = l.used + 1, true
  l.holders[#l.holders + 1] = l.now + l.lease
  l.holders[#l.holders + 1] = holder
end
function kinds.concurrent.write(l)
  local line = l.line
  for i = 1, #l.holders, 2000 do
    redis.call('ZADD', line, unpack(l.holders, i, math.min(i + 1999, #l.holders)))
  end
  redis.call('PEXPIRE', line, l.ttl)
end
