-- Push jobs, each together with its lock, but those whose lock another job has.
-- KEYS: queues (lock target)*
-- ARGV: (jid milliseconds payload queue score)*
-- RETURNS: for each job the jid that kept it from being pushed, or '' where it was pushed
-- The target is the queue's list, or where there is a score (not ''), the scheduled set.
local kept = {}
for i = 1, (#KEYS - 1) / 2 do
  local lock, target = KEYS[i * 2], KEYS[i * 2 + 1]
  local jid, milliseconds, payload, queue, score = unpack(ARGV, i * 5 - 4, i * 5)
  local holder = redis.call('GET', lock)
  -- A job never stands in its own way: it may have been taken out by hand, to be pushed again as it was.
  if holder and holder ~= jid then
    kept[i] = holder
  else
    if score == '' then
      redis.call('SADD', KEYS[1], queue)
      redis.call('LPUSH', target, payload)
    else
      redis.call('ZADD', target, score, payload)
    end
    -- Last, so that no lock is left of a job that Redis did not take.
    redis.call('SET', lock, jid, 'PX', milliseconds)
    kept[i] = ''
  end
end
return kept
