--- What an update asks for, in each of the forms that providers have: the other direction of `provider/changes`.
local check = require "luaprov.sandbox.check"
local copy = require("luaprov.tables").copy
local json = require "luaprov.json"

local M = {}

local function is_object(value) return type(value) == "table" and not json.is_array(value) end

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

-- A table that replaces another: what the vendor itself keeps of that one stays, and, with `extra`, what is no field.
local function replaced(scope, extra)
  local after = copy(scope.input)
  for name, value in pairs(scope.record) do
    local field = field_of(scope, name)
    if after[name] == nil then
      if field and (field.computed or field.fixed) or extra and not field then after[name] = value end
    elseif field and field.shape and is_object(value) and is_object(after[name]) then
      after[name] = replaced(within(scope, field, scope.input[name], value), extra)
    end
  end
  return after
end

-- ---- JSON Patch, RFC 6902, as far as providers use it ----

local function parts_of(path)
  local parts = {}
  for part in path:gmatch("/([^/]*)") do parts[#parts + 1] = part:gsub("~1", "/"):gsub("~0", "~") end
  return parts
end

-- The place in a list that a part names; one behind the last, too, where something is added.
local function place_in(list, part, adds)
  if adds and part == "-" then return #list + 1 end
  local number = (part == "0" or part:find("^[1-9]%d*$")) and tonumber(part)
  return number and number < #list + (adds and 1 or 0) and number + 1 or nil
end

local function change_list(list, op, part, value)
  local place = place_in(list, part, op == "add")
  if not place then return false end
  if op == "add" then table.insert(list, place, value)
  elseif op == "remove" then table.remove(list, place)
  else list[place] = value end
  return true
end

-- Does one operation; false where its path leads nowhere. The documented patches replace what is absent, and within
-- groups that are: that makes them, and to remove what is absent is nothing.
local function operate(after, scope, op, parts, value)
  local into = after
  for i = 1, #parts - 1 do
    local key = parts[i]
    local field = field_of(scope, key)
    if json.is_array(into) then
      key = place_in(into, key)
      if not key then return false end
    elseif into[key] == nil then
      if op == "remove" then return true end
      into[key] = {}
    end
    into = into[key]
    if type(into) ~= "table" then return false end
    scope = within(scope, field, into, nil)
  end
  local last = parts[#parts]
  if json.is_array(into) then return change_list(into, op, last, value) end
  local field = field_of(scope, last)
  if op == "remove" then into[last] = nil
  elseif field and field.shape and is_object(value) and is_object(into[last]) then
    into[last] = replaced(within(scope, field, value, into[last]))
  else into[last] = value end
  return true
end

-- What a patch has changed, as an update of the changes alone would say it; of a group that is replaced whole, all.
local function difference(scope)
  local changes, before, after = {}, scope.record, scope.input
  local function look(name)
    local field, was, is = field_of(scope, name), before[name], after[name]
    local inner = within(scope, field, is, was)
    if check.same(was, is) then
      if scope.inner and scope.shape.whole and field and not field.computed then changes[name] = is end
    elseif inner.shape and is_object(was) and is_object(is) then
      inner.inner = true
      changes[name] = difference(inner)
    else
      if is == nil then is = json.null end
      changes[name] = is
    end
  end
  for name in pairs(after) do look(name) end
  for name in pairs(before) do
    if after[name] == nil then look(name) end
  end
  return changes
end

local function read_operations(body, shape, before)
  local after = copy(before)
  if not json.is_array(body) then return nil, "A JSON Patch is a list." end
  for i, operation in ipairs(body) do
    local op, path = is_object(operation) and operation.op, is_object(operation) and operation.path
    local good = (op == "add" or op == "replace" or op == "remove") and type(path) == "string"
      and path:sub(1, 1) == "/" and (op == "remove" or operation.value ~= nil)
    if not good or not operate(after, { shape = shape, input = after }, op, parts_of(path), copy(operation.value)) then
      return nil, "Operation " .. i .. " of the JSON Patch is not valid."
    end
  end
  return difference { shape = shape, input = after, record = before }, nil, after
end

-- Lays what the check made of the changes over what the patch made: it has some that are ignored.
local function settled(after, changes, fields)
  for name, change in pairs(changes) do
    local field = fields[name]
    if is_object(change) and is_object(field) and is_object(after[name]) then settled(after[name], change, field)
    elseif change ~= json.null or field ~= json.null then after[name] = field end
  end
  return after
end

--- @param form string changes, whole, merge_patch or json_patch
--- @param body table decoded
--- @param shape table of the resource
--- @param before table the record
--- @return table|nil changes
--- @return string|nil why
--- @return table|nil after for json_patch: the record with every operation done
function M.read(form, body, shape, before)
  if form == "json_patch" then return read_operations(body, shape, before) end
  if json.is_array(body) then return nil, "The body is no object." end
  return body
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
    elseif inner.shape and inner.shape.whole then after[name] = replaced(inner, true)
    else after[name] = merged(inner, null_removes) end
  end
  return after
end

--- The record after an update; the one before stays as it is.
--- @param shape table of the resource
--- @param before table
--- @param fields table what the check kept of the changes
--- @param form string
--- @param changes table of M.read
--- @param after table|nil of M.read
--- @return table after
function M.apply(shape, before, fields, form, changes, after)
  if after then return settled(after, changes, fields) end
  local scope = { shape = shape, input = fields, record = before }
  if form == "whole" then return replaced(scope, true) end
  return merged(scope, form ~= "changes")
end

return M
