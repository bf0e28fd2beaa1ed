-- Change a field of a limiter's own, or everything, and call those that may go on now.
-- INCLUDE: try
-- INCLUDE: limits/line
-- INCLUDE: limits/limiter
-- KEYS: hash line
-- ARGV: now ttl field value
-- RETURNS: how many were called at most
-- The field: override or paused, with '' for none; reset, for all but these two; or call, with how many were called
-- before, since a script calls no more than 1,000. A pause is given in microseconds.
local now, field, value = clock(ARGV[1]), ARGV[3], ARGV[4]
if field == 'reset' then
  redis.call('ZREMRANGEBYSCORE', KEYS[2], 0, '+inf')
  if redis.call('HEXISTS', KEYS[1], 'kind') == 1 then
    redis.call('HSET', KEYS[1], 'at', 0, 'used', 0, 'granted', 0, 'over', 0, 'waited', 0, 'reclaimed', 0, 'turn', 0)
  end
elseif field == 'call' then  -- there is nothing to change
elseif value == '' then
  redis.call('HDEL', KEYS[1], field)
else
  redis.call('HSET', KEYS[1], field, field == 'paused' and now + value or value)
  if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
end
local l = open(KEYS[1], KEYS[2], now)
if not l.kind then return 0 end
kinds[l.kind].read(l)
return call_all(l, field == 'call' and value or 0)
