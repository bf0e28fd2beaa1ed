-- Take a process out of the registry of jobs in flight, unless jobs are in flight there.
-- It looks and acts in one step: after a failover lists that were emptied may hold their jobs again.
-- KEYS: owners suspects inflight*
-- ARGV: identity
-- RETURNS: 1 if the lists were empty, else 0
for i = 3, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 1 then return 0 end
end
redis.call('DEL', KEYS[2])
redis.call('HDEL', KEYS[1], ARGV[1])
return 1
