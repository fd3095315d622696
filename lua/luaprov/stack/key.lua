--- How a record is recognised: the values of its resource's key, as one text.
local digits = require "luaprov.provider.digits"
local json = require "luaprov.json"
local reference = require "luaprov.stack.reference"
local secret = require "luaprov.secret"

local M = {}

--- @param description table of a resource
--- @param fields table as declared, or a record
--- @param symbolic boolean|nil what is known later goes in by its name; without, there is no key then
--- @return string|nil key nil: the resource has no key, the fields nothing of it, or it cannot be told
function M.of(description, fields, symbolic)
  local parts, some = {}, false
  for i, name in ipairs(description.key or {}) do
    local value = fields[name]
    if secret.is(value) then return nil end
    if reference.is(value) then
      if not symbolic then return nil end
      value = "\1" .. reference.shown(value)
    end
    if type(value) == "number" then value = digits(value) end
    if type(value) == "boolean" then value = tostring(value) end
    parts[i] = type(value) == "string" and value or ""
    some = some or parts[i] ~= ""
  end
  if not some then return nil end
  return (json.encode(json.array(parts)))
end

--- For people: name "Acme".
function M.shown(description, fields)
  local out = {}
  for _, name in ipairs(description.key or {}) do
    local value = fields[name]
    if reference.is(value) then value = reference.shown(value) end
    if value ~= nil then out[#out + 1] = name .. " " .. (json.encode(value) or "?") end
  end
  return table.concat(out, ", ")
end

return M
