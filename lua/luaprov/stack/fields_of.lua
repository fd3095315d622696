--- Finds fields in a shape whose variants are chosen by the tables at hand.
local near = require "luaprov.near"
local shapes = require "luaprov.provider.shape"

local M = {}

--- The value of a selector in the tables around: scope = { one table, another, outer = scope }.
local function selected(name, scope)
  while scope do
    for i = 1, 2 do
      local value = scope[i] and scope[i][name]
      if value ~= nil then return value end
    end
    scope = scope.outer
  end
end

local NONE = {}

local merged = setmetatable({}, { __mode = "k" }) -- variant -> name -> field, with those around it

local function add(into, map)
  for name, field in pairs(map) do into[name] = into[name] or field end
  return into
end

--- The fields of a shape by name, in the variant that the tables choose; where they choose none, those of any variant.
--- @param shape table
--- @param scope table { wanted, there, outer = scope }
--- @return table map name -> field; not to be changed
function M.map(shape, scope)
  local by = shape.by[1]
  if not by then return shape.by_name end
  if not by.selectors[2] then
    -- Most shapes with variants have one choice, of one text.
    local value = selected(by.selectors[1], scope)
    local found = type(value) == "string" and merged[by.cases[value] or NONE]
    if found and not shape.by[2] then return found end
  end
  local function value_of(selector) return selected(selector, scope) end
  local first = shapes.case(by, value_of)
  if first and not shape.by[2] and not first.by[1] then
    if not merged[first] then merged[first] = add(add({}, shape.by_name), first.by_name) end
    return merged[first]
  end
  local map = add({}, shape.by_name)
  for _, one in ipairs(shape.by) do
    local case = shapes.case(one, value_of)
    add(map, case and M.map(case, scope) or one.union)
  end
  return map
end

local function anywhere(shape, name)
  if shape.by_name[name] then return shape.by_name[name] end
  for _, by in ipairs(shape.by) do
    if by.union[name] then return by.union[name] end
  end
end

local function passes(shape)
  if shape.unknown == "pass" then return true end
  for _, by in ipairs(shape.by) do
    if by.passes then return true end
  end
  return false
end

--- What a path of keys may name in a record, in any variant.
--- @param description table of a resource
--- @param path any[]
--- @return table|nil field
--- @return string|nil fault nil, too, where the provider file says nothing and lets it pass
function M.find(description, path)
  local shape, field = description.shape, nil
  for i, key in ipairs(path) do
    if type(key) == "number" then
      if not field or field.type ~= "list" then return nil, "[" .. tostring(key) .. "] is no item of a list" end
      field = field.of
      if not field then return nil end
      shape = field.shape
    elseif i == 1 and (key == "id" or key == description.id) then
      if path[2] ~= nil then return nil, tostring(key) .. " has no parts" end
      return shape.by_name[key] or { name = key, type = "text", computed = true }
    else
      if not shape then return nil, tostring(path[i - 1]) .. " has no parts" end
      field = anywhere(shape, key)
      if not field then
        if passes(shape) then return nil end
        local names = shapes.names(shape)
        if i == 1 then names[#names + 1] = "id" end
        return nil, "there is no '" .. tostring(key) .. "'" .. near.hint(tostring(key), names)
      end
      shape = field.shape
    end
  end
  return field
end

--- "a.b" as keys; a field whose name has dots of its own is found whole.
--- @param description table of a resource
--- @param text string
--- @return string[] keys
function M.keys(description, text)
  if anywhere(description.shape, text) then return { text } end
  local keys = {}
  for key in (text .. "."):gmatch("(.-)%.") do keys[#keys + 1] = key end
  return keys
end

return M
