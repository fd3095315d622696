--- What is to be known of a field, in words: for `luaprov providers` and for annotations.
local values = require "luaprov.provider.values"

local M = {}

local UNITS = { text = "characters", secret = "characters", list = "items" }

--- @param field table
--- @return string|nil text its least and its most, with what they count
function M.bounds(field)
  local function counted(n) return values.counted(n, UNITS[field.type]) end
  if field.min and field.max then return values.counted(field.min) .. " to " .. counted(field.max) end
  if field.min then return "at least " .. counted(field.min) end
  if field.max then return "at most " .. counted(field.max) end
end

--- @param field table of a description
--- @param value any one of its values
--- @return string|nil label what the provider file calls it, where that says more
function M.label(field, value)
  local label = field.values and field.values[value]
  return type(label) == "string" and label ~= tostring(value) and label or nil
end

return M
