-- Mark a job as cancelled in the state that iterable jobs look at, Ruby's too.
-- Sidekiq cannot read a state without a cursor, so there is one from the first.
-- KEYS: iteration
-- ARGV: now ttl
-- RETURNS: when it was cancelled first
redis.call('HSETNX', KEYS[1], 'cancelled', ARGV[1])
redis.call('HSETNX', KEYS[1], 'c', 'null')
if redis.call('TTL', KEYS[1]) < 0 then
  redis.call('EXPIRE', KEYS[1], ARGV[2])
end
return redis.call('HGET', KEYS[1], 'cancelled')
