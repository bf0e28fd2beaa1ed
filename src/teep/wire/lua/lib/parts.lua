-- The parts of a step, by their names: functions that take a key and `words[name]` further words, two at the most.
-- A guard returns what stands in the way, if anything does, or nil and why that cannot be told. An effect returns why it
-- was refused, the error itself, and a function that takes it back. A part that goes along returns why it was refused,
-- which harms nothing. One of `many` is the last part of its step, its word says how many more follow, and it is told where
-- it stands in ARGV. One of `together` does the same for many jobs at once: it takes the keys, and a word of each.
-- A feature has a file of its own, and a line here.
-- INCLUDE: try
local words, many, guards, effects, along, together = {}, {}, {}, {}, {}, {}
local refused = 0  -- steps of this script that Redis has refused

words.SADD = 1
function effects.SADD(key, member)
  local _, why, refusal = try('SADD', key, member)
  return why, refusal  -- the name of a queue, which may stay
end

words.LPUSH = 1
function effects.LPUSH(key, payload)
  local _, why, refusal = try('LPUSH', key, payload)
  return why, refusal, function() redis.pcall('LPOP', key) end
end

words.ZADD = 2
function effects.ZADD(key, score, payload)
  local added, why, refusal = try('ZADD', key, score, payload)
  return why, refusal, function()
    if added == 1 then redis.pcall('ZREM', key, payload) end
  end
end

words.UNLINK = 0
function along.UNLINK(key)
  local _, why = try('UNLINK', key)
  return why
end

function together.UNLINK(keys)
  local _, why = try('UNLINK', unpack(keys))
  return why
end

-- INCLUDE: unique
-- INCLUDE: limits/parts
-- INCLUDE: periodic
-- INCLUDE: batch
-- INCLUDE: results

-- Carry out the part at a place in ARGV: returns the place of the next one, and the part's results.
local KEYS, ARGV, number = KEYS, ARGV, tonumber  -- looked up once, since jobs come by the hundred
local function part(kind, at)
  local name = ARGV[at]
  return at + 2 + words[name], kind[name](KEYS[number(ARGV[at + 1])], ARGV[at + 2], ARGV[at + 3])
end

-- Carry out a part that goes along with many jobs, for those whose numbers are given: the first has its key and its
-- word at these places, the others have theirs behind it. Returns why some of it was refused.
local function all_along(name, jobs, key, word)
  local of, with, problem = {}, {}, nil
  for i, job in ipairs(jobs) do of[i], with[i] = KEYS[key + job - 1], ARGV[word + job] end
  if together[name] then return #jobs > 0 and together[name](of, with) or nil end
  for i = 1, #jobs do problem = along[name](of[i], with[i]) or problem end
  return problem
end

-- Read the parts that go along with some jobs, from a place in ARGV to its end: (position of the job, name key word*)*.
-- Returns a function that carries out those of one job; it returns why some of them were refused.
local function read_along(at)
  local of = {}
  while at <= #ARGV do
    local job = tonumber(ARGV[at])
    of[job] = of[job] or {}
    table.insert(of[job], at + 1)
    at = at + 3 + words[ARGV[at + 1]]
  end
  return function(job)
    local problem
    for _, place in ipairs(of[job] or {}) do
      local _, why = part(along, place)
      problem = why or problem
    end
    return problem
  end
end
