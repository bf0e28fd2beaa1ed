-- The nodes that wait: their edges counted anew from the states, and what is left of a workflow that goes no further.

-- The edges of a node: returns an iterator of (policy, the node or gate before it), and why it cannot be read.
local function edges_of(key, name)
  local static, why = get(key .. ':nodes', name)
  return string.gmatch(static and string.match(static, EDGES) or '', '(%l+) ([^\t]+)'), why
end

-- Count the edges of a node that are open as things are: returns that, and whether one of them cancels it.
local function look(key, name)
  local edges, why = edges_of(key, name)
  local open, cancels = 0, false
  for policy, of in edges do
    local state, refused = state_of(key, of)
    local what = (MEANS[state or ''] or {})[policy]
    if not what then open = open + 1 end
    cancels, why = cancels or what == 'cancel', refused or why
  end
  return open, cancels, why
end

-- Have a node that waits do what its edges say now, whatever was refused before: returns as `resolve` does.
local function follow(key, name)
  local open, cancels, why = look(key, name)
  if why then return nil, why end
  if cancels then return cancel(key, name) end
  if open == 0 then return pass(key, name) end
  return nil, note(key, is_gate(name) and ':gates' or ':open', name, open)
end

local function follow_on(key, name)
  local became, why = follow(key, name)
  local beside = became and spread(key, name, MEANS[became])
  return why or beside or nil
end

-- Note the success of nodes that were pushed and are not pending: Redis refused to note it when their jobs ended.
local function conclude_all(key)
  local states, problem = read(key .. ':states')
  for name, state in pairs(states) do
    if string.match(state, '^pushed ') and not has_field(key .. ':open', name) then
      local static, why = get(key .. ':nodes', name)
      local beside
      if static and has(key .. ':pending', string.match(static, '^%Z*')) == 0 then why, beside = conclude(key, name) end
      problem = why or beside or problem
    end
  end
  return problem
end

-- Have all that wait do so.
function flow.mend(key)
  local problem = conclude_all(key)
  for _, set in ipairs({ ':gates', ':open' }) do
    for _, name in ipairs(names_in(key .. set)) do
      local state, why = state_of(key, name)
      if state == 'waiting' then why = follow_on(key, name) elseif state then why = unset(key .. set, name) end
      problem = why or problem
    end
  end
  return problem
end

-- Cancel all that wait, but those that come after others whatever happens. Gates stay, unless it is for good: what
-- is added later may come after them.
local function cancel_all(key, is_for_good)
  local problem
  for _, set in ipairs(is_for_good and { ':gates', ':open' } or { ':open' }) do
    for _, name in ipairs(names_in(key .. set)) do
      local static, why = get(key .. ':nodes', name)
      local cleans = static and string.match(static, '%z1%z%Z*$')
      if (is_for_good or not cleans) and get(key .. set, name) then
        local became
        became, why = cancel(key, name)
        if became and not is_for_good then why = spread(key, name, MEANS[became]) or why end
      end
      problem = why or problem
    end
  end
  return problem
end

-- What is left of a workflow none of whose jobs goes on by itself: how many nodes wait, and how many are cancelled; or
-- nothing, and why that cannot be told, if some go on.
function flow.rest(key, batch, of)
  local waiting, why = entries(key .. ':open')
  if why then return nil, nil, why end
  if batch.building then  -- whoever made it has died before all of it was there, so none of it was pushed
    local _, refused = set_field(key, 'invalid', 1)
    why = refused or cancel_all(key, true) or unset(key, 'building')
  elseif waiting > 0 and of.dead == of.pending then
    why = flow.mend(key)
  end
  if why then return nil, nil, why end
  local left_over = sizes(key, 'pending', 'cancelled')
  waiting = entries(key .. ':open')
  if not left_over or left_over.pending + bits_of(key) ~= of.pending then return end
  if waiting == 0 and of.pending == 0 and batch.reopened then unset(key, 'reopened') end
  return waiting, left_over.cancelled
end
