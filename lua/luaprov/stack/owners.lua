--- Which address has a record: the rows of a state by what their records are told from all others by. Made of each
--- resource when it is asked for first, so that many questions cost no more than one walk through the rows.
local identity = require "luaprov.provider.identity"
local rows_of = require "luaprov.stack.rows"

local M = {}

local Owners = {}
Owners.__index = Owners

local NONE = {}

local function group_of(self, row)
  local name = row.provider .. "\0" .. row.resource
  local group = self.groups[name]
  if not group then
    group = { rows = {} }
    self.groups[name] = group
  end
  return group
end

local function put(group, key, row)
  local list = group.by[key]
  if not list then group.by[key] = { row } else list[#list + 1] = row end
end

-- A row whose account is not what its alias is today may be of either.
local function index(self, group, row)
  local parents, today = rows_of.parents(group.description, row), self.accounts[row.address:match("^[^.]+")]
  put(group, identity.of(group.description, row, row.id, parents), row)
  if today and (today.account ~= row.account or today.base_url ~= row.base_url) then
    put(group, identity.of(group.description, today, row.id, parents), row)
  end
end

--- @param rows table[] of the state
--- @param accounts table|nil alias -> { base_url, account }
--- @return table owners
function M.new(rows, accounts)
  local self = setmetatable({ groups = {}, accounts = accounts or NONE }, Owners)
  for _, row in ipairs(rows or NONE) do self:add(row) end
  return self
end

--- Another row.
function Owners:add(row)
  if row.id == nil then return end
  local group = group_of(self, row)
  if group.by then index(self, group, row) else group.rows[#group.rows + 1] = row end
end

--- The rows that have a record.
--- @param provider string its name
--- @param description table of a resource
--- @param about table base_url, account
--- @param id string|number
--- @param parents table|nil
--- @return table[] rows
function Owners:of(provider, description, about, id, parents)
  local group = self.groups[provider .. "\0" .. description.name]
  if not group then return NONE end
  if not group.by then
    group.by, group.description = {}, description
    for _, row in ipairs(group.rows) do index(self, group, row) end
  end
  return group.by[identity.of(description, about, id, parents)] or NONE
end

return M
