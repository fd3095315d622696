--- Which record is which. A vendor's id is unique among the records of a resource, or among those of one parent: the
--- routes say which. A record is told from all others by its account, its base URL, its resource, the parents that its
--- route needs, and its id.
local compare = require "luaprov.policy.compare"

local M = {}

local NONE = {}

-- Whether each way of an operation has a parent in its path; true where there is no such operation.
local function needs(operation, name)
  if not operation then return true end
  if operation.cases then
    for _, case in pairs(operation.cases) do
      if not needs(case, name) then return false end
    end
    return true
  end
  for _, there in ipairs(operation.path.names) do
    if there == name then return true end
  end
  return false
end

local known = setmetatable({}, { __mode = "k" }) -- description -> names

--- The parents without which an id does not say which record is meant: those in the path of every operation that is
--- about one record.
--- @param description table of a resource
--- @return string[] names in the order of the provider file
function M.parents(description)
  local names = known[description]
  if names then return names end
  names = {}
  local all = description.operations
  local list = { all.get, all.update, all.delete }
  -- Of a record that only its list tells of, by the list's.
  if next(list) == nil then list = { all.list or all.create } end
  for _, name in ipairs(description.shape.paths) do
    local is_needed = true
    for _, operation in pairs(list) do is_needed = is_needed and needs(operation, name) end
    if is_needed then names[#names + 1] = name end
  end
  known[description] = names
  return names
end

--- A record as no other is.
--- @param description table of its resource
--- @param about table base_url and account: a row, an intent, or what account.all says of an alias
--- @param id string|number
--- @param parents table|nil name -> id, of the parents in its path; a record will do
--- @return string
function M.of(description, about, id, parents)
  local key = (about.base_url or "") .. "\0" .. (about.account or "") .. "\0" .. description.name .. "\0"
    .. compare.id(id)
  for _, name in ipairs(M.parents(description)) do
    local value = (parents or NONE)[name]
    key = key .. "\0" .. (value ~= nil and compare.id(value) or "")
  end
  return key
end

--- Whether a record that names another one by its id can mean this one: the parents that both have are the same.
--- @param description table of the resource of the one that is named
--- @param parents table|nil its parents
--- @param fields table|nil of the record that names it
--- @return boolean
function M.may_name(description, parents, fields)
  for _, name in ipairs(M.parents(description)) do
    local own, there = (parents or NONE)[name], (fields or NONE)[name]
    if own ~= nil and there ~= nil and compare.id(own) ~= compare.id(there) then return false end
  end
  return true
end

return M
