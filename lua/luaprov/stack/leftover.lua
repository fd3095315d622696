--- What a new record took the place of, and is to be deleted though the state has it under no address any more. As long
--- as others name it as theirs they come first: a vendor may delete them with it.
local compares = require "luaprov.policy.compare"
local identity = require "luaprov.provider.identity"
local rows_of = require "luaprov.stack.rows"

local M = {}

local Index = {}
Index.__index = Index

local NONE = {}

-- Fields of a resource that name a record of another: pairs of name and resource.
local function parents_of(self, account, resource)
  local by = self.fields[account] or {}
  self.fields[account] = by
  if not by[resource] then
    local description, list = account.provider.resource[resource], {}
    for _, field in ipairs(description and description.shape.fields or NONE) do
      if field.parent then list[#list + 1] = field end
    end
    by[resource] = list
  end
  return by[resource]
end

local function key_of(alias, resource, id) return alias .. "\0" .. resource .. "\0" .. compares.id(id) end

local function value_of(row, fields, name)
  local there = (fields or NONE)[name]
  if there == nil then there = (row.parents or NONE)[name] end
  return there
end

--- The rows of a state by whom they name.
--- @param rows table[]
--- @param manifest table
--- @return table index
function M.index(rows, manifest)
  local self = setmetatable({ manifest = manifest, by = {}, fields = {} }, Index)
  for _, row in ipairs(rows) do self:add(row) end
  return self
end

--- Another row.
function Index:add(row)
  local alias = row.address:match "^[^.]+"
  local account = self.manifest.account[alias]
  local parents = account and parents_of(self, account, row.resource) or NONE
  local fields = parents[1] and rows_of.parts(row)
  for _, field in ipairs(parents) do
    local there = value_of(row, fields, field.name)
    if type(there) == "string" or type(there) == "number" then
      local key = key_of(alias, field.parent, there)
      self.by[key] = self.by[key] or {}
      table.insert(self.by[key], row)
    end
  end
end

-- What a row says of whom its record belongs to.
local function names_in(row, names)
  local values, fields = {}, rows_of.parts(row)
  for _, name in ipairs(names) do values[name] = value_of(row, fields, name) end
  return values
end

--- The address of a record that names another one as its parent.
--- @param by_address table address -> row of the state as it is now
--- @param intent table the delete of the other one
--- @return string|nil address
function Index:named_by(by_address, intent)
  local alias = intent.address:match "^[^.]+"
  local account = self.manifest.account[alias]
  local description = account and account.provider.resource[intent.resource]
  if not description then return nil end
  local names = identity.parents(description)
  for _, row in ipairs(self.by[key_of(alias, intent.resource, intent.record_id)] or NONE) do
    -- Of an address that has another record by now another row was added.
    if by_address[row.address] == row and (not names[1]
        or identity.may_name(description, intent.parents, names_in(row, names))) then
      return row.address
    end
  end
end

return M
