-- Move jobs from one zset to another with a new score and payload, each only if it is still there.
-- INCLUDE: parts
-- KEYS: source target key*
-- ARGV: moves anything*
-- RETURNS: for each 1 if it was moved, a list of 1 and why a part that goes along was refused, 0 if it was gone, or why
-- Redis refused, so that it stayed where it was
-- So many moves (member score payload) come after their number, then the parts that go along with them.
-- An empty score: the one that it has.
-- This begins with removals of nothing: an addition could not be taken back if removals are refused.
redis.call('ZREM', KEYS[1], '\0')
local _, closed = try('ZREM', KEYS[2], '\0')
local function move(member, score, payload)
  local now, added, why, _
  if score ~= '' and not closed and KEYS[1] ~= KEYS[2] then  -- a command less, of three
    added, why = try('ZADD', KEYS[2], 'NX', score, payload)
    if why then return why end
    if added == 1 then
      local removed = redis.call('ZREM', KEYS[1], member)  -- not refused, since the first ones were not
      if removed == 0 then redis.pcall('ZREM', KEYS[2], payload) end
      return removed
    end
  end
  now, why = try('ZSCORE', KEYS[1], member)
  if not now then return why or 0 end
  if score == '' then score = now end
  _, why = try('ZADD', KEYS[2], score, payload)
  if why then return why end
  if KEYS[1] ~= KEYS[2] or member ~= payload then redis.call('ZREM', KEYS[1], member) end
  return 1
end

local count = tonumber(ARGV[1])
local moved, go_along = {}, read_along(2 + count * 3)
for i = 1, count do
  moved[i] = move(ARGV[i * 3 - 1], ARGV[i * 3], ARGV[i * 3 + 1])
  local why = moved[i] == 1 and go_along(i)
  if why then moved[i] = { 1, why } end
end
return moved
