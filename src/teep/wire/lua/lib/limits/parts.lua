-- Holding a concurrent limiter, and waiting for one, as parts of the end of a job.
-- INCLUDE: limits/line

words['limits.release'] = 1
along['limits.release'] = function(line, holder)
  local gone, why = try('ZREM', line, holder)
  if gone == 1 then call_next(line) end
  return why
end

-- A place may have become free since the job was refused. Then no release to come would call it.
words['limits.park'] = 2
along['limits.park'] = function(line, waits, limit)
  local _, why = try('ZADD', line, BELOW + read(waits)[1], waits)
  if try('PTTL', line) == -1 then try('PEXPIRE', line, 7776000000) end  -- 90 days: nobody holds it, so it was not there
  local held = try('ZCOUNT', line, 0, '+inf')
  if held and held < tonumber(limit) then call_next(line) end
  return why
end
