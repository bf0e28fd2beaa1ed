-- Give up the leader's lease, if it is this process's, and the wish to have it.
-- INCLUDE: leading
-- KEYS: leader preferred
-- ARGV: identity
-- RETURNS: 1 if the process led, else 0
if leads(KEYS[2], ARGV[1]) then redis.call('DEL', KEYS[2]) end
if not leads(KEYS[1], ARGV[1]) then return 0 end
return redis.call('DEL', KEYS[1])
