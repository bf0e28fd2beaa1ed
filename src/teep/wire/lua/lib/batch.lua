-- A batch: a hash, and sets of jids beside it whose names begin with its own. Of all jobs those are `pending` that are
-- not over, of these those have `failed` whose last run did, and of those some are `dead`. A jid that is not pending
-- changes nothing, so an end that comes twice counts once. `children` are batches that have not finished, `fallen` those
-- that have and did not succeed, `openers` the leases of those that add jobs in several steps. Of the jobs of these
-- `bits` are pending. A change that may be the last one decides at once: an event is marked as fired, and its callbacks
-- are pushed, in the same step.
-- A workflow is a batch with the field `workflow`: its files are in `workflow`, their functions for this one in `flow`.
do
  local SETS = { '', ':pending', ':bits', ':failed', ':dead', ':children', ':fallen', ':openers' }
  local FLOW = { ':nodes', ':payloads', ':states', ':open', ':gates', ':dependants', ':cancelled', ':subs' }
  local LIFE, LIFE_OF_DEAD = 2592000000, 15552000000  -- milliseconds: 30 days; 180 if a job is dead, as those are kept
  local opened, added, flow = {}, {}, {}

  local function count(set) return try('SCARD', set) end
  local function has(set, jid) return try('SISMEMBER', set, jid) end
  local function put(set, jid) return try('SADD', set, jid) end
  local function take(set, ...) return try('SREM', set, ...) end
  local function left(set) return try('PTTL', set) end
  local function live(set, time) return try('PEXPIRE', set, time) end
  local function set_field(hash, field, value) return try('HSET', hash, field, value) end
  local function grow(hash, field, by)
    local _, why, refusal = try('HINCRBY', hash, field, by)
    return why, refusal
  end
  local function drop(queue) redis.pcall('LPOP', queue) end
  local function has_field(hash, field) return try('HEXISTS', hash, field) == 1 end

  local function keep(key, time)
    for _, name in ipairs(SETS) do live(key .. name, time) end
    for _, name in ipairs(has_field(key, 'workflow') and FLOW or {}) do live(key .. name, time) end
  end

  -- Have a set that may be new live as long as the batch.
  local function stay(key, name)
    local time = left(key) or -1
    if time > 0 and left(key .. name) == -1 then live(key .. name, time) end
  end

  -- Add to a set: returns whether it was new, and why it was refused.
  local function add(key, name, jid)
    local new, why = put(key .. name, jid)
    if new == 1 then stay(key, name) end
    return new == 1, why
  end

  local function read(hash)
    local fields, why = try('HGETALL', hash)
    local batch = {}
    for i = 1, #(fields or {}), 2 do batch[fields[i]] = fields[i + 1] end
    return batch, why
  end

  local function push(queue, queues, name, payload)
    local _, why = try('SADD', queues, name)
    if why then return why end
    _, why = try('LPUSH', queue, payload)
    return why
  end

  -- The time as a payload has it: seconds as Ruby writes a float, or whole milliseconds.
  local function stamp(time, unit)
    if unit == 'milliseconds' then return string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)) end
    local text = string.gsub(string.format('%s.%06d', time[1], time[2]), '0+$', '')
    return string.sub(text, -1) == '.' and text .. '0' or text
  end

  -- Let an event happen, once: returns whether it did now, and why it could not.
  local function fire(key, batch, event)
    if batch['fired:' .. event] then return end
    local time, queued, jids, problem = redis.call('TIME'), {}, {}, nil
    for template in string.gmatch(batch['on:' .. event] or '', '[^\n]+') do
      local jid, queue, queues, name, unit, head, tail =
        string.match(template, '^(%Z*)%z(%Z*)%z(%Z*)%z(%Z*)%z(%Z*)%z(%Z*)%z(%Z*)$')
      problem = problem or push(queue, queues, name, head .. stamp(time, unit) .. tail)
      if not problem then queued[#queued + 1], jids[#jids + 1] = queue, jid end
    end
    if not problem then
      local _
      _, problem = set_field(key, 'fired:' .. event, stamp(time, 'seconds'))
    end
    if problem then
      for _, queue in ipairs(queued) do drop(queue) end
      return false, problem
    end
    batch['fired:' .. event] = time[1]
    -- A parent goes on only after the callbacks of its children, which are jobs of it.
    for _, jid in ipairs(batch.parent and left(batch.parent) ~= -2 and jids or {}) do
      if add(batch.parent, ':pending', jid) then grow(batch.parent, 'total', 1) end
    end
    return true
  end

  -- Whether someone is adding jobs in several steps, or why that cannot be told. A lease that has ended counts as
  -- closed, and is told of.
  local function is_open(key, openers)
    local time = redis.call('TIME')
    local ended = try('ZREMRANGEBYSCORE', openers, '-inf', time[1] * 1000 + math.floor(time[2] / 1000))
    if (ended or 0) > 0 then set_field(key, 'abandoned', 1) end
    local leases, why = try('ZCARD', openers)
    return why or leases > 0
  end

  local decide

  -- Most jobs that succeed together are of one batch, which decides once.
  local function of_each_batch(keys, jobs, act)
    local of, order, problem = {}, {}, nil
    for i, key in ipairs(keys) do
      if not of[key] then of[key], order[#order + 1] = {}, key end
      table.insert(of[key], jobs[i])
    end
    for _, key in ipairs(order) do problem = act(key, unpack(of[key])) or problem end
    return problem
  end

-- INCLUDE: compact

  -- Tell the parent that a batch has finished, or has succeeded after that. If a dead job of it may succeed yet, the
  -- parent is `recoverable`, too.
  local function tell(key, batch, has_finished, has_succeeded, may_recover)
    local bid, parent = string.sub(key, -25, -2), batch.parent
    if has_finished then
      take(parent .. ':children', bid)
      if not has_succeeded and left(parent) ~= -2 then
        add(parent, ':fallen', bid)
        if may_recover then set_field(parent, 'recoverable', 1) end
      end
    else
      take(parent .. ':fallen', bid)
    end
    local why = batch.parent_node and flow.child(parent, batch.parent_node, bid, has_succeeded)
    return decide(parent) or why
  end

  -- The sizes of a batch's sets: returns them by name, or nil and why one cannot be told.
  local function sizes(key, ...)
    local found = {}
    for _, name in ipairs({ ... }) do
      local size, why = count(key .. ':' .. name)
      if why then return nil, why end
      found[name] = size
    end
    return found
  end

  -- Let the events happen whose time has come: returns why one could not.
  function decide(key)
    local of, why = sizes(key, 'pending', 'failed')
    if why or of.failed < of.pending then return why end
    local bits
    bits, why = bits_of(key)
    if why or of.failed < of.pending + bits then return why end
    of, why = sizes(key, 'pending', 'dead', 'children', 'fallen')
    if why or of.children > 0 then return why end
    of.pending = of.pending + bits
    local batch, unread = read(key)
    if unread or not batch.created_at then return unread end
    local held = is_open(key, key .. ':openers')
    if held then return held ~= true and held or nil end
    local waiting, cancelled = 0, 0
    if batch.workflow then
      waiting, cancelled, why = flow.rest(key, batch, of)
      if not waiting then return why end
    end
    local succeeded, finished, _
    if of.dead > 0 then fire(key, batch, 'death') end  -- if Redis refused it when the job died
    if waiting == 0 or of.dead == of.pending then _, why = fire(key, batch, 'complete') end
    local is_whole = not batch.invalid and (batch.discarded or '0') == '0'
    if not why and is_whole and of.pending + of.fallen + waiting + cancelled == 0 then
      succeeded, why = fire(key, batch, 'success')
    end
    if not why and of.dead == of.pending then finished, why = fire(key, batch, 'finish') end
    local may_recover = not batch['fired:success'] and (batch['fired:death'] or batch.recoverable)
    if of.pending == 0 and batch['fired:finish'] then
      keep(key, (waiting > 0 or batch.recoverable and may_recover) and LIFE_OF_DEAD or batch.linger)
    end
    if batch.parent and (succeeded or finished) then
      why = tell(key, batch, finished, batch['fired:success'], may_recover) or why
    end
    return why
  end

  words['batch.open'] = 0
  guards['batch.open'] = function(key)
    if not opened[key] then
      local found, why, refusal = try('HMGET', key, 'created_at', 'fired:finish', 'reopened')
      if why then return nil, why, refusal end
      opened[key] = found[2] and not found[3] and 'finished' or found[1] and 'open' or 'gone'
    end
    if opened[key] ~= 'open' then return opened[key] end
  end

  words['batch.set'] = 2
  effects['batch.set'] = function(hash, field, value)
    local _, why, refusal = try('HSET', hash, field, value)
    opened[hash] = nil
    return why, refusal, function() redis.pcall('HDEL', hash, field) end
  end

  words['batch.adopt'] = 1
  effects['batch.adopt'] = function(key, bid)
    local new, why = add(key, ':children', bid)
    return why, why and { err = why }, function() if new then take(key .. ':children', bid) end end
  end

  -- One that adds jobs in several steps holds back the events until its lease ends, or it closes.
  local function lease(openers, token, time)
    local now = redis.call('TIME')
    local _, why, refusal = try('ZADD', openers, now[1] * 1000 + math.floor(now[2] / 1000) + time, token)
    return why, refusal, function() redis.pcall('ZREM', openers, token) end
  end
  words['batch.hold'] = 2
  effects['batch.hold'] = function(key, token, time) return lease(key .. ':openers', token, time) end

  words['batch.add'] = 1
  effects['batch.add'] = function(key, jid)
    local new, why, refusal = put(key .. ':pending', jid)
    added[key] = (added[key] or 0) + (new or 0)
    return why, refusal, function()
      if new == 1 then
        take(key .. ':pending', jid)
        added[key] = added[key] - 1
      end
    end
  end

  -- What follows the last job of a step that adds some: they are counted, and live as long as their batch should.
  words['batch.count'] = 0
  along['batch.count'] = function(key)
    local number, why = added[key] or 0, nil
    if number == 0 and left(key) ~= -1 then return end
    if number > 0 then why = grow(key, 'total', number) end
    added[key] = 0
    keep(key, has_field(key, 'fired:death') and LIFE_OF_DEAD or LIFE)
    return why
  end

  words['batch.close'] = 1
  along['batch.close'] = function(key, token)
    if left(key) == -2 then return end
    local why = along['batch.count'](key)
    if refused > 0 then  -- some of its jobs were not pushed, as its block has been told
      set_field(key, 'invalid', 1)
      grow(key, 'discarded', refused)
    end
    local function close(openers) try('ZREM', openers, token) end
    close(key .. ':openers')
    return decide(key) or why
  end

  words['batch.decide'] = 0
  along['batch.decide'] = decide

  -- The same, after a look at what may have been refused.
  words['batch.look'] = 0
  along['batch.look'] = function(key)
    local why = has_field(key, 'workflow') and not has_field(key, 'building') and flow.mend(key)
    return decide(key) or why or nil
  end

  words['batch.note'] = 2
  along['batch.note'] = function(key, field, value)
    if left(key) == -2 then return end
    local _, why = set_field(key, field, value)
    return why
  end

  words['batch.succeeded'] = 1
  local function succeeded(key, ...)
    local gone, why = take(key .. ':pending', ...)
    if gone ~= 0 and not why then
      take(key .. ':failed', ...)
      take(key .. ':dead', ...)
      why = decide(key)
    end
    return why
  end
  along['batch.succeeded'] = function(key, jid) return succeeded(key, jid) end

  together['batch.succeeded'] = function(keys, jids) return of_each_batch(keys, jids, succeeded) end

  words['batch.failed'] = 2
  along['batch.failed'] = function(key, jid, index)
    local pends, why = is_pending(key, jid, index)
    if pends ~= 1 then return why end
    local new
    new, why = add(key, ':failed', jid)
    return new and decide(key) or why
  end

  words['batch.died'] = 2
  along['batch.died'] = function(key, jid, index)
    local pends, why = is_pending(key, jid, index)
    if pends ~= 1 then return why end
    local _, refused = add(key, ':failed', jid)
    local new, unadded = add(key, ':dead', jid)
    local batch = read(key)
    if new and batch.created_at and not batch['fired:death'] then
      keep(key, LIFE_OF_DEAD)
      _, why = fire(key, batch, 'death')
    end
    return decide(key) or why or unadded or refused
  end

  -- A job that is over and has not succeeded: it was discarded, expired, cancelled or deleted.
  words['batch.left'] = 2
  along['batch.left'] = function(key, jid, index)
    local gone, why = leave(key, jid, index)
    if gone ~= 1 then return why end
    take(key .. ':failed', jid)
    take(key .. ':dead', jid)
    why = grow(key, 'discarded', 1)
    return decide(key) or why
  end

  -- Forget a batch, whose jobs go on without it. To its parent it is over.
  words['batch.forget'] = 0
  along['batch.forget'] = function(key)
    local batch, why = read(key)
    local function remove(set)
      local _, refused = try('UNLINK', set)
      why = refused or why
    end
    for _, name in ipairs(SETS) do remove(key .. name) end
    for _, name in ipairs(batch.workflow and FLOW or {}) do remove(key .. name) end
    if batch.parent and not batch['fired:finish'] then why = tell(key, batch, true, false) or why end
    return why
  end

-- INCLUDE: workflow/nodes
-- INCLUDE: workflow/ends
-- INCLUDE: workflow/waiting
-- INCLUDE: workflow/adding
-- INCLUDE: workflow/verbs
end
