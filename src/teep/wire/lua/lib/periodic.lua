-- The ticks of periodic jobs. Firing one is a compare-and-set: however many leaders, clocks and repeats try it, an
-- entry's last tick only grows, and the job is pushed in the step that changes it.

words['periodic.unchanged'] = 2
guards['periodic.unchanged'] = function(entries, name, definition)
  local stored, why, refusal = try('HGET', entries, name)
  if why then return nil, why, refusal end
  if stored ~= definition then return 'changed' end
end

words['periodic.unpaused'] = 1
guards['periodic.unpaused'] = function(paused, name)
  local is_paused, why, refusal = try('SISMEMBER', paused, name)
  if why then return nil, why, refusal end
  if is_paused == 1 then return 'paused' end
end

-- The tick before this one must be the last: another leader may have fired more, and a failover may have undone some.
words['periodic.due'] = 2
guards['periodic.due'] = function(ticks, name, before)
  local last, why, refusal = try('HGET', ticks, name)
  if why then return nil, why, refusal end
  last = last or ''
  if tonumber(last) ~= tonumber(before) then return last end
end

-- The field without a name counts what was fired, so that a clock notices if a failover has undone some of it.
words['periodic.fired'] = 2
effects['periodic.fired'] = function(ticks, name, tick)
  local last = redis.pcall('HGET', ticks, name)
  local _, why, refusal = try('HSET', ticks, name, tick)
  redis.pcall('HINCRBY', ticks, '', 1)
  return why, refusal, function()
    redis.pcall('HINCRBY', ticks, '', -1)
    if type(last) == 'string' then redis.pcall('HSET', ticks, name, last) else redis.pcall('HDEL', ticks, name) end
  end
end

-- The jids of ticks begin with their time, so the smallest one is the oldest run. What is left of an entry that was
-- deleted while its job was pushed goes in the end: after longer than a year, so a yearly job keeps its runs.
local MOST_RUNS, KEPT = 25, 400 * 86400
words['periodic.note'] = 2
along['periodic.note'] = function(runs, jid, text)
  local _, why = try('HSET', runs, jid, text)
  if why then return why end
  redis.call('EXPIRE', runs, KEPT)
  local jids = redis.call('HKEYS', runs)
  if #jids > MOST_RUNS then
    table.sort(jids)
    redis.call('HDEL', runs, unpack(jids, 1, #jids - MOST_RUNS))
  end
end

-- The word is "jid state time": what goes along with a success has one word only.
words['periodic.ended'] = 1
along['periodic.ended'] = function(runs, text)
  local jid, outcome = text:match('^(%S+) (.+)$')
  local run, why = try('HGET', runs, jid)
  if run then
    run, why = try('HSET', runs, jid, run:match('^%S+ %S+') .. ' ' .. outcome)
  end
  return why
end
