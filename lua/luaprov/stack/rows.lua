--- The rows of the state, and which of them needs which: for what must go before what.
local compare = require "luaprov.policy.compare"
local reference = require "luaprov.stack.reference"
local store_rows = require "luaprov.stack.store.rows"

local M = {}

--- A row as it is compared: its fields and secrets as tables. As texts (JSON), which is how a store has them, many rows
--- take a quarter of the memory; they are opened one at a time.
--- @param row table|nil
--- @return table|nil
function M.open(row)
  if not row or type(row.fields) ~= "string" and type(row.secrets) ~= "string" then return row end
  local copy = {}
  for name, value in pairs(row) do copy[name] = value end
  copy.fields, copy.secrets = M.parts(row)
  return copy
end

--- The same of its fields and secrets alone.
--- @return table fields
--- @return table|nil secrets
function M.parts(row)
  local fields, secrets = row.fields, row.secrets
  if type(fields) == "string" then fields = store_rows.decoded(row, "fields") end
  if type(secrets) == "string" then secrets = store_rows.decoded(row, "secrets") end
  return fields, secrets
end

--- What a row knows, for a reference to its record.
--- @param row table|nil
--- @param path any[]
--- @return any value nil: it is not known
function M.at(row, path)
  if not row then return nil end
  if #path == 1 and path[1] == "id" then return row.id end
  return reference.at((M.parts(row)), path)
end

local function id_key(alias, resource, id) return alias .. "\0" .. resource .. "\0" .. compare.id(id) end

-- The rows that a row's fields name as parents.
local function add_parents(row, alias, description, by_id, add)
  row = M.open(row)
  for _, field in ipairs(description.shape.fields) do
    if field.parent then
      local id = row.fields[field.name]
      if id == nil and row.parents then id = row.parents[field.name] end
      if type(id) == "string" or type(id) == "number" then add(by_id[id_key(alias, field.parent, id)]) end
    end
  end
end

local function has_parents(description)
  for _, field in ipairs(description.shape.fields) do
    if field.parent then return true end
  end
  return false
end

--- @param rows table[]
--- @param manifest table
--- @return table index list, by_address, needs (function row -> list of rows that it needs)
function M.index(rows, manifest)
  local index = { list = {}, by_address = {} }
  for i, row in ipairs(rows) do
    index.list[i] = row
    index.by_address[row.address] = row
  end
  -- In an order that does not hang on the store.
  table.sort(index.list, function(a, b) return a.address < b.address end)
  local by_id
  local function ids()
    if by_id then return by_id end
    by_id = {}
    for _, row in ipairs(index.list) do
      if row.id ~= nil then by_id[id_key(row.address:match("^[^.]+"), row.resource, row.id)] = row end
    end
    return by_id
  end
  local parental = {}
  function index.needs(row)
    local needed, seen = {}, { [row.address] = true }
    local function add(other)
      if other and not seen[other.address] then
        seen[other.address] = true
        needed[#needed + 1] = other
      end
    end
    for _, address in ipairs(row.depends_on or {}) do add(index.by_address[address]) end
    local alias = row.address:match("^[^.]+")
    local account = manifest.account[alias]
    local description = account and account.provider.resource[row.resource]
    if not description then return needed end
    if parental[description] == nil then parental[description] = has_parents(description) end
    if parental[description] then add_parents(row, alias, description, ids(), add) end
    return needed
  end
  return index
end

return M
