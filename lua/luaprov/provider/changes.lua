--- From a plain table of changes to the body of an update, as the vendor wants it.
local json = require "luaprov.json"

local M = {}

local function pointer(name) return (tostring(name):gsub("~", "~0"):gsub("/", "~1")) end

local function is_object(value)
  if type(value) ~= "table" or json.is_array(value) or next(value) == nil then return false end
  for key in pairs(value) do
    if type(key) ~= "string" then return false end
  end
  return true
end

local function patch(changes, prefix, operations)
  local names = {}
  for name in pairs(changes) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local value, path = changes[name], prefix .. "/" .. pointer(name)
    if value == json.null then
      operations[#operations + 1] = { op = "remove", path = path }
    elseif is_object(value) then
      patch(value, path, operations)
    else
      operations[#operations + 1] = { op = "replace", path = path, value = value }
    end
  end
  return operations
end

-- What the vendor has, with the changes laid over it: groups are laid over groups, all else replaces.
local function merge(whole, changes)
  for name, value in pairs(changes) do
    if value == json.null then whole[name] = nil
    elseif is_object(value) and is_object(whole[name]) then merge(whole[name], value)
    else whole[name] = value end
  end
  return whole
end

local forms = {
  changes = function(changes) return changes, "application/json" end,
  -- RFC 7396; null removes.
  merge_patch = function(changes) return changes, "application/merge-patch+json" end,
  -- RFC 6902; as application/json, which is what vendors document.
  json_patch = function(changes) return json.array(patch(changes, "", {})), "application/json" end,
  whole = function(changes, whole) return merge(whole, changes), "application/json" end,
}

--- @param form string changes, whole, merge_patch or json_patch
--- @param changes table wire values
--- @param whole table|nil for "whole": what the vendor has, as wire values
--- @return any body, string content_type
function M.body(form, changes, whole) return forms[form](changes, whole) end

return M
