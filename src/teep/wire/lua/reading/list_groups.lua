-- Count the jobs of a slice of a queue by class and error, from the newest on.
-- INCLUDE: list_place
-- INCLUDE: grouping
-- KEYS: queue
-- ARGV: position count anchor*
-- RETURNS: { which anchor was found, from 0; position and number of the payloads read; the last of them, which are
-- the next anchors; for each group its class, error class, count, oldest and newest payload }, or nothing if
-- anchors were given and none is left
local start, which = place_after(3, tonumber(ARGV[1]), false)
if not start then return false end

-- Jobs between an earlier anchor and the last one were counted before.
local counted = {}
for i = 3, 2 + which do counted[ARGV[i]] = (counted[ARGV[i]] or 0) + 1 end

local payloads = redis.call('LRANGE', KEYS[1], start, start + tonumber(ARGV[2]) - 1)
for _, raw in ipairs(payloads) do
  if (counted[raw] or 0) > 0 then
    counted[raw] = counted[raw] - 1
  else
    count_job(raw, raw)
  end
end
for _, row in ipairs(rows) do row[6] = nil end
return { which, start, #payloads, last_of(payloads), rows }
