-- Save how far an iterable job has come, unless a later run of it has saved already, or has ended it, which removes
-- the place: then it is no more in flight here, nor back at the tail of its queue, where a stop puts it first of all.
-- A full Redis refuses an HSET, unless the script has written already: so an HDEL of nothing comes first.
-- KEYS: iteration inflight queue
-- ARGV: executions cursor runtime ttl job
-- RETURNS: { 1 if it was saved else 0, 1 if the job was cancelled else 0 }
-- The time to live is that of the first checkpoint, and not that of a cancellation before it, which is short.
local before = redis.call('HGET', KEYS[1], 'ex')
if (tonumber(before or 0) or 0) > tonumber(ARGV[1]) then
  return { 0, 0 }
end
local function is_held()
  return redis.call('LPOS', KEYS[2], ARGV[5]) or redis.call('LPOS', KEYS[3], ARGV[5], 'RANK', -1, 'MAXLEN', 1000)
end
if not before and not is_held() then
  return { 0, 0 }
end
redis.call('HDEL', KEYS[1], '')
redis.call('HSET', KEYS[1], 'ex', ARGV[1], 'c', ARGV[2], 'rt', ARGV[3])
if not before or redis.call('TTL', KEYS[1]) < 0 then
  redis.call('EXPIRE', KEYS[1], ARGV[4])
end
return { 1, redis.call('HEXISTS', KEYS[1], 'cancelled') }
