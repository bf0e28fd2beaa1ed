-- Read on in a queue from where a reader stood, however the queue has grown or shrunk since.
-- The reader's place is told by payloads it read last (anchors, the last one first) and where it saw the last.
-- KEYS: queue
-- ARGV: position count anchor*
-- RETURNS: { position of the first payload returned, payloads }, or nothing where no anchor is left
local expected, count = tonumber(ARGV[1]), tonumber(ARGV[2])
for i = 3, #ARGV do
  local at
  if redis.call('LINDEX', KEYS[1], expected) == ARGV[i] then
    at = expected
  else
    -- Equal payloads are possible: the one nearest to where it was is the same one.
    for _, candidate in ipairs(redis.call('LPOS', KEYS[1], ARGV[i], 'COUNT', 0)) do
      if not at or math.abs(candidate - expected) < math.abs(at - expected) then at = candidate end
    end
  end
  if at then
    return { at + 1, redis.call('LRANGE', KEYS[1], at + 1, at + count) }
  end
  expected = expected - 1
end
return false
