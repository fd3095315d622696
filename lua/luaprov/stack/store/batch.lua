--- What a batch writes: each of its items as SQL, checked before the first of it runs.
local core = require "luaprov.core"
local errors = require "luaprov.stack.store.errors"
local json = require "luaprov.json"
local rows = require "luaprov.stack.store.rows"

local M = {}

local RECORD_NAMES, RECORD_VALUES = rows.sql(rows.record, 1)
local SETS = {}
for _, column in ipairs(rows.record) do
  if column.name ~= "address" then SETS[#SETS + 1] = ("%s = excluded.%s"):format(column.name, column.name) end
end

local PUT = ("INSERT INTO luaprov_records (%s, created, updated) VALUES (%s, {now}, {now}) ON CONFLICT (address) "
  .. "DO UPDATE SET %s, updated = excluded.updated, created = CASE WHEN luaprov_records.id = excluded.id "
  .. "THEN luaprov_records.created ELSE excluded.created END"):format(RECORD_NAMES, RECORD_VALUES,
  table.concat(SETS, ", "))

local REMOVE = "DELETE FROM luaprov_records WHERE address = ?1"
local MOVE = "UPDATE luaprov_records SET address = ?2, updated = {now} WHERE address = ?1"
local NEEDING = "SELECT address, depends_on FROM luaprov_records WHERE depends_on IS NOT NULL"
local NEEDS = "UPDATE luaprov_records SET depends_on = ?2 WHERE address = ?1"
M.KNOWN = "SELECT 1 AS known FROM luaprov_records WHERE address = ?1"

local INTENT_NAMES, INTENT_VALUES = rows.sql(rows.intent, 4)
-- One that is there already was committed before the connection broke.
local NOTE = ("INSERT INTO luaprov_intents (fence, number, deadline, %s, state, written) VALUES (?1, ?2, {now} + "
  .. "CAST(?3 AS BIGINT), %s, 'open', {now}) ON CONFLICT (id) DO NOTHING"):format(INTENT_NAMES, INTENT_VALUES)

local SETTLE = "UPDATE luaprov_intents SET state = 'settled', outcome = ?2, result = ?3, settled = {now} WHERE id = ?1"

local RECORD_COUNT, INTENT_COUNT = #rows.record, 3 + #rows.intent

local function text_of(value, what)
  local fault = rows.text_fault(value)
  if fault then return nil, errors.new("invalid", what .. " " .. fault) end
  return value
end

-- An item of a batch as what is to be run in the transaction, and its values: fn(db, values).
local STEPS = {}

local function put_record(db, values) db:put(PUT, values, RECORD_COUNT) end

function STEPS.record(item)
  local values, err = rows.values(rows.record, item.record, "a record", 1)
  if not values then return nil, err end
  return put_record, values
end

local function remove(db, values) db:put(REMOVE, values, 1) end

function STEPS.remove(item)
  local address, err = text_of(item.remove, "an address")
  if not address then return nil, err end
  return remove, { address }
end

-- Who needs it needs it under its new name: what goes before what is told by that.
local function rename_needed(db, from, to)
  local name = json.encode(from)
  for _, row in ipairs(db:query(NEEDING)) do
    local list = row.depends_on:find(name, 1, true) and json.decode(row.depends_on) or {}
    local is_other = false
    for i, address in ipairs(list) do
      if address == from then list[i], is_other = to, true end
    end
    if is_other then db:query(NEEDS, row.address, json.encode(list)) end
  end
end

function STEPS.move(item)
  local from, err = text_of(item.move, "an address")
  local to
  if from then to, err = text_of(item.to, "an address") end
  if not to then return nil, err end
  return function(db)
    local was, is = #db:query(M.KNOWN, from) == 1, #db:query(M.KNOWN, to) == 1
    if was and is then error(errors.new("exists", "the state has a record " .. to), 0) end
    -- What has been moved already was committed before the connection broke.
    if not was and not (is and db.repeated) then
      error(errors.new("missing", "the state has no record " .. from), 0)
    end
    db:query(MOVE, from, to)
    rename_needed(db, from, to)
  end
end

local function note(db, values) db:put(NOTE, values, INTENT_COUNT) end

function STEPS.intent(item, lease)
  local intent = item.intent
  local values, err = rows.values(rows.intent, intent, "an intent", 4)
  if not values then return nil, err end
  local fence, number = intent.id:match("^(%d+)%-(%d+)$")
  if tonumber(fence) ~= lease.fence then
    return nil, errors.new("invalid", "an intent's id is none of store:next_id() in this lease")
  end
  local within = intent.within
  if within ~= nil and (type(within) ~= "number" or not (within >= 0 and within <= 1e9)) then
    return nil, errors.new("invalid", "an intent's `within` is no number of seconds")
  end
  -- Whoever comes after us waits for the end of the lease, and for nothing else.
  if within and core.now() + within > lease.ends then
    return nil, errors.new("short", ("the lease ends in %.1f s, before the %g s in which %s can be acted on"):format(
      math.max(0, lease.ends - core.now()), within, intent.address))
  end
  values[1], values[2], values[3] = tonumber(fence), tonumber(number), within and math.ceil(within * 1000)
  return note, values
end

local function settle(db, values)
  if db:put(SETTLE, values, 3) ~= 1 then
    error(errors.new("missing", "the journal has no intent " .. values[1]), 0)
  end
end

function STEPS.settled(item)
  local id, err = text_of(item.settled, "an intent's id")
  local outcome, result, why
  if id then outcome, err = text_of(item.outcome, "an outcome") end
  if not outcome then return nil, err end
  if item.result ~= nil then
    result, why = json.encode(item.result)
    if not result then return nil, errors.new("invalid", "a result has no JSON form: " .. why) end
  end
  return settle, { id, outcome, result }
end

local ORDER = { "record", "settled", "intent", "remove", "move" }

--- @param item table see Store:commit
--- @param lease luaprov.Lease
--- @return function|nil step what is to be run in the transaction: step(db, values)
--- @return table|luaprov.StoreError|nil values, or err: kind "invalid" or "short"
function M.step(item, lease)
  if type(item) == "table" then
    for i = 1, #ORDER do
      local name = ORDER[i]
      if item[name] ~= nil then return STEPS[name](item, lease) end
    end
  end
  error("an item of a batch is an intent, settled, a record, remove, or move", 3)
end

return M
