-- Count the jobs of a slice of a zset by class and error.
-- INCLUDE: zset_place
-- INCLUDE: grouping
-- KEYS: zset
-- ARGV: score member count
-- RETURNS: { the last member read and its score, or two empty strings at the end; how many were read; for each group
-- its class, error class, count, lowest and highest score, and the newest payload }
local count = tonumber(ARGV[3])

local start = place_after()
local entries = redis.call('ZREVRANGE', KEYS[1], start, start + count - 1, 'WITHSCORES')
if #entries == 0 then return { '', '', 0, {} } end

for i = 1, #entries, 2 do count_job(entries[i], entries[i + 1]) end
return { entries[#entries - 1], entries[#entries], #entries / 2, rows }
