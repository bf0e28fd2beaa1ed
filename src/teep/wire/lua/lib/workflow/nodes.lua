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
