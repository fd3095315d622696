--- What is done with plain tables again and again.
local M = {}

--- @param map table
--- @return any[] keys sorted: all texts, or all numbers
function M.keys(map)
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

--- @param list table[]|nil things with names
--- @return string[] names in their order
function M.names(list)
  local names = {}
  for i, item in ipairs(list or {}) do names[i] = item.name end
  return names
end

--- @param value any
--- @return any copy a table with all tables in it, and their metatables kept; anything else as it is
function M.copy(value)
  if type(value) ~= "table" then return value end
  local into = setmetatable({}, getmetatable(value))
  for key, inner in pairs(value) do into[key] = M.copy(inner) end
  return into
end

--- @param map table
--- @return table copy of the same metatable; the tables in it are the same
function M.shallow(map)
  local into = setmetatable({}, getmetatable(map))
  for key, value in pairs(map) do into[key] = value end
  return into
end

return M
