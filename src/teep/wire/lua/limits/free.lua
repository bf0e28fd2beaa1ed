-- Free all that a process holds, which has ended or died, and call for each place the first one that waits.
-- INCLUDE: try
-- INCLUDE: limits/line
-- KEYS: index
-- ARGV: prefix
-- RETURNS: how many places are free
local freed = 0
for _, line in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  for _, holder in ipairs(try('ZRANGEBYSCORE', line, 0, '+inf') or {}) do
    if holder:sub(1, #ARGV[1]) == ARGV[1] and try('ZREM', line, holder) == 1 then
      freed = freed + 1
      call_next(line)
    end
  end
end
redis.call('DEL', KEYS[1])
return freed
