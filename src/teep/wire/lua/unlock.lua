-- Give back the locks of unique jobs, each only where it is still that job's.
-- KEYS: lock*
-- ARGV: jid*
-- RETURNS: how many were given back
local count = 0
for i = 1, #KEYS do
  if redis.call('GET', KEYS[i]) == ARGV[i] then
    count = count + redis.call('DEL', KEYS[i])
  end
end
return count
