-- Renew the leases of a process's holders; one that is gone stays gone.
-- INCLUDE: try
-- INCLUDE: limits/line
-- KEYS: index line*
-- ARGV: now lifetime (position lease holder)*
-- RETURNS: nothing of interest
redis.call('SREM', KEYS[1], '\0')  -- a full Redis refuses a first write that needs memory
local now = clock(ARGV[1])
for i = 3, #ARGV, 3 do
  redis.call('ZADD', KEYS[tonumber(ARGV[i])], 'XX', now + ARGV[i + 1], ARGV[i + 2])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
