-- What becomes of a node when its job, or a child batch of it, ends.

-- Whether child batches of a node have not finished, and whether one has without success: `-` stands before those.
local function children_of(key, name)
  local subs, why = get(key .. ':subs', name)
  local open, fallen = false, false
  for bid in words_of(subs or '') do
    if string.byte(bid) == 45 then fallen = true else open = true end
  end
  return open, fallen, subs or '', why
end

-- The job of a node has succeeded: returns why that could not be noted, or why something beside it was refused.
local function conclude(key, name)
  local state, why = state_of(key, name)
  if state ~= 'pushed' and state ~= 'failed' then return why end
  local open, fallen, _, unread = children_of(key, name)
  if unread then return unread end
  if state == 'failed' and (open or fallen) then return end
  if open then return change(key, name, 'ran') end
  if fallen then return become(key, name, 'failed') end
  return become(key, name, 'succeeded', state == 'failed' and RECOVERED or nil)
end

local function split(word) return string.match(word, '^(%S+) (.*)$') end

-- A jid that is not pending changes nothing: it is that of a copy, which another program has pushed. One whose end
-- could not be noted is pending no longer, either: by that `mend` sees what it has become.
words['workflow.succeeded'] = 1
together['workflow.succeeded'] = function(keys, jobs)
  local jids, problem = {}, nil
  for i, key in ipairs(keys) do
    local jid, name = split(jobs[i])
    local is_pending, why = has(key .. ':pending', jid)
    local beside
    if is_pending == 1 then why, beside = conclude(key, name) end
    jids[i], problem = jid, why or beside or problem
  end
  return of_each_batch(keys, jids, succeeded) or problem
end
along['workflow.succeeded'] = function(key, job) return together['workflow.succeeded']({ key }, { job }) end

-- How the end of a job without success is noted: as one of its batch, after its node has become what `becoming` says.
local function lost(word, becoming)
  return function(key, job)
    local jid, name = split(job)
    local is_pending, why = has(key .. ':pending', jid)
    if is_pending ~= 1 then return why end
    local state, beside
    state, why = state_of(key, name)
    local to, how = becoming(state)
    if to then why, beside = become(key, name, to, how) end
    return why or along[word](key, jid, '') or beside
  end
end

words['workflow.died'] = 1
along['workflow.died'] = lost('batch.died', function(state)
  if state == 'pushed' then return 'failed' end
end)

words['workflow.left'] = 1
along['workflow.left'] = lost('batch.left', function(state)
  if state == 'pushed' then return 'discarded' end
  if state == 'failed' then return 'discarded', DROPPED end
end)

-- A child batch of a node has finished, or has succeeded after that.
function flow.child(key, name, bid, has_succeeded)
  local state, why = state_of(key, name)
  if not state then return why end
  local _, _, subs = children_of(key, name)
  local rest = has_succeeded and {} or { '-' .. bid }
  for each in words_of(subs) do
    if each ~= bid and each ~= '-' .. bid then rest[#rest + 1] = each end
  end
  why = note(key, ':subs', name, table.concat(rest, ' '))
  local open, fallen = children_of(key, name)
  if why or open then return why end
  local beside
  if state == 'ran' then
    why, beside = become(key, name, fallen and 'failed' or 'succeeded')
  elseif state == 'failed' and not fallen then
    local static = get(key .. ':nodes', name)
    if static and has(key .. ':pending', string.match(static, '^%Z*')) == 0 then
      why, beside = become(key, name, 'succeeded', RECOVERED)
    end
  end
  return why or beside
end

words['workflow.adopt'] = 2
effects['workflow.adopt'] = function(key, bid, name)
  local why, refusal, back = effects['batch.adopt'](key, bid)
  if why then return why, refusal end
  local _, _, subs = children_of(key, name)
  why = note(key, ':subs', name, subs == '' and bid or subs .. ' ' .. bid)
  if why then back() end
  return why, why and { err = why }, function()
    note(key, ':subs', name, subs)
    back()
  end
end
