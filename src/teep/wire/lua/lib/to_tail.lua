-- INCLUDE: try
-- Move a job from the in-flight list, KEYS[1], to the tail of its queue, KEYS[2], as `payload`. Returns 1 if it was
-- moved, 0 if it was not in flight, or why Redis refused, so that it stayed there. `prepare` may refuse before that.
local function to_tail(raw, payload, prepare)
  local at, why, _
  at, why = try('LPOS', KEYS[1], raw, 'RANK', -1)
  if not at then return why or 0 end
  why = prepare and prepare()
  if why then return why end
  _, why = try('RPUSH', KEYS[2], payload)
  if why then return why end
  _, why = try('LREM', KEYS[1], -1, raw)
  if why then
    redis.pcall('RPOP', KEYS[2])
    return why
  end
  return 1
end
