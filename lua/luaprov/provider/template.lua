--- Templates of paths, URLs, headers and queries: `/customers/{tenantId}/pbxs`. What stands in square brackets,
--- `[/accounts/{account}]`, is left out when a name in it has no value.
local digits = require "luaprov.digits"

local M = {}

--- @param text string
--- @return table|nil parts with text, where nothing is to be filled in
--- @return string|nil fault
function M.parse(text)
  local parts, names = {}, {}
  local function add(into, piece)
    local at = 1
    while at <= #piece do
      local open, close, name = piece:find("{([%a_][%w_]*)}", at)
      local literal = piece:sub(at, (open or 0) - 1)
      if literal:find("[{}%[%]]") then return "a brace or bracket without its other half" end
      if literal ~= "" then into[#into + 1] = literal end
      if name then
        into[#into + 1] = { name = name }
        names[#names + 1] = name
      end
      at = (close or #piece) + 1
    end
  end
  local at = 1
  while at <= #text do
    local open, close, inner = text:find("%[([^%[%]]*)%]", at)
    local fault = add(parts, text:sub(at, (open or 0) - 1))
    if not fault and inner then
      local optional = { optional = true }
      fault = add(optional, inner)
      parts[#parts + 1] = optional
    end
    if fault then return nil, fault end
    at = (close or #text) + 1
  end
  parts.names = names
  if not parts[2] and type(parts[1] or "") == "string" then parts.text = parts[1] or "" end
  return parts
end

--- @param parts table from parse
--- @return table set of the names in it
function M.names(parts)
  local set = {}
  for _, name in ipairs(parts.names) do set[name] = true end
  return set
end

--- @param parts table from parse
--- @param lookup function name -> text as it shall stand there, or nil
--- @return string|nil text
--- @return string|nil missing the name that has no value
function M.expand(parts, lookup)
  local out = {}
  for _, part in ipairs(parts) do
    if type(part) == "string" then
      out[#out + 1] = part
    elseif part.optional then
      out[#out + 1] = M.expand(part, lookup)
    else
      local value = lookup(part.name)
      if value == nil then return nil, part.name end
      out[#out + 1] = value
    end
  end
  return table.concat(out)
end

--- What may stand for one part of a path: an id, or a parent's.
--- @param value any
--- @return string|nil text
--- @return string|nil fault
function M.path_part(value)
  if type(value) == "number" and value % 1 == 0 then value = digits(value) end
  if value == nil then return nil, "is required" end
  if type(value) ~= "string" then return nil, "must be text, not " .. type(value) end
  if value == "" then return nil, "is empty" end
  if value == "." or value == ".." then return nil, "must not be '" .. value .. "'" end
  if value:find("%c") then return nil, "has a control character" end
  return value
end

return M
