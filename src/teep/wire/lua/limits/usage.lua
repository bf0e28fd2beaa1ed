-- Tell how much of a limiter is used, and when some of it is free. Writes nothing: a user who only reads may look.
-- INCLUDE: try
-- INCLUDE: limits/line
-- INCLUDE: limits/limiter
-- KEYS: hash line
-- ARGV: now
-- RETURNS: { kind, declared limit, interval, override or '', until when it is paused or 0, used, waiting, when one is
-- free or 0: now, granted, over, waited, reclaimed }, or nothing if there is no such limiter that can be read
local l = open(KEYS[1], KEYS[2], clock(ARGV[1]))
if not is_sound(l) then return {} end
l.looks = true
kinds[l.kind].read(l)
local count = rank(l)
l.rank = 0
return { l.kind, l.declared, l.interval, l.override or '', l.paused > l.now and l.paused or 0, l.used, count,
  when(l, 1) or 0, l.granted or 0, l.over or 0, l.waited or 0, l.reclaimed or 0 }
