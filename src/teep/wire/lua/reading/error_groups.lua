-- Count the jobs of a slice of a zset by class, error class, and what the error said but for its numbers.
-- INCLUDE: zset_place
-- INCLUDE: grouping
-- KEYS: zset
-- ARGV: score member count most
-- RETURNS: { size; the last member read and its score, or two empty strings at the end; how many were read; for each
-- group its class, error class, message, count, first and last failure (epoch seconds, 0: not told), and the payload
-- of the last one with its score }
local count, most = tonumber(ARGV[3]), tonumber(ARGV[4])

-- wire/fields/messages.py does the same.
local function alike(message)
  local one = string.gsub(string.gsub(string.sub(message, 1, 4 * most), '%s+', ' '), '[0-9]+', '#')
  if #one <= most then return one end
  local stop = most
  -- A character is not cut in two.
  while stop > 0 and string.byte(one, stop + 1) >= 128 and string.byte(one, stop + 1) < 192 do stop = stop - 1 end
  return string.sub(one, 1, stop)
end

local function seconds(stamp)
  if type(stamp) ~= 'number' then return nil end
  return stamp > 100000000000 and stamp / 1000 or stamp
end

local start = place_after()
local size = redis.call('ZCARD', KEYS[1])
local entries = redis.call('ZREVRANGE', KEYS[1], start, start + count - 1, 'WITHSCORES')
if #entries == 0 then return { size, '', '', 0, {} } end

local found, list = {}, {}
for i = 1, #entries, 2 do
  local raw = entries[i]
  local job = fields_of(raw)
  local class, error_class = kind_of(job)
  local message = alike(text(job.error_message))
  local id = class .. '\0' .. error_class .. '\0' .. message
  local first = seconds(job.failed_at) or 0
  local last = seconds(job.retried_at) or first
  local row = found[id]
  if not row then
    row = { class, error_class, message, 0, first, last, raw, entries[i + 1] }
    found[id] = row
    list[#list + 1] = row
  end
  row[4] = row[4] + 1
  if first > 0 and (first < row[5] or row[5] == 0) then row[5] = first end
  if last > row[6] then row[6], row[7], row[8] = last, raw, entries[i + 1] end
end
for _, row in ipairs(list) do
  row[5], row[6] = string.format('%.3f', row[5]), string.format('%.3f', row[6])
end
return { size, entries[#entries - 1], entries[#entries], #entries / 2, list }
