-- Note the term in which a leader declared entries of periodic jobs, if it still leads.
-- INCLUDE: leading
-- KEYS: leader seen
-- ARGV: identity term name*
-- RETURNS: 1 if it leads, else 0
if not leads(KEYS[1], ARGV[1]) then return 0 end
for i = 3, #ARGV do redis.call('HSET', KEYS[2], ARGV[i], ARGV[2]) end
return 1
