--- The rows of the state, and which of them needs which: for what must go before what.
local compare = require "luaprov.policy.compare"
local identity = require "luaprov.provider.identity"
local reference = require "luaprov.stack.reference"
local store_rows = require "luaprov.stack.store.rows"

local M = {}

local NONE = {}

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

--- The parents that a row's record is told from others by.
--- @param description table of its resource
--- @param row table
--- @return table|nil parents name -> id
function M.parents(description, row)
  local names, parents = identity.parents(description), row.parents
  for _, name in ipairs(names) do
    if (parents or NONE)[name] == nil then
      local all, fields = {}, M.parts(row) or NONE
      for _, other in ipairs(names) do
        all[other] = (parents or NONE)[other]
        if all[other] == nil then all[other] = fields[other] end
      end
      return all
    end
  end
  return parents
end

--- Whether a row's record is the one with an id and parents.
--- @param description table of its resource
--- @param row table
--- @param id string|number|nil
--- @param parents table|nil
--- @return boolean
function M.is(description, row, id, parents)
  return row.id ~= nil and id ~= nil and compare.id(row.id) == compare.id(id)
    and identity.may_name(description, M.parents(description, row), parents)
end

local function id_key(alias, resource, id) return alias .. "\0" .. resource .. "\0" .. compare.id(id) end

-- What a row says of whom its record belongs to.
local function values_of(row, description)
  local values, fields = {}, M.parts(row) or NONE
  for _, field in ipairs(description.shape.fields) do
    local name = field.name
    if field.parent or field.path then
      values[name] = fields[name]
      if values[name] == nil then values[name] = (row.parents or NONE)[name] end
    end
  end
  return values
end

-- The rows that a row's fields name as parents.
local function add_parents(row, alias, provider, ids, add)
  local description = provider.resource[row.resource]
  local values = values_of(row, description)
  for _, field in ipairs(description.shape.fields) do
    local id, above = values[field.name], field.parent and provider.resource[field.parent]
    if above and (type(id) == "string" or type(id) == "number") then
      local other = ids.first[id_key(alias, field.parent, id)]
      while other do
        if identity.may_name(above, M.parents(above, other), values) then add(other) end
        other = ids.more[other]
      end
    end
  end
end

-- Rows by id; records of several parents may have one.
local function ids_of(list)
  local ids = { first = {}, more = {} }
  for _, row in ipairs(list) do
    if row.id ~= nil then
      local key = id_key(row.address:match("^[^.]+"), row.resource, row.id)
      ids.more[row], ids.first[key] = ids.first[key], row
    end
  end
  return ids
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
  local ids
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
    if parental[description] then
      ids = ids or ids_of(index.list)
      add_parents(row, alias, account.provider, ids, add)
    end
    return needed
  end
  return index
end

return M
