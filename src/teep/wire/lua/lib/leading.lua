-- The fence around what only the leader may do: a script asks this in the step in which it acts, whatever the process
-- believes of itself.
local function leads(leader, identity)
  return redis.call('GET', leader) == identity
end
