--- Lua text of values, exact: read again by a manifest it is the same value.
local json = require "luaprov.json"
local tables = require "luaprov.tables"
local texts = require "luaprov.text"

local M = {}

local NAMES = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ['"'] = '\\"', ["\\"] = "\\\\" }

-- Three digits: a digit may follow.
local function escaped(bytes) return (bytes:gsub(".", function(c) return ("\\%03d"):format(c:byte()) end)) end

--- A string. What a terminal would obey, or nobody could see, is escaped byte by byte; LuaJIT's patterns know no NUL.
--- @param value string
--- @return string
function M.text(value)
  local out = value:gsub('[%c"\\]', function(c) return NAMES[c] or escaped(c) end)
  if not texts.is_utf8(value) then
    out = out:gsub("[\128-\255]", escaped)
  elseif out:find("[\128-\255]") then
    out = out:gsub("\194[\128-\159]", escaped):gsub("\226\128[\142\143\168-\174]", escaped)
      :gsub("\226\129[\166-\169]", escaped)
  end
  return '"' .. out .. '"'
end

local RESERVED = {}
for word in ("and break do else elseif end false for function goto if in local nil not or repeat return then true "
  .. "until while"):gmatch("%a+") do RESERVED[word] = true end

--- Whether a text is a name in Lua: of 5.1, LuaJIT and 5.4.
--- @param text string
--- @return boolean
function M.is_name(text) return text:find("^[%a_][%w_]*$") ~= nil and not RESERVED[text] end

--- A field of something: `.name`, or `["a b"]`.
function M.field(name) return M.is_name(name) and "." .. name or "[" .. M.text(name) .. "]" end

--- A key in a table.
function M.key(name) return M.is_name(name) and name or "[" .. M.text(name) .. "]" end

--- A number; a float stays one.
--- @param value number
--- @return string
function M.number(value)
  if math.type and math.type(value) == "integer" then
    -- The least one's digits alone are a float's.
    return value == math.mininteger and "math.mininteger" or ("%d"):format(value)
  end
  for digits = 14, 17 do
    local text = ("%%.%dg"):format(digits):format(value)
    if tonumber(text) == value then
      return (math.type and not text:find("[.eEn]")) and text .. ".0" or text
    end
  end
  error("there is no number for " .. tostring(value), 2)
end

--- Any value that JSON has.
--- @param value any
--- @return string|nil text nil for what is none
function M.value(value)
  local kind = type(value)
  if value == json.null then return "null" end
  if kind == "string" then return M.text(value) end
  if kind == "number" then return M.number(value) end
  if kind == "boolean" then return tostring(value) end
  if kind ~= "table" or getmetatable(value) ~= nil and not json.is_array(value) then return nil end
  local parts = {}
  if json.is_array(value) or value[1] ~= nil then
    for i = 1, #value do
      parts[i] = M.value(value[i])
      if not parts[i] then return nil end
    end
  else
    for i, name in ipairs(tables.keys(value)) do
      local inner = M.value(value[name])
      if not inner then return nil end
      parts[i] = M.key(name) .. " = " .. inner
    end
  end
  return parts[1] and "{ " .. table.concat(parts, ", ") .. " }" or "{}"
end

return M
