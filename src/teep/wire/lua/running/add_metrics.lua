-- Add the metrics of one process for one minute to Sidekiq's, once.
-- A process numbers its batches upwards: one that was added, but whose answer was lost, is not added again.
-- KEYS: written minute ten_minutes histogram*
-- ARGV: number written_ttl minute_ttl ten_minutes_ttl (histogram field_or_slot by)*
-- RETURNS: 1 if it was added, 0 if it had been before
-- Histogram is the place among the histograms, from 1 on, or 0 for a field of both hashes.
if tonumber(redis.call('GET', KEYS[1]) or 0) >= tonumber(ARGV[1]) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
for i = 5, #ARGV, 3 do
  local histogram, name, by = tonumber(ARGV[i]), ARGV[i + 1], ARGV[i + 2]
  if histogram == 0 then
    redis.call('HINCRBY', KEYS[2], name, by)
    redis.call('HINCRBY', KEYS[3], name, by)
  else
    redis.call('BITFIELD', KEYS[3 + histogram], 'OVERFLOW', 'SAT', 'INCRBY', 'u16', '#' .. name, by)
  end
end
redis.call('EXPIRE', KEYS[2], ARGV[3])
redis.call('EXPIRE', KEYS[3], ARGV[4])
for i = 4, #KEYS do
  redis.call('EXPIRE', KEYS[i], ARGV[3])
end
return 1
