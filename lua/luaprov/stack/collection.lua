--- Collections at a vendor: how one is listed, and what a listed record shows of a whole one.
local call = require "luaprov.provider.call"
local equal = require "luaprov.stack.equal"
local find = require "luaprov.stack.fields_of"
local hidden = require "luaprov.stack.hidden"
local tables = require "luaprov.tables"
local template = require "luaprov.provider.template"

local M = {}

local NONE = {}

--- An account's resource, as a client has it.
--- @param client luaprov.Client
--- @param name string
--- @return luaprov.Resource|nil
function M.resource(client, name) return client and rawget(client, name) end

--- An operation of it, or nil.
--- @param resource luaprov.Resource
--- @param name string
--- @return table|nil
function M.operation(resource, name)
  return (call.resolve(resource.state, resource.description.operations[name]))
end

--- The names in an operation's path that are parents' (`id` among them, where it stands there).
--- @return string[] sorted
function M.names(resource, operation)
  local names = {}
  for _, name in ipairs(tables.keys(template.names(operation.path))) do
    if not resource.state.is_setting[name] then names[#names + 1] = name end
  end
  return names
end

--- The parents that stand in a record's paths.
--- @param description table of a resource
--- @param first table|nil a row's parents
--- @param second table|nil a row's fields, or a record
--- @return table parents name -> id
function M.parents(description, first, second)
  local parents = {}
  for _, name in ipairs(description.shape.paths) do
    local value = first and first[name]
    if value == nil then value = second and second[name] end
    local kind = type(value)
    if kind == "string" or kind == "number" then parents[name] = value end
  end
  return parents
end

--- What a list needs to be asked for the collection of these parents.
--- @return table|nil query
--- @return string|nil missing the parent that is not known
function M.query(resource, operation, parents)
  local query = {}
  for _, name in ipairs(M.names(resource, operation)) do
    if parents[name] == nil then return nil, name end
    query[name] = parents[name]
  end
  return query
end

--- Reads a record.
--- @return table|false|nil record false: the vendor has it no more
--- @return luaprov.Error|nil err
function M.get(resource, id, parents)
  local record, err = resource:get(id, parents)
  if record then return record end
  if err.kind == "not_found" and err.outcome == "refused" then return false end
  return nil, err
end

local function lacks(shape, wanted, there, around)
  local scope = { wanted, there, outer = around.scope }
  local map = find.map(shape, scope)
  for name, value in pairs(wanted) do
    local field, other = map[name], there[name]
    local path = around.path .. tostring(name)
    local comparable = field and not (field.computed or field.path or around.secrets[path] or hidden.is_field(field)
      or equal.is_nothing(value))
    if comparable and other == nil then return not hidden.within(value) end
    if comparable and field.shape and type(value) == "table" and type(other) == "table" and lacks(field.shape, value,
      other, { scope = scope, path = path .. ".", secrets = around.secrets }) then
      return true
    end
  end
  return false
end

--- Whether a listed record leaves out what a record could be compared by: a settable field that somebody wants, or that
--- is known to have something.
--- @param description table of a resource
--- @param wanted table fields
--- @param there table the listed record
--- @param secrets table|nil of the row: what the vendor never shows
function M.lacks(description, wanted, there, secrets)
  return lacks(description.shape, wanted, there, { path = "", secrets = secrets or NONE })
end

--- The same of a list that is known to show only some fields, before it is asked.
function M.list_lacks(description, operation, wanted, secrets)
  if not operation.shows then return false end
  local there = { id = true }
  for _, name in ipairs(operation.shows) do there[name] = true end
  -- Its variant is that of the record.
  return lacks(description.shape, wanted, there, { path = "", secrets = secrets or NONE })
end

return M
