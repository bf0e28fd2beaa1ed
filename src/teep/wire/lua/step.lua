-- Carry out steps, one a job: each puts a job somewhere, or takes one from where it lies, with all that belongs to it.
-- A step has guards, then effects, then the removal of the job from its place, then what goes along.
-- Where a guard says no or the job is gone, nothing is done. What was done is taken back where a later effect or the
-- removal is refused. What goes along, and a counter, may be refused: the job has moved all the same.
-- INCLUDE: parts
-- KEYS: key*
-- ARGV: tallies anything*
-- RETURNS: { why jobs were not counted, or ''; for each step 1 where it was done, 0 where the job was gone, or a list:
-- { 1, why what goes along was refused }, { -1, why the step was refused }, { 2, the guard, what stands in its way } }
-- A tally is what jobs count as: how many counters, and for each (key seconds), 0 seconds where it is kept for ever.
-- The steps follow: place key raw tally length part*. The place is list, zset or none; the tally is 0 for none; the
-- length is that of the parts, in ARGV. Keys are positions in KEYS.
local tallies, at = {}, 2
for tally = 1, tonumber(ARGV[1]) do
  tallies[tally] = { jobs = 0 }
  for counter = 1, tonumber(ARGV[at]) do
    tallies[tally][counter] = { KEYS[tonumber(ARGV[at + counter * 2 - 1])], ARGV[at + counter * 2] }
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
-- An addition to a set could not be taken back where removals are refused, so there is a removal of nothing before it.
function prepare.zset(key)
  local _, why = try('ZREM', key, '\0')
  return why
end

local function take_back(undo)
  for i = #undo, 1, -1 do undo[i]() end
end

-- Carry out the parts of a kind from a place on: returns the place after them, and what the first returned that failed.
local function guard(from, stop)
  while from < stop and guards[ARGV[from]] do
    local name = ARGV[from]
    local following, holder, why, refusal = part(guards, from)
    if why then return from, { -1, why }, refusal end
    if holder then return from, { 2, name, holder } end
    from = following
  end
  return from
end

local function affect(from, stop, undo)
  while from < stop and effects[ARGV[from]] do
    local following, why, refusal, back = part(effects, from)
    if why then
      take_back(undo)
      return from, { -1, why }, refusal
    end
    undo[#undo + 1] = back
    from = following
  end
  return from
end

local function step(place, key, raw, from, stop)
  local undo, outcome, refusal, there, why
  from, outcome, refusal = guard(from, stop)
  if outcome then return outcome, refusal end
  if place ~= 'none' and not begun then
    begin(key)
    begun = true
  end
  if from < stop and effects[ARGV[from]] then
    if place ~= 'none' then
      there, why = find[place](key, raw)
      if there and not why then why = prepare[place](key) end
      if why then return { -1, why } end
      if not there then return 0 end
    end
    undo = {}
    from, outcome, refusal = affect(from, stop, undo)
    if outcome then return outcome, refusal end
  end
  if place ~= 'none' then
    there, why = remove[place](key, raw)
    if why then
      take_back(undo or {})
      return { -1, why }
    end
    if there == 0 then return 0 end
  end
  local problem
  while from < stop do
    from, why = part(along, from)
    problem = why or problem
  end
  return problem and { 1, problem } or 1
end

local reply = { '' }
while at <= #ARGV do
  local from = at + 5
  local stop, tally = from + tonumber(ARGV[at + 4]), tonumber(ARGV[at + 3])
  local outcome, refusal = step(ARGV[at], KEYS[tonumber(ARGV[at + 1])], ARGV[at + 2], from, stop)
  -- An error where nothing has been done: what is full, or a replica now, says so at a script's first write.
  if refusal and not any and not begun then return refusal end
  if outcome == 1 or (type(outcome) == 'table' and outcome[1] == 1) then
    any = true
    if tally > 0 then tallies[tally].jobs = tallies[tally].jobs + 1 end
  end
  reply[#reply + 1] = outcome
  at = stop
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
