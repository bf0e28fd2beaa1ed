-- Keep a process in Redis that cannot send heartbeats itself. One that has expired stays forgotten.
-- KEYS: process
-- ARGV: seconds beat
-- RETURNS: 1 if it was known, else 0
if redis.call('EXPIRE', KEYS[1], ARGV[1]) == 0 then
  return 0
end
redis.call('HSET', KEYS[1], 'beat', ARGV[2])
return 1
