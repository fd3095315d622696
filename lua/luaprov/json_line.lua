--- A value as JSON on one line, to be printed. Names of files may be any bytes, and so may messages that tell of them:
--- what is no UTF-8, and so has no JSON form, is spelled out there.
local json = require "luaprov.json"
local texts = require "luaprov.text"

local M = {}

local function repaired(value)
  if type(value) == "string" then return texts.as_utf8(value) end
  -- Secrets and the like have their own form.
  if type(value) ~= "table" or getmetatable(value) ~= nil and not json.is_array(value) then return value end
  local copy = setmetatable({}, getmetatable(value))
  for key, inner in pairs(value) do copy[repaired(key)] = repaired(inner) end
  return copy
end

--- A value as JSON on one line. Secrets are `<secret>`.
--- @param value any
--- @return string|nil text
--- @return string|nil why it has no JSON form
function M.encode(value)
  local text, why = json.encode(value)
  if not text and why:find("not UTF-8", 1, true) then text, why = json.encode(repaired(value)) end
  -- Only strings can have what is escaped here, so it stays the same JSON.
  return text and texts.escape_unseen(text), why
end

return M
