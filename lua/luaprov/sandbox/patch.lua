--- What an update asks for, in each of the forms that providers have: the other direction of `provider/changes`.
local check = require "luaprov.sandbox.check"
local json = require "luaprov.json"

local M = {}

local function is_object(value) return type(value) == "table" and not json.is_array(value) end

-- RFC 6902, as far as it changes members of objects.
local function read_operations(body)
  local changes = {}
  if not json.is_array(body) then return nil, "A JSON Patch is a list." end
  for i, operation in ipairs(body) do
    local op, path = is_object(operation) and operation.op, is_object(operation) and operation.path
    if (op ~= "add" and op ~= "replace" and op ~= "remove") or type(path) ~= "string" or path:sub(1, 1) ~= "/"
      or (op ~= "remove" and operation.value == nil) then
      return nil, "Operation " .. i .. " of the JSON Patch is not valid."
    end
    local into, last = changes, nil
    for part in path:gmatch("/([^/]*)") do
      part = part:gsub("~1", "/"):gsub("~0", "~")
      if last then
        into[last] = is_object(into[last]) and into[last] or {}
        into = into[last]
      end
      last = part
    end
    into[last] = op == "remove" and json.null or operation.value
  end
  return changes
end

--- @param form string changes, whole, merge_patch or json_patch
--- @param body table decoded
--- @return table|nil changes
--- @return string|nil why
function M.read(form, body)
  if form == "json_patch" then return read_operations(body) end
  if json.is_array(body) then return nil, "The body is no object." end
  return body
end

local function copy(value)
  if type(value) ~= "table" then return value end
  local into = setmetatable({}, getmetatable(value))
  for key, inner in pairs(value) do into[key] = copy(inner) end
  return into
end

-- A field by its name, in the variant that the table has.
local function field_of(scope, name)
  local function find(shape)
    local field = shape.by_name[name]
    for _, by in ipairs(shape.by) do
      local case = not field and check.case_of(by, scope)
      field = field or case and find(case) or nil
    end
    return field
  end
  return scope.shape and find(scope.shape)
end

local function within(scope, field, changes, record)
  return { shape = field and field.shape, input = changes, record = record, outer = scope }
end

-- A table that replaces another: what the vendor itself keeps of that one stays.
local function replaced(scope)
  local after = copy(scope.input)
  for name, value in pairs(scope.record) do
    local field = field_of(scope, name)
    if after[name] == nil then
      if not field or field.computed or field.fixed then after[name] = value end
    elseif field and field.shape and is_object(value) and is_object(after[name]) then
      after[name] = replaced(within(scope, field, scope.input[name], value))
    end
  end
  return after
end

-- RFC 7396: a null removes, and there is none within what is new.
local function without_nulls(value)
  if not is_object(value) then return copy(value) end
  local into = {}
  for key, inner in pairs(value) do
    if inner ~= json.null then into[key] = without_nulls(inner) end
  end
  return into
end

-- Lays changes over what is there: objects over objects, all else replaces.
local function merged(scope, null_removes)
  local after = copy(scope.record)
  for name, value in pairs(scope.input) do
    local field, before = field_of(scope, name), scope.record[name]
    local inner = within(scope, field, value, before)
    if value == json.null and null_removes then after[name] = nil
    elseif not is_object(value) or not is_object(before) then
      after[name] = null_removes and without_nulls(value) or copy(value)
    elseif inner.shape and inner.shape.whole then after[name] = replaced(inner)
    else after[name] = merged(inner, null_removes) end
  end
  return after
end

--- The record after an update; the one before stays as it is.
--- @param shape table of the resource
--- @param before table
--- @param changes table checked
--- @param form string
--- @return table after
function M.apply(shape, before, changes, form)
  local scope = { shape = shape, input = changes, record = before }
  if form == "whole" then return replaced(scope) end
  return merged(scope, form ~= "changes")
end

return M
