-- The results of jobs: a list of one record, so that one that waits for it can be woken, and leave it for the next.

-- The word is "milliseconds record": what goes along with a success has one word only.
local function put(key, word)
  local space = word:find(' ', 1, true)
  local length, why = try('RPUSH', key, word:sub(space + 1))
  if why then return why end
  if length > 1 then
    local _, refused = try('LTRIM', key, -1, -1)
    why = refused
  end
  local _, refused = try('PEXPIRE', key, word:sub(1, space - 1))
  if refused then redis.pcall('RPOP', key) end  -- rather no result than one that stays for ever
  return refused or why
end

words['results.keep'] = 1
along['results.keep'] = put

-- Of a job that is deleted, how it ended before stays: it may lie in the dead set.
words['results.note'] = 1
along['results.note'] = function(key, word)
  local there, why = try('EXISTS', key)
  if there == 0 then return put(key, word) end
  return why
end
