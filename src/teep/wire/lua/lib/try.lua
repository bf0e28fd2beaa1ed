-- Moving a job without losing it to a refused command: add it, then remove it; take the addition back if the
-- removal is refused. Redis rolls nothing back: WRONGTYPE, an ACL and the like end a script halfway.

-- A full Redis refuses additions, unless the script has written already: so begin with a write that changes nothing.
local function begin(key)
  redis.call('PERSIST', key)
end

-- Carry a command out. Returns its reply, or nil, why it was refused, and Redis's error.
local attempt, type = redis.pcall, type  -- looked up once: there are several commands a job
local function try(command, key, ...)
  local reply = attempt(command, key, ...)
  if type(reply) == 'table' and reply.err then
    return nil, command .. ' ' .. key .. ': ' .. reply.err, reply
  end
  return reply
end
