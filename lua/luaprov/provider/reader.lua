--- Reads what an answer had: secret fields become secrets, and spellings those of the documentation.
local json = require "luaprov.json"
local secret = require "luaprov.secret"
local values = require "luaprov.provider.values"

local M = {}

local function keys(body)
  local list = {}
  for key in pairs(body) do list[#list + 1] = key end
  return list
end

local function read_entry(entry, value)
  if value == json.null then return value end
  if entry.secret then
    return type(value) ~= "table" and secret.new(tostring(value)) or value
  end
  if entry.codes and type(value) ~= "table" then
    return entry.codes[tostring(values.whole(value) or value)] or value
  end
  if type(value) ~= "table" then return value end
  if entry.item then
    for i, item in ipairs(value) do value[i] = read_entry(entry.item, item) end
  elseif entry.reader then
    return M.read(entry.reader, value)
  end
  return value
end

--- Makes a record of a table that an answer had, in place: secret fields become secrets, numbers that stand for a
--- choice become its spelling, keys in another case get theirs where the provider file says so.
--- @param reader table a shape's
--- @param body table
--- @return table body
function M.read(reader, body)
  local lower
  if reader.shape.any_case then
    lower = {}
    for name in pairs(reader.names) do lower[name:lower()] = name end
    for _, name in ipairs(keys(body)) do
      local spelled = type(name) == "string" and lower[name:lower()]
      if spelled and spelled ~= name and body[spelled] == nil then
        body[spelled], body[name] = body[name], nil
      end
    end
  end
  for name, entry in pairs(reader.names) do
    local value = body[name]
    if value ~= nil then body[name] = read_entry(entry, value) end
  end
  return body
end

return M
