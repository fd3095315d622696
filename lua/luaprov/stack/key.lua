--- How a record is recognised: the values of its resource's key, as one text.
local digits = require "luaprov.digits"
local equal = require "luaprov.stack.equal"
local json = require "luaprov.json"
local reference = require "luaprov.stack.reference"

local M = {}

local function parts_of(description, fields, symbolic)
  local parts, some = {}, false
  for i, name in ipairs(description.key or {}) do
    local value = fields[name]
    local kind = type(value)
    if kind == "table" then
      if not symbolic or not reference.is(value) then return nil end
      value = "\1" .. reference.shown(value)
    elseif kind == "number" then
      value = digits(value)
    elseif kind == "boolean" then
      value = tostring(value)
    elseif kind ~= "string" then
      value = ""
    end
    parts[i] = value
    some = some or value ~= ""
  end
  return some and parts or nil
end

--- The key as the state has it.
--- @param description table of a resource
--- @param fields table as declared, or a record
--- @return string|nil key nil: the resource has no key, the fields nothing of it, or a part of it is secret or known
---   later
function M.of(description, fields)
  local parts = parts_of(description, fields)
  return parts and (json.encode(parts)) or nil
end

--- What two records of a manifest have in common that have one key, in one collection; what is known later goes in by
--- its name.
--- @return string|nil
function M.symbolic(description, fields)
  local parts = parts_of(description, fields, true)
  if not parts then return nil end
  for _, name in ipairs(description.shape.paths) do
    local value = fields[name]
    parts[#parts + 1] = reference.is(value) and "\1" .. reference.shown(value) or equal.text(value)
  end
  return table.concat(parts, "\0")
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
