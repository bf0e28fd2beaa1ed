-- Ask limiters for many callers, in their order: each gets all that it asks for, or nothing.
-- INCLUDE: try
-- INCLUDE: limits/line
-- INCLUDE: limits/limiter
-- INCLUDE: limits/caller
-- KEYS: registry index schedule queues paused key*
-- ARGV: now lifetime limiters anything*
-- RETURNS: for each caller 1 if it got all; 0 if it got nothing as it asked ahead; or a list: { which limiter holds it
-- up longest, until when, it as one that waits, that limiter's limit, its order, the time }
-- A limiter is (name kind limit interval lease ttl), its keys are its hash and its line. Callers follow: see caller.lua.
-- The index has the lines that the process of the holders holds something in; it is kept for a lifetime (milliseconds).
redis.call('ZREM', KEYS[1], '\0')  -- a full Redis refuses a first write that needs memory
local now, at, limiters, reply, caller = clock(ARGV[1]), 4, {}, {}, nil
for i = 1, tonumber(ARGV[3]) do
  local l = open(KEYS[4 + i * 2], KEYS[5 + i * 2], now)
  declare(l, KEYS[1], unpack(ARGV, at, at + 5))
  kinds[l.kind].read(l)
  limiters[i], l.number, at = l, i, at + 6
end
while at <= #ARGV do
  caller, at = caller_at(at, limiters, now)
  reply[#reply + 1] = ask(caller)
end
for _, l in ipairs(limiters) do
  write(l)
  if l.is_held then
    redis.call('SADD', KEYS[2], l.line)
    redis.call('PEXPIRE', KEYS[2], ARGV[2])
  end
  if l.is_raised then call_all(l, 0) end
end
return reply
