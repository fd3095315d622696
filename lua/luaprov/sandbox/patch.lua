--- What an update asks for, in each of the forms that providers have: the other direction of `provider/changes`.
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

-- A field by its name, in whatever variant has it.
local function field_of(shape, name)
  if not shape then return nil end
  local field = shape.by_name[name]
  for _, by in ipairs(shape.by) do field = field or by.union[name] end
  return field
end

-- What the vendor itself keeps stays when a table is replaced.
local function replaced(shape, before, changes)
  local after = copy(changes)
  for name, value in pairs(before) do
    local field = field_of(shape, name)
    if after[name] == nil and (not field or field.computed) then after[name] = value end
  end
  return after
end

local function merge(shape, record, changes)
  for name, value in pairs(changes) do
    local field = field_of(shape, name)
    local inner = field and field.shape
    if not is_object(value) or not is_object(record[name]) then record[name] = copy(value)
    elseif inner and inner.whole then record[name] = replaced(inner, record[name], value)
    else merge(inner, record[name], value) end
  end
end

--- The record after an update; the one before stays as it is.
--- @param shape table of the resource
--- @param before table
--- @param changes table checked
--- @param form string
--- @return table after
function M.apply(shape, before, changes, form)
  if form == "whole" then return replaced(shape, before, changes) end
  local after = copy(before)
  merge(shape, after, changes)
  if form == "merge_patch" or form == "json_patch" then
    for name, value in pairs(changes) do
      if value == json.null then after[name] = nil end
    end
  end
  return after
end

return M
