-- Reserve indices for jobs that join a batch in several steps.
-- KEYS: batch
-- ARGV: count
-- RETURNS: the first of so many, or nothing if there is no such batch
if redis.call('HEXISTS', KEYS[1], 'created_at') == 0 then return false end
return redis.call('HINCRBY', KEYS[1], 'next', ARGV[1]) - ARGV[1]
