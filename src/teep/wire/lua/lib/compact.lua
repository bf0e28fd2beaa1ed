-- The bits of a batch. A job that is pushed in one of several steps has an index there, and while it is pending its bit
-- is set, in place of its jid in `pending`. The hash has their number as `bits`. As with jids, what is set already adds
-- nothing, and an index whose bit is not set changes nothing.
local MOST = 1000  -- bits in one command: Lua hands over no more than 8000 words

local function field(bits, ...) return try('BITFIELD', bits, ...) end
local function bit_at(bits, index) return try('GETBIT', bits, index) end

local function bits_of(hash)
  local number, why = try('HGET', hash, 'bits')
  return tonumber(number or 0), why
end

-- Whether a job is pending, which has an index or ''.
local function is_pending(key, jid, index)
  if index == '' then return has(key .. ':pending', jid) end
  return bit_at(key .. ':bits', index)
end

-- Those of some indices, from one to another, whose bits are set. It only looks: a write would make the string longer.
local function set_among(bits, indices, from, to)
  local looks, found = {}, {}
  for i = from, to do
    local at = #looks
    looks[at + 1], looks[at + 2], looks[at + 3] = 'GET', 'u1', indices[i]
  end
  local values, why = field(bits, unpack(looks))
  for i, value in ipairs(values or {}) do
    if value == 1 then found[#found + 1] = indices[from + i - 1] end
  end
  return found, why
end

-- Write bits that are there: returns how many of them were set, and why it was refused.
local function write(bits, indices, value)
  local changes, were = {}, 0
  for _, index in ipairs(indices) do
    local at = #changes
    changes[at + 1], changes[at + 2], changes[at + 3], changes[at + 4] = 'SET', 'u1', index, value
  end
  local before, why = field(bits, unpack(changes))
  for _, was in ipairs(before or {}) do were = were + was end
  return were, why
end

-- Clear the bits of jobs that are over: returns how many were set, and why it was refused.
local function clear(key, indices)
  local bits, gone, problem = key .. ':bits', 0, nil
  for from = 1, #indices, MOST do
    local found, why = set_among(bits, indices, from, math.min(from + MOST - 1, #indices))
    local were = 0
    if #found > 0 then were, why = write(bits, found, 0) end
    if were > 0 then why = grow(key, 'bits', -were) end
    if why and were > 0 then
      write(bits, found, 1)
      were = 0
    end
    gone, problem = gone + were, why or problem
  end
  return gone, problem
end

-- Take a job out of those that are pending: returns whether it was, as a number, and why that was refused.
local function leave(key, jid, index)
  if index == '' then return take(key .. ':pending', jid) end
  return clear(key, { index })
end

-- What a batch hears of jobs that succeed: "index jid" of each. Few have failed before.
words['compact.succeeded'] = 1
local function succeeded_at(key, ...)
  local indices, jids = {}, {}
  for i, word in ipairs({ ... }) do
    local space = string.find(word, ' ', 1, true)
    indices[i], jids[i] = string.sub(word, 1, space - 1), string.sub(word, space + 1)
  end
  local gone, why = clear(key, indices)
  if gone > 0 then
    if count(key .. ':failed') ~= 0 then
      take(key .. ':failed', unpack(jids))
      take(key .. ':dead', unpack(jids))
    end
    why = decide(key) or why
  end
  return why
end
along['compact.succeeded'] = function(key, word) return succeeded_at(key, word) end
together['compact.succeeded'] = function(keys, jobs) return of_each_batch(keys, jobs, succeeded_at) end

-- Set `size` bits from a multiple of 8 on. No other step has these bytes, so what is set there was set by itself, when
-- it was sent before. Returns how many were not set, a function that puts back what was there, and why it was refused.
local function fill(bits, first, size)
  local from, to, rest = first / 8, math.floor((first + size - 1) / 8), size % 8
  local ones = string.rep('\255', math.floor(size / 8)) .. (rest > 0 and string.char(256 - 2 ^ (8 - rest)) or '')
  local old, why, refusal = try('GETRANGE', bits, from, to)
  if why then return 0, nil, why, refusal end
  local set
  set, why, refusal = try('BITCOUNT', bits, from, to)
  if why then return 0, nil, why, refusal end
  local function put_back() try('SETRANGE', bits, from, old .. string.rep('\0', #ones - #old)) end
  local _
  _, why, refusal = try('SETRANGE', bits, from, ones)
  return size - set, put_back, why, refusal
end

-- The first effect of a step that pushes `size` jobs. If it is taken back, as many are refused, where a step counts one.
words['compact.fill'] = 2
effects['compact.fill'] = function(key, first, size)
  size = tonumber(size)
  local new, put_back, why, refusal = fill(key .. ':bits', first, size)
  if not why then
    why, refusal = grow(key, 'bits', new)
    if why then put_back() end
  end
  if why then
    refused = refused + size - 1
    return why, refusal
  end
  added[key] = (added[key] or 0) + new
  return nil, nil, function()
    put_back()
    grow(key, 'bits', -new)
    added[key] = added[key] - new
    refused = refused + size - 1
  end
end

-- The last effect of their steps, so nothing takes them back.
words['compact.push'], many['compact.push'] = 1, true
effects['compact.push'] = function(queue, jobs, _, at)
  local _, why, refusal = try('LPUSH', queue, unpack(ARGV, at + 2, at + 1 + jobs))
  return why, refusal
end

words['compact.schedule'], many['compact.schedule'] = 1, true
effects['compact.schedule'] = function(schedule, twice, _, at)  -- the time and the bytes of each job
  local _, why, refusal = try('ZADD', schedule, unpack(ARGV, at + 2, at + 1 + twice))
  return why, refusal
end
