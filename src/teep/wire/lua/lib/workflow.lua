-- A workflow: a batch whose jobs wait for one another. A job is a node, with a name. `states` tells what each one is;
-- `open` has those that wait, with the number of their edges that are not resolved. What is pushed then is ready in
-- `payloads`, but for the time. Where a node comes after a group, a gate without a job stands between them, one for a
-- policy; `gates` has those that wait. An end is handed on to `dependants` in the step that brings it.
local MEANS = {  -- what the state of a node means for an edge, by its policy; nothing: the edge is open
  succeeded = { stop = 'ok', skip = 'ok', hold = 'ok', always = 'ok' },
  failed = { stop = 'cancel', skip = 'ok', always = 'ok' },
  discarded = { stop = 'cancel', skip = 'ok', hold = 'cancel', always = 'ok' },
  cancelled = { stop = 'cancel', skip = 'cancel', hold = 'cancel', always = 'ok' },
}
-- The same for what becomes of a node that has failed before.
local RECOVERED, DROPPED = { hold = 'ok' }, { hold = 'cancel' }
local TEMPLATE = '^' .. string.rep('(%Z*)%z', 9) .. '(%Z*)$'
local STATIC, EDGES = '^(%Z*)%z(' .. string.rep('%Z*%z', 8) .. ')(%Z*)$', '^' .. string.rep('%Z*%z', 8) .. '(%Z*)$'
local ENQUEUED_AT = ',"enqueued_at":'
local moment
local ready = {}  -- by key, the names of nodes that this script has added and that wait for none

local function get(hash, field) return try('HGET', hash, field) end
local function names_in(hash) return try('HKEYS', hash) or {} end
local function entries(hash) return try('HLEN', hash) end
local function unset(hash, field)
  local _, why = try('HDEL', hash, field)
  return why
end
local function words_of(text) return string.gmatch(text, '%S+') end
local function lines_of(text) return string.gmatch(text, '[^\n]+') end
local function is_gate(name) return string.byte(name) == 1 end
local function waiting_in(key, name) return key .. (is_gate(name) and ':gates' or ':open') end

local function now()
  local time = moment or redis.pcall('TIME')
  if time.err then return nil, 'TIME: ' .. time.err end
  moment = time
  return stamp(time, 'seconds')
end

local function state_of(key, name)
  local found, why = get(key .. ':states', name)
  return found and string.match(found, '^%l+') or nil, why
end

local function change(key, name, state)
  local since, why = now()
  if not since then return why end
  local _, refused = set_field(key .. ':states', name, state .. ' ' .. since)
  return refused
end

-- Set a field of a hash that may be new.
local function note(key, name, field, value)
  local new, why = set_field(key .. name, field, value)
  if new == 1 then stay(key, name) end
  return why
end

-- Put a payload where it goes now: into its queue, or into the scheduled set, where it has no time yet.
local function enqueue(queue, queues, name, schedule, unit, delay, at, head, tail)
  local time = redis.call('TIME')
  local this = time[1] + time[2] / 1000000
  local due = math.max(this + (tonumber(delay) or 0), tonumber(at) or 0)
  if due <= this then return push(queue, queues, name, head .. stamp(time, unit) .. tail) end
  local _, why = try('ZADD', schedule, string.format('%.6f', due), string.sub(head, 1, -#ENQUEUED_AT - 1) .. tail)
  return why
end

-- Push the job of a node that is in a state: returns why Redis refused that, so that it stays in it.
local function release(key, name, state)
  local is, why = state_of(key, name)
  if is ~= state then return why end
  local template
  template, why = get(key .. ':payloads', name)
  if not template then return why end
  local jid, queue, queues, to, schedule, unit, delay, at, head, tail = string.match(template, TEMPLATE)
  why = change(key, name, 'pushed')
  if why then return why end
  local new
  new, why = add(key, ':pending', jid)
  why = why or enqueue(queue, queues, to, schedule, unit, delay, at, head, tail)
  if why then
    if new then take(key .. ':pending', jid) end
    change(key, name, state)
    return why
  end
  return unset(key .. ':open', name)
end

-- Let a node go whose edges are all resolved: returns the state of a gate, which is over by that, and why not.
local function pass(key, name)
  if not is_gate(name) then return nil, release(key, name, 'waiting') end
  local is, why = state_of(key, name)
  if is ~= 'waiting' then return nil, why end
  why = change(key, name, 'succeeded')
  if why then return nil, why end
  return 'succeeded', unset(key .. ':gates', name)
end

-- Cancel a node that waits: returns its state if it did. One that Redis refused to take out of those is no longer one,
-- or each way that leads to it would cancel all behind it once more.
local function cancel(key, name)
  local is, why = state_of(key, name)
  if is ~= 'waiting' then return nil, why end
  local _
  if not is_gate(name) then _, why = add(key, ':cancelled', name) end
  if why then return nil, why end
  why = change(key, name, 'cancelled')
  if why then
    take(key .. ':cancelled', name)
    return nil, why
  end
  return 'cancelled', unset(waiting_in(key, name), name)
end

-- Resolve an edge of a node, if it waits: returns its state if it is over by that, and why something was refused.
local function resolve(key, name, what)
  local edges, why = get(waiting_in(key, name), name)
  if not edges then return nil, why end
  if what == 'cancel' then return cancel(key, name) end
  if tonumber(edges) > 1 then return nil, grow(waiting_in(key, name), name, -1) end
  return pass(key, name)
end

-- Hand on what a change of a node means to its edges, and what follows from that.
local function spread(key, name, means)
  local names, of, at, problem = { name }, { means }, 1, nil
  while names[at] do
    local lines, why = get(key .. ':dependants', names[at])
    problem = why or problem
    for policy, to in string.gmatch(lines or '', '(%l+) ([^\n]+)') do
      if of[at][policy] then
        local became, refused = resolve(key, to, of[at][policy])
        problem = refused or problem
        if became then names[#names + 1], of[#of + 1] = to, MEANS[became] end
      end
    end
    at = at + 1
  end
  return problem
end

-- Note what a node has become, and hand it on: returns why that could not be noted, or why something beside it was
-- refused. What was kept to push it anew goes with its success.
local function become(key, name, state, means)
  local why = change(key, name, state)
  if why then return why end
  local kept = state == 'succeeded' and unset(key .. ':payloads', name)
  return nil, spread(key, name, means or MEANS[state]) or kept or nil
end

-- Whether child batches of a node have not finished, and whether one has without success: `-` stands before those.
local function children_of(key, name)
  local subs, why = get(key .. ':subs', name)
  local open, fallen = false, false
  for bid in words_of(subs or '') do
    if string.byte(bid) == 45 then fallen = true else open = true end
  end
  return open, fallen, subs or '', why
end

-- The job of a node has succeeded: returns why that could not be noted, or why something beside it was refused. A jid
-- that is not pending changes nothing: it is that of a copy, which another program has pushed.
local function job_succeeded(key, jid, name)
  local is_pending, unseen = has(key .. ':pending', jid)
  if is_pending ~= 1 then return unseen end
  local state, why = state_of(key, name)
  if state ~= 'pushed' and state ~= 'failed' then return why end
  local open, fallen, _, unread = children_of(key, name)
  if unread then return unread end
  if state == 'failed' and (open or fallen) then return end
  if open then return change(key, name, 'ran') end
  if fallen then return become(key, name, 'failed') end
  return become(key, name, 'succeeded', state == 'failed' and RECOVERED or nil)
end

local function split(word) return string.match(word, '^(%S+) (.*)$') end

words['workflow.succeeded'] = 1
together['workflow.succeeded'] = function(keys, jobs)
  local of, order, problem = {}, {}, nil
  for i, key in ipairs(keys) do
    local jid, name = split(jobs[i])
    local refused, beside = job_succeeded(key, jid, name)
    problem = refused or beside or problem
    if not refused then
      if not of[key] then of[key], order[#order + 1] = {}, key end
      table.insert(of[key], jid)
    end
  end
  for _, key in ipairs(order) do problem = succeeded(key, unpack(of[key])) or problem end
  return problem
end
along['workflow.succeeded'] = function(key, job) return together['workflow.succeeded']({ key }, { job }) end

words['workflow.died'] = 1
along['workflow.died'] = function(key, job)
  local jid, name = split(job)
  local is_pending, why = has(key .. ':pending', jid)
  if is_pending ~= 1 then return why end
  local state, beside
  state, why = state_of(key, name)
  if state == 'pushed' then why, beside = become(key, name, 'failed') end
  return why or along['batch.died'](key, jid, '') or beside
end

words['workflow.left'] = 1
along['workflow.left'] = function(key, job)
  local jid, name = split(job)
  local is_pending, why = has(key .. ':pending', jid)
  if is_pending ~= 1 then return why end
  local state, beside
  state, why = state_of(key, name)
  if state == 'pushed' or state == 'failed' then
    why, beside = become(key, name, 'discarded', state == 'failed' and DROPPED or nil)
  end
  return why or along['batch.left'](key, jid, '') or beside
end

-- A child batch of a node has finished, or has succeeded after that.
function flow.child(key, name, bid, has_succeeded)
  local state, why = state_of(key, name)
  if not state then return why end
  local _, _, subs = children_of(key, name)
  local rest = has_succeeded and {} or { '-' .. bid }
  for each in words_of(subs) do
    if each ~= bid and each ~= '-' .. bid then rest[#rest + 1] = each end
  end
  why = note(key, ':subs', name, table.concat(rest, ' '))
  local open, fallen = children_of(key, name)
  if why or open then return why end
  local beside
  if state == 'ran' then
    why, beside = become(key, name, fallen and 'failed' or 'succeeded')
  elseif state == 'failed' and not fallen then
    local static = get(key .. ':nodes', name)
    if static and has(key .. ':pending', string.match(static, '^%Z*')) == 0 then
      why, beside = become(key, name, 'succeeded', RECOVERED)
    end
  end
  return why or beside
end

words['workflow.adopt'] = 2
effects['workflow.adopt'] = function(key, bid, name)
  local why, refusal, back = effects['batch.adopt'](key, bid)
  if why then return why, refusal end
  local _, _, subs = children_of(key, name)
  why = note(key, ':subs', name, subs == '' and bid or subs .. ' ' .. bid)
  if why then back() end
  return why, why and { err = why }, function()
    note(key, ':subs', name, subs)
    back()
  end
end

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

-- Have all that wait do so.
function flow.mend(key)
  local problem
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

-- Set many fields: names and values by turns.
local function fill(hash, fields)
  for at = 1, #fields, 200 do
    local _, why, refusal = try('HSET', hash, unpack(fields, at, math.min(at + 199, #fields)))
    if why then return why, refusal end
  end
end

-- Collects nodes that are added: `place` takes one, and `write` puts all of them into Redis.
local function addition(key)
  local new, states, groups, lines, jobs = {}, {}, {}, {}, 0
  local since, problem = now()
  local fields = {}
  for _, name in ipairs(FLOW) do fields[name] = {} end
  local function set(name, field, value)
    local into = fields[name]
    into[#into + 1], into[#into + 2] = field, value
  end

  local function known(name)
    if states[name] == nil then
      local state, why = state_of(key, name)
      states[name], problem = state or false, why or problem
    end
    return states[name]
  end

  local place

  -- The gate between the members of a group and those that come after it by a policy.
  local function gate(policy, group)
    local name = '\1' .. policy .. ' ' .. group
    if known(name) then return name end
    local members = groups[group] or get(key .. ':nodes', '\2' .. group)
    if not members then
      problem = problem or 'there is no node ' .. group
      return name
    end
    local edges = {}
    for member in string.gmatch(members, '[^\t]+') do edges[#edges + 1] = policy .. ' ' .. member end
    local static = string.rep('\0', 6) .. group .. '\0' .. (policy == 'always' and '1' or '') .. '\0'
    place(name, static, table.concat(edges, '\t'))
    return name
  end

  function place(name, static, edges)
    local open, cancels, of = 0, false, {}
    for policy, after in string.gmatch(edges, '(%l+) ([^\t]+)') do
      if not known(after) then after = gate(policy, after) end
      local state = known(after)
      local what = (MEANS[state] or {})[policy]
      if not what then open = open + 1 end
      cancels = cancels or what == 'cancel'
      of[#of + 1] = policy .. ' ' .. after
      if state ~= 'succeeded' then
        lines[after] = lines[after] or {}
        table.insert(lines[after], policy .. ' ' .. name .. '\n')
      end
    end
    local state = cancels and 'cancelled' or open == 0 and is_gate(name) and 'succeeded' or 'waiting'
    states[name], new[#new + 1] = state, name
    set(':nodes', name, static .. table.concat(of, '\t'))
    set(':states', name, state .. ' ' .. (since or ''))
    if state == 'waiting' then set(is_gate(name) and ':gates' or ':open', name, open) end
    if is_gate(name) then return end
    jobs = jobs + 1
    if cancels then
      table.insert(fields[':cancelled'], name)
    elseif open == 0 then
      ready[key] = ready[key] or {}
      table.insert(ready[key], name)
    end
  end

  local function group(name, members)
    groups[name], new[#new + 1] = members, '\2' .. name
    set(':nodes', '\2' .. name, members)
  end

  local function write()
    if problem then return problem, { err = problem } end
    local before = {}
    local function back()
      for _, name in ipairs(new) do
        for _, of in ipairs(FLOW) do
          if of == ':cancelled' then take(key .. of, name) else unset(key .. of, name) end
        end
      end
      for name, former in pairs(before) do set_field(key .. ':dependants', name, former) end
      added[key], ready[key] = (added[key] or 0) - jobs, nil
    end
    added[key] = (added[key] or 0) + jobs
    for name, more in pairs(lines) do
      local former = get(key .. ':dependants', name)
      if former then before[name] = former end
      set(':dependants', name, (former or '') .. table.concat(more))
    end
    local why, refusal, _
    for _, name in ipairs({ ':nodes', ':payloads', ':states', ':open', ':gates', ':dependants' }) do
      why, refusal = fill(key .. name, fields[name])
      if why then break end
    end
    for _, name in ipairs(why and {} or fields[':cancelled']) do
      _, why, refusal = put(key .. ':cancelled', name)
      if why then break end
    end
    if why then back() end
    return why, refusal, back
  end
  return place, group, set, write
end

-- Add nodes, each after those that it waits for. The first word has a line for each: its name, and what is kept of
-- it, the last being its edges; or \2 and the name of a group, and its members. The second has the payloads.
words['workflow.add'] = 2
effects['workflow.add'] = function(key, statics, templates)
  local place, group, set, write = addition(key)
  local next_template = lines_of(templates)
  for line in lines_of(statics) do
    local name, static, edges = string.match(line, STATIC)
    if name then
      place(name, static, edges)
      set(':payloads', name, next_template())
    else
      group(string.match(line, '^\2(%Z*)%z(.*)$'))
    end
  end
  return write()
end

-- Whether nodes of these names can be added after others: returns what is in the way.
words['workflow.fits'] = 2
guards['workflow.fits'] = function(key, names, after)
  local is, why, refusal = get(key, 'workflow')
  if why then return nil, why, refusal end
  if not is then return 'is no workflow' end
  local function has_name(name) return state_of(key, name) or get(key .. ':nodes', '\2' .. name) end
  for name in lines_of(names) do
    if has_name(name) then return 'has ' .. name end
  end
  for name in lines_of(after) do
    if not has_name(name) then return 'has no ' .. name end
  end
end

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
