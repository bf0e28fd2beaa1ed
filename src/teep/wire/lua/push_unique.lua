-- Push jobs, each together with its lock, but those whose lock another job has.
-- INCLUDE: try
-- KEYS: queues (lock target)*
-- ARGV: (jid milliseconds payload queue score)*
-- RETURNS: for each job a pair: the jid that kept it from being pushed, or ''; why Redis refused it, or ''
-- The target is the queue's list, or where there is a score (not ''), the scheduled set.
local function push(lock, target, jid, milliseconds, payload, queue, score)
  local holder, added, why, refusal, _
  holder, why, refusal = try('GET', lock)
  if why then return '', why, refusal end
  -- A job never stands in its own way: it may have been taken out by hand, to be pushed again as it was.
  if holder and holder ~= jid then return holder, '' end
  if score == '' then
    _, why, refusal = try('SADD', KEYS[1], queue)
    if why then return '', why, refusal end
    _, why, refusal = try('LPUSH', target, payload)
  else
    added, why, refusal = try('ZADD', target, score, payload)
  end
  if why then return '', why, refusal end
  -- Last, so that no lock is left of a job that Redis did not take.
  _, why, refusal = try('SET', lock, jid, 'PX', milliseconds)
  if not why then return '', '' end
  if score == '' then
    redis.pcall('LPOP', target)
  elseif added == 1 then
    redis.pcall('ZREM', target, payload)
  end
  return '', why, refusal
end

local pushed, any = {}, false
for i = 1, (#KEYS - 1) / 2 do
  local holder, why, refusal = push(KEYS[i * 2], KEYS[i * 2 + 1], unpack(ARGV, i * 5 - 4, i * 5))
  -- An error where nothing has been done: what is full, or a replica now, says so at a script's first write.
  if refusal and not any then return refusal end
  any = any or (holder == '' and why == '')
  pushed[i] = { holder, why }
end
return pushed
