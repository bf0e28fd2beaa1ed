-- The lock of a unique job: the jid of the job that has it.

-- A job never stands in its own way: it may have been taken out by hand, to be pushed again as it was.
words['unique.free_or_mine'] = 1
guards['unique.free_or_mine'] = function(key, jid)
  local holder, why, refusal = try('GET', key)
  if why then return nil, why, refusal end
  if holder and holder ~= jid then return holder end
end

-- The last effect, so that no lock is left of a job that Redis did not take.
words['unique.lock'] = 2
effects['unique.lock'] = function(key, jid, milliseconds)
  local _, why, refusal = try('SET', key, jid, 'PX', milliseconds)
  return why, refusal
end

words['unique.unlock'] = 1
along['unique.unlock'] = function(key, jid)
  local holder, why = try('GET', key)
  if holder == jid then
    holder, why = try('DEL', key)
  end
  return why
end

local function remove_all(locks)
  if #locks == 0 then return end
  local _, why = try('DEL', unpack(locks))
  return why
end

-- A look at all locks, and a removal of those that are their jobs' own, instead of two commands a job. A lock that is
-- gone may be a key of another type now. That is reported, as is a refusal, so these are tried one by one.
together['unique.unlock'] = function(locks, jids)
  local holders, why = try('MGET', unpack(locks))
  local own, problem = {}, nil
  for i, lock in ipairs(locks) do
    if why or not holders[i] then
      problem = along['unique.unlock'](lock, jids[i]) or problem
    elseif holders[i] == jids[i] then
      own[#own + 1] = lock
    end
  end
  return remove_all(own) or problem
end
