--- Whether two values mean the same to a vendor, whatever their spelling: 465 and "465", a choice by number or by text,
--- nothing and null and "", a list without order, a GUID in either case.
local json = require "luaprov.json"
local policy = require "luaprov.policy.compare"
local secret = require "luaprov.secret"

local M = {}

--- One value that is no table, as text.
M.text = policy.text

--- Whether there is nothing: no value, null, an empty text, an empty table.
function M.is_nothing(value)
  if value == nil or value == json.null or value == "" then return true end
  return type(value) == "table" and not secret.is(value) and next(value) == nil
end

local function opened(value)
  if secret.is(value) then return value:reveal() end
  return value
end

local function equal_scalars(field, a, b)
  -- 5 and "5.0", true and "1", a GUID in another case.
  if policy.equal(a, b) then return true end
  if not field then return false end
  a, b = M.text(a), M.text(b)
  if field.type == "url" then return a:gsub("/+$", "") == b:gsub("/+$", "") end
  return false
end

-- Each item of one list stands in the other, as often.
local function equal_sets(field, a, b)
  local taken = {}
  for _, item in ipairs(a) do
    local found
    for i, other in ipairs(b) do
      if not taken[i] and M.values(field, item, other) then
        found = i
        break
      end
    end
    if not found then return false end
    taken[found] = true
  end
  return true
end

--- @param field table|nil of a provider file; nil: it says nothing
--- @param wanted any
--- @param there any of a table within a list, only what is wanted is compared: the vendor adds its own
--- @return boolean
function M.values(field, wanted, there)
  if type(wanted) ~= "table" and wanted == there then return true end
  wanted, there = opened(wanted), opened(there)
  if M.is_nothing(wanted) or M.is_nothing(there) then return M.is_nothing(wanted) and M.is_nothing(there) end
  if type(wanted) ~= "table" or type(there) ~= "table" then
    return type(wanted) ~= "table" and type(there) ~= "table" and equal_scalars(field, wanted, there)
  end
  if json.is_array(there) or wanted[1] ~= nil then
    if #wanted ~= #there then return false end
    local of = field and field.of
    if field and field.any_order then return equal_sets(of, wanted, there) end
    for i, item in ipairs(wanted) do
      if not M.values(of, item, there[i]) then return false end
    end
    return true
  end
  local shape = field and field.shape
  for name, value in pairs(wanted) do
    if not M.values(shape and shape.by_name[name], value, there[name]) then return false end
  end
  return true
end

return M
