-- Remove jobs from the low end of a list (its tail) or a zset, unless one of them has parts that go along.
-- KEYS: jobs queues*
-- ARGV: kind limit upto name needle*
-- RETURNS: { how many were removed, those that hold a needle }; if there are any, none was removed
-- Kind: list, zset or score. `upto` is the last to go: its rank in a list or zset (0 the lowest, -1 the last of all),
-- or its score. No more go at a time than the limit. A name that is not empty is taken out of the queues once nothing
-- is left.
local kind, limit, upto, name = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]

local function lowest()
  if kind == 'score' then
    return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', upto, 'LIMIT', 0, limit)
  end
  local last = tonumber(upto)
  if last < 0 then last = last + redis.call(kind == 'list' and 'LLEN' or 'ZCARD', KEYS[1]) end
  last = math.min(last, limit - 1)
  if last < 0 then return {} end
  if kind == 'list' then return redis.call('LRANGE', KEYS[1], -1 - last, -1) end
  return redis.call('ZRANGE', KEYS[1], 0, last)
end

local jobs, found, find, arguments, count = lowest(), {}, string.find, ARGV, #ARGV
for _, raw in ipairs(jobs) do
  for i = 5, count do
    if find(raw, arguments[i], 1, true) then
      found[#found + 1] = raw
      break
    end
  end
end
if #found > 0 then return { 0, found } end

if #jobs > 0 and kind == 'list' then
  redis.call('LTRIM', KEYS[1], 0, -#jobs - 1)
elseif #jobs > 0 then
  redis.call('ZREMRANGEBYRANK', KEYS[1], 0, #jobs - 1)
end
if name ~= '' and redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('SREM', KEYS[2], name)
end
return { #jobs, {} }
