-- Nodes that are added, to a new workflow or to one that runs.

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
