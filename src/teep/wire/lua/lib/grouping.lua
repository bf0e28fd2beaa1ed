-- Counting jobs by class and error. Payloads are read as JSON here; none is written.
-- Bytes that are no job count by the fields that can be shown of them: see `fields` of `Stored` in wire/stored.py.

-- The first string among the fields that may name a thing; JSON's null is none.
local function text(...)
  for i = 1, select('#', ...) do
    local value = select(i, ...)
    if type(value) == 'string' then return value end
  end
  return ''
end

local function fields_of(raw)
  local read, job = pcall(cjson.decode, raw)
  return read and type(job) == 'table' and job or {}
end

local function kind_of(job)
  return text(job.display_class, job.wrapped, job.class), text(job.error_class)
end

-- Count a job of a slice that is read from the newest on. A row: class, error class, count, the oldest and the newest
-- place, the newest payload.
local groups, rows = {}, {}
local function count_job(raw, place)
  local class, error_class = kind_of(fields_of(raw))
  local id = class .. '\0' .. error_class
  local row = groups[id]
  if not row then
    row = { class, error_class, 0, place, place, raw }
    groups[id] = row
    rows[#rows + 1] = row
  end
  row[3] = row[3] + 1
  row[4] = place
end
