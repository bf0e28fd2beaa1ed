-- Write the records of a minute and of its hour, if this process leads and both are as it has read them.
-- INCLUDE: leading
-- KEYS: leader last minutes hours
-- ARGV: identity last_ttl processed failed (field before after ttl)*
-- RETURNS: 1 if they were written, 0 if not
-- A record that was not there is ''. The counters are kept for the next sample.
if not leads(KEYS[1], ARGV[1]) then return 0 end
for place = 3, 4 do
  local at = place * 4 - 7
  if (redis.call('HGET', KEYS[place], ARGV[at]) or '') ~= ARGV[at + 1] then return 0 end
end
for place = 3, 4 do
  local at = place * 4 - 7
  redis.call('HSET', KEYS[place], ARGV[at], ARGV[at + 2])
  redis.call('EXPIRE', KEYS[place], ARGV[at + 3])
end
redis.call('HSET', KEYS[2], 'p', ARGV[3], 'f', ARGV[4])
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 1
