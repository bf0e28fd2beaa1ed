-- What users ask for: to begin, to cancel, to retry.

-- Push nodes that wait for none: those of these names, or those that this script has added. By this a workflow begins.
words['workflow.release'] = 1
along['workflow.release'] = function(key, names)
  if left(key) == -2 then return end
  local problem = unset(key, 'building')
  local function go(name) problem = release(key, name, 'waiting') or problem end
  if names == '' then
    for _, name in ipairs(ready[key] or {}) do go(name) end
  else
    for name in lines_of(names) do go(name) end
  end
  ready[key] = nil
  return problem
end

words['workflow.cancel'] = 0
along['workflow.cancel'] = function(key)
  if left(key) == -2 then return end
  local _, why = set_field(key, 'invalid', 1)
  why = cancel_all(key, false) or why
  return decide(key) or why
end

-- Have a node that was cancelled wait again, if its edges let it: returns whether it does, and why not.
local function restore(key, name)
  local open, cancels, why = look(key, name)
  if why or cancels then return false, why end
  why = change(key, name, 'waiting') or note(key, is_gate(name) and ':gates' or ':open', name, open)
  if why then return false, why end
  take(key .. ':cancelled', name)
  return true
end

-- Have those that come after some nodes see their states anew: the cancelled ones wait again. A gate `is_before` one
-- that does so waits again, too, but what else comes after it does not.
local function revive(key, names)
  local at, waiting, gates, problem = 1, {}, {}, nil
  local see
  function see(name, is_before)
    local state, why = state_of(key, name)
    local is_old = state == 'succeeded' and is_gate(name) and look(key, name) > 0  -- a member runs again
    if state == 'cancelled' or is_old then
      for _, before in edges_of(key, name) do
        if is_gate(before) then see(before, true) end
      end
      local is_back
      is_back, why = restore(key, name)
      if is_back then state = 'waiting' end
      if is_back and not is_before then names[#names + 1] = name end
    end
    if state == 'waiting' then waiting[#waiting + 1] = name end
    if is_gate(name) and not is_before and not gates[name] then names[#names + 1], gates[name] = name, true end
    problem = why or problem
  end
  for i = 1, #names do see(names[i]) end
  while names[at] do
    for _, to in string.gmatch(get(key .. ':dependants', names[at]) or '', '(%l+) ([^\n]+)') do see(to) end
    at = at + 1
  end
  for _, name in ipairs(waiting) do
    if state_of(key, name) == 'waiting' then problem = follow_on(key, name) or problem end
  end
  return problem
end

-- Run a node again: the caller sends the job of one that has failed back. Whatever was cancelled with it waits again.
local function rerun(key, name)
  local state, why = state_of(key, name)
  if state == 'failed' then
    local static = get(key .. ':nodes', name)
    if static and has(key .. ':pending', string.match(static, '^%Z*')) == 1 then why = change(key, name, 'pushed') end
  elseif state == 'discarded' then
    why = release(key, name, 'discarded')
    if not why then why = grow(key, 'discarded', -1) end
  end
  return why
end

words['workflow.retry'] = 1
along['workflow.retry'] = function(key, names)
  if left(key) == -2 then return end
  local these, problem = {}, unset(key, 'invalid')
  if has_field(key, 'fired:finish') then
    local _, why = set_field(key, 'reopened', 1)
    problem = why or problem
  end
  keep(key, has_field(key, 'fired:death') and LIFE_OF_DEAD or LIFE)
  for name in lines_of(names) do
    these[#these + 1] = name
    problem = rerun(key, name) or problem
  end
  problem = revive(key, these) or problem
  return decide(key) or problem
end
