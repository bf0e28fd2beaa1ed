-- Put the jobs of an in-flight list back to the tail of their queue, newest first, so that the oldest runs next.
-- KEYS: inflight queue
-- ARGV: limit
-- RETURNS: how many went back
local moved = 0
while moved < tonumber(ARGV[1]) and redis.call('LMOVE', KEYS[1], KEYS[2], 'RIGHT', 'RIGHT') do
  moved = moved + 1
end
return moved
