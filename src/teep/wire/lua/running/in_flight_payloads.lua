-- Read whole lists, as the primary has them: PERSIST changes nothing here, yet is a write, which a replica refuses.
-- Otherwise a connection to a demoted primary would show outdated lists, in which jobs seem to be gone.
-- KEYS: list*
-- ARGV:
-- RETURNS: the members of each list, head first
local held = {}
for i = 1, #KEYS do
  redis.call('PERSIST', KEYS[i])
  held[i] = redis.call('LRANGE', KEYS[i], 0, -1)
end
return held
