-- Stand for the leader of the fleet: take the lease if nobody has it, or renew one's own. A leader that others are
-- preferred to gives it to the one of them that asks, in the same step.
-- A full Redis refuses a SET, unless the script has written already: so a PERSIST of what never expires comes first.
-- KEYS: leader term preferred
-- ARGV: identity milliseconds is_preferred
-- RETURNS: { the identity that leads now, its term }
local identity, milliseconds, is_preferred = ARGV[1], ARGV[2], ARGV[3] == '1'

local function elect(leader)
  redis.call('PERSIST', KEYS[2])
  redis.call('SET', KEYS[1], leader, 'PX', milliseconds)
  return { leader, redis.call('INCR', KEYS[2]) }
end

local leader = redis.call('GET', KEYS[1])
if not leader then return elect(identity) end
if leader == identity and not is_preferred then
  local preferred = redis.call('GET', KEYS[3])
  if preferred then
    redis.call('DEL', KEYS[3])
    return elect(preferred)
  end
end
if leader == identity then
  redis.call('PEXPIRE', KEYS[1], milliseconds)
elseif is_preferred then
  redis.call('SET', KEYS[3], identity, 'PX', milliseconds)
end
return { leader, tonumber(redis.call('GET', KEYS[2]) or 0) }
