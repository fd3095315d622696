--- Writes into the state what the vendors have, where nothing was to be done about it.
local plans = require "luaprov.stack.plan"
local remember = require "luaprov.stack.remember"
local rows_of = require "luaprov.stack.rows"

local M = {}

local NONE = {}
local BATCH = 500 -- rows of one transaction

local function description_of(manifest, row)
  local account = manifest.account[row.address:match("^[^.]+")]
  return account and account.provider.resource[row.resource]
end

local function renewed(row, description, record)
  row = rows_of.open(row)
  local copy = {}
  for name, value in pairs(row) do copy[name] = value end
  copy.fields, copy.secrets = remember.again(description, row, record)
  return copy
end

local function same_list(a, b)
  a, b = a or NONE, b or NONE
  for i = 1, math.max(#a, #b) do
    if a[i] ~= b[i] then return false end
  end
  return true
end

--- A row with what is declared today and no plan shows: its options, and the account's credentials. It tells by them
--- what may be done with its record when that is declared no more.
--- @param row table
--- @param node table|nil of the manifest
--- @param about table|nil account of today's client
--- @return table|nil row nil: it has all of it
function M.declared(row, node, about)
  if not node or not about then return nil end
  if same_list(row.depends_on, node.needs) and row.protect == node.protect and row.account == about.account then
    return nil
  end
  local copy = {}
  for name, value in pairs(rows_of.open(row)) do copy[name] = value end
  copy.depends_on, copy.protect, copy.account = node.needs[1] and node.needs or nil, node.protect, about.account
  return copy
end

--- Rows as the vendors have them now.
--- @param manifest table
--- @param rows table[]
--- @param observed table
--- @param wanted function row -> whether it is to be written
--- @return table[] items for Store:commit
function M.items(manifest, rows, observed, wanted)
  local items = {}
  for _, row in ipairs(rows) do
    local record, description = observed[row.address], description_of(manifest, row)
    if record and description and wanted(row) then
      items[#items + 1] = { record = renewed(row, description, record) }
    end
  end
  return items
end

--- Writes items, many at once.
--- @param store luaprov.Store
--- @param items table[]
--- @return boolean|nil done
--- @return luaprov.StoreError|nil err
function M.write(store, items)
  for first = 1, #items, BATCH do
    local batch = {}
    for i = first, math.min(first + BATCH - 1, #items) do batch[#batch + 1] = items[i] end
    local ok, err = store:commit(batch)
    if not ok then return nil, err end
  end
  return true
end

--- What was changed at the vendors since, of all that the state knows: as a plan has it, without any step.
--- @param seen table rows, observed, accounts
--- @return table plan drift, notes, faults
function M.drift(manifest, seen)
  return assert(plans.make {
    manifest = manifest, rows = seen.rows, observed = seen.observed, accounts = seen.accounts,
  })
end

return M
