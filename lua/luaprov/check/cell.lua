--- Runs one cell: a call of one operation, struck by one fault, of a client that has never been used before, against a
--- sandbox of its own in another process; and looks there what became of it.
local clients = require "luaprov.provider.client"
local expect = require "luaprov.check.expect"
local http = require "luaprov.http"
local json = require "luaprov.json"
local tables = require "luaprov.tables"
local template = require "luaprov.provider.template"

local M = {}

-- Seconds. What does not wait for a time-out ends long before its own, on a machine that is not too busy.
local TIMEOUT, SHORT = 1.5, 0.4
local PATIENCE = 20
local TRIES = { once = 3, always = 2 }
local RESPONSE_LIMIT = 128 * 1024

local function fault_of(cell, slowly)
  local row, fault = cell.row, {}
  for key, value in pairs(row.fault) do fault[key] = value end
  if fault.form then fault.form = math.max(1, math.min(fault.form, #cell.provider.errors)) end
  if row.waits and fault.seconds then fault.seconds = fault.seconds * slowly end
  if fault.fault == "hang_up" then
    fault.count = cell.strikes == "once" and 1 or 1e6
  elseif fault.fault ~= "refuse" then
    if cell.strikes == "once" then fault.times = 1 end
    if not row.warm then fault.on = cell.provider.name .. " " .. cell.resource.name .. " " .. cell.name end
  end
  return fault
end

-- The record's seed stays away where it is to be created.
local function seeds_of(cell)
  local seeds = tables.copy(cell.plan.seeds)
  if cell.name == "create" then seeds[#seeds] = nil end
  return seeds
end

-- The record's own fields, with the ids of those that it belongs to; and, of those, the parts of the path.
local function fields_of(cell, ids)
  local seed = cell.plan.seeds[#cell.plan.seeds]
  local fields, parents = tables.copy(seed.fields), {}
  for field, at in pairs(seed.within) do fields[field] = ids[at] end
  for _, name in ipairs(cell.resource.shape.paths) do parents[name] = fields[name] end
  return fields, parents
end

-- What sends requests: lets the sandbox take connections once the first has been refused, and connections that end
-- while they are idle do so before the next request.
local function exchange_of(cell, far, opened, exchange)
  exchange = exchange or http.exchange
  local opens, warm = cell.row.opens and cell.strikes == "once", cell.row.warm
  if not opens and not warm then return exchange end
  return function(request, what)
    if warm then far:ask { ["do"] = "rest", cell = opened.cell } end
    local response, err, part = exchange(request, what) -- what time it was is told no more: asking has taken some
    if opens then
      opens = false
      far:ask { ["do"] = "let_in", cell = opened.cell }
    end
    return response, err, part
  end
end

local used = 0

-- Another account for each cell: what a client knows of one must not be known in the next, whose port may be the same.
local function provider_of(cell)
  local copy = {}
  for key, value in pairs(cell.provider) do copy[key] = value end
  used = used + 1
  copy.file = tostring(copy.file) .. " " .. used
  return copy
end

local function options_of(cell, opened, slowly)
  local options = opened.options
  options.timeout = (cell.row.waits and SHORT or TIMEOUT) * slowly
  -- Where only time ends the tries, there is not much of it.
  options.patience = cell.strikes == "always" and cell.row.means == "later" and options.timeout or PATIENCE * slowly
  options.attempts, options.settle = TRIES[cell.strikes], cell.settle
  options.response_limit, options.proxy, options.limits = RESPONSE_LIMIT, false, false
  return options
end

-- The call on whose connection the one that counts would go.
local function warm_up(opened)
  http.exchange {
    method = "GET", url = opened.options.base_url .. "/check", deadline = http.now() + PATIENCE,
    transport = { proxy = false, about = "check" },
  }
end

local function call(cell, client, opened)
  local resource, id = client[cell.resource.name], opened.ids[#opened.ids]
  local fields, parents = fields_of(cell, opened.ids)
  if cell.name == "create" then return resource:create(fields) end
  if cell.name == "get" then return resource:get(id, parents) end
  if cell.name == "delete" then return resource:delete(id, parents) end
  if cell.name == "list" then
    local query = {}
    for name in pairs(template.names(cell.operation.path)) do query[name] = parents[name] end
    return resource:list(query)
  end
  local changes = { [cell.plan.change.name] = cell.plan.change.value }
  return resource:update(id, changes, parents)
end

-- ---- what became of it ----

local function id_text(id) return tostring(id):lower() end

local function index(list)
  local by_id = {}
  for _, record in ipairs(list) do by_id[id_text(record.id)] = record end
  return by_id
end

-- Whether any record is another, but for those of one resource that `mine` names.
local function others_changed(before, after, resource, mine)
  for name, list in pairs(before) do
    local is, was = index(after[name] or {}), index(list)
    for id, record in pairs(was) do
      if not (name == resource and mine[id]) then
        if not is[id] or json.encode(is[id].body) ~= json.encode(record.body) then return true end
      end
    end
    for id in pairs(is) do
      if not was[id] and not (name == resource and mine[id]) then return true end
    end
  end
  return false
end

local function same(a, b) return a ~= nil and tostring(a) == tostring(b) end

-- What the vendor has, in one word, and which record it is about.
local function found(cell, opened, after)
  local name = cell.resource.name
  local was, is, mine = index(opened.records[name]), index(after[name]), {}
  local word, record
  if cell.name == "create" then
    local count = 0
    for id, own in pairs(is) do
      if not was[id] then
        count, record, mine[id] = count + 1, own, true
      end
    end
    word = count == 0 and "none" or count == 1 and "one" or ("%d"):format(count)
  else
    local id = id_text(opened.ids[#opened.ids])
    record = is[id]
    if cell.name == "delete" then
      word, mine[id] = record and "there" or "gone", not record or nil
    elseif cell.name == "update" then
      local change = cell.plan.change
      local now, before = record and record.body[change.name], was[id].body[change.name]
      word = not record and "gone" or same(now, change.value) and "changed"
        or (now == before or same(now, before)) and "unchanged" or "something else"
      mine[id] = true
    else
      word = "unchanged"
    end
  end
  if others_changed(opened.records, after, name, mine) then word = "other records changed" end
  return word, record
end

-- Whether what was returned is what the vendor has.
local function wrong_value(cell, value, record)
  if cell.name == "delete" then return nil end
  if not record then return nil end -- told already
  if cell.name == "list" then
    for _, own in ipairs(value) do
      if id_text(own.id) == id_text(record.id) then return nil end
    end
    return "the list lacks the record"
  end
  if id_text(value.id) ~= id_text(record.id) then return "another record was returned" end
  local change = cell.name == "update" and cell.plan.change
  if change and not same(value[change.name], change.value) then return "the record before the change was returned" end
end

--- Runs a cell; it gains reported, found, err, struck, renews, why (it does not hold; nil: it does).
--- @param cell table of `plan`
--- @param far table the other process
--- @param exchange function|nil what sends a request, in place of http.exchange
--- @param slowly number|nil how many times the usual time there is for everything
function M.run(cell, far, exchange, slowly)
  slowly = slowly or 1
  local opened = far:ask {
    ["do"] = "open", faults = json.array { fault_of(cell, slowly) }, seeds = json.array(seeds_of(cell)),
    renews = cell.row.means == "unauthorized",
  }
  cell.renews = opened.renews
  local client, err = clients.new(provider_of(cell), options_of(cell, opened, slowly), {
    exchange = exchange_of(cell, far, opened, exchange),
  })
  if not client then error(err, 0) end
  if cell.row.warm then warm_up(opened) end
  local value
  value, err = call(cell, client, opened)
  local closed = far:ask { ["do"] = "close", cell = opened.cell }
  cell.err, cell.struck = err, closed.struck
  cell.reported = value and "done" or err.outcome == "unknown" and "unknown" or "not done"
  local record
  cell.found, record = found(cell, opened, closed.records)
  cell.wrong = value and wrong_value(cell, value, record)
  cell.why = expect.judge(cell)
end

--- Whether it may have failed because the machine was too busy.
function M.was_late(cell)
  if not cell.why then return false end
  local err = cell.err
  if not err then return false end
  for _, attempt in ipairs(err.attempts or {}) do
    if attempt.kind == "timeout" then return true end
  end
  return err.kind == "timeout"
end

return M
