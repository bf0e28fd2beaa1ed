-- Carry out steps, one per job: each puts a job somewhere, or takes one from its place, with all that belongs to it.
-- A step has guards, then effects, then the removal of the job from its place, then parts that go along.
-- If a guard says no or the job is gone, nothing is done. Effects are taken back if a later one or the removal is
-- refused. A part that goes along, or a counter, may be refused: the job has moved all the same.
-- INCLUDE: parts
-- KEYS: key*
-- ARGV: tallies anything*
-- RETURNS: { why jobs were not counted, or ''; for each step 1 if it was done, 0 if the job was gone, or a list:
-- { 1, why a part that goes along was refused }, { -1, why the step was refused } or
-- { 2, the guard, what stands in its way } }
-- A tally is a set of counters: how many, and for each (key seconds), 0 seconds if it is kept for ever.
-- Groups of steps that are alike follow: place key tally jobs parts name* job*. The place is list, zset or none; the
-- tally is 0 for none. Each of the jobs is its bytes there, then (key word*) for each of the parts, in order of the
-- names, and the last part may have more words. Keys are positions in KEYS.
local tallies, at = {}, 2
for tally = 1, number(ARGV[1]) do
  tallies[tally] = { jobs = 0 }
  for counter = 1, number(ARGV[at]) do
    tallies[tally][counter] = { KEYS[number(ARGV[at + counter * 2 - 1])], ARGV[at + counter * 2] }
  end
  at = at + 1 + #tallies[tally] * 2
end

local begun, any = false, false
local find, remove, prepare = {}, {}, {}
function find.list(key, raw) return try('LPOS', key, raw) end
function remove.list(key, raw) return try('LREM', key, 1, raw) end
function prepare.list() end
function find.zset(key, raw) return try('ZSCORE', key, raw) end
function remove.zset(key, raw) return try('ZREM', key, raw) end
-- An addition to a set could not be taken back if removals are refused, so there is a removal of nothing before it.
function prepare.zset(key)
  local _, why = try('ZREM', key, '\0')
  return why
end

-- Read what the steps of a group have in common.
local function read_group()
  local group = { place = ARGV[at], key = KEYS[number(ARGV[at + 1])], tally = tallies[number(ARGV[at + 2])] }
  group.jobs, group.length = number(ARGV[at + 3]), 1
  local parts = number(ARGV[at + 4])
  for _, kind in ipairs({ 'guards', 'effects', 'along' }) do group[kind] = {} end
  for i = at + 5, at + 4 + parts do
    local name = ARGV[i]
    local kind = guards[name] and 'guards' or effects[name] and 'effects' or 'along'
    local act = guards[name] or effects[name] or along[name]
    table.insert(group[kind], { name = name, act = act, length = words[name] + 1 })
    group.length = group.length + words[name] + 1
    group.has_more = many[name]
  end
  at = at + 5 + parts
  return group
end

local function take_back(undo)
  for i = #undo, 1, -1 do undo[i]() end
end

-- Carry out effects from a place on: returns that after them, or nil, why one was refused, and the error.
local function affect(group, from, undo)
  for _, effect in ipairs(group.effects) do
    local why, refusal, back = effect.act(KEYS[number(ARGV[from])], ARGV[from + 1], ARGV[from + 2], from)
    if why then
      take_back(undo)
      return nil, why, refusal
    end
    undo[#undo + 1] = back
    from = from + effect.length
  end
  return from
end

-- Check that a job lies in its place and may be removed: returns the outcome of the step if not.
local function check(group, raw)
  local there, why = find[group.place](group.key, raw)
  if there then why = prepare[group.place](group.key) end
  if why then return { -1, why } end
  if not there then return 0 end
end

-- Carry out the step that is written from a place on: returns its outcome, and the error that refused it.
local function step(group, raw, from)
  local moves, undo, why, refusal, holder = group.place ~= 'none', {}
  for _, guard in ipairs(group.guards) do
    holder, why, refusal = guard.act(KEYS[number(ARGV[from])], ARGV[from + 1], ARGV[from + 2])
    if why then return { -1, why }, refusal end
    if holder then return { 2, guard.name, holder } end
    from = from + guard.length
  end
  if moves and not begun then
    begin(group.key)
    begun = true
  end
  if #group.effects > 0 then
    local against = moves and check(group, raw)
    if against then return against end
    from, why, refusal = affect(group, from, undo)
    if why then return { -1, why }, refusal end
  end
  if moves then
    local count
    count, why = remove[group.place](group.key, raw)
    if why then
      take_back(undo)
      return { -1, why }
    end
    if count == 0 then return 0 end
  end
  local problem
  for _, part in ipairs(group.along) do
    why = part.act(KEYS[number(ARGV[from])], ARGV[from + 1], ARGV[from + 2])
    problem = why or problem
    from = from + part.length
  end
  return problem and { 1, problem } or 1
end

local reply, last = { '' }, #ARGV
while at <= last do
  local group = read_group()
  local done = 0
  for _ = 1, group.jobs do
    local outcome, refusal = step(group, ARGV[at], at + 1)
    -- An error if nothing has been done: a server that is full, or a replica now, refuses a script's first write.
    if refusal and not any and not begun then return refusal end
    if outcome == 1 or (outcome ~= 0 and outcome[1] == 1) then
      any = true
      done = done + 1
    elseif outcome ~= 0 and outcome[1] == -1 then
      refused = refused + 1
    end
    reply[#reply + 1] = outcome
    at = at + group.length + (group.has_more and number(ARGV[at + group.length - 1]) or 0)
  end
  if group.tally then group.tally.jobs = group.tally.jobs + done end
end

local function count(counter, seconds, jobs)
  local _, why = try('INCRBY', counter, jobs)
  if seconds ~= '0' then
    local _, refused = try('EXPIRE', counter, seconds)
    why = refused or why
  end
  reply[1] = why or reply[1]
end
for _, tally in ipairs(tallies) do
  for _, counter in ipairs(tally.jobs > 0 and tally or {}) do
    count(counter[1], counter[2], tally.jobs)
  end
end
return reply
