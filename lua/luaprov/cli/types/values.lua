--- The type and the comment of one field that is no group.
local digits = require "luaprov.digits"
local notes = require "luaprov.cli.notes"
local page = require "luaprov.cli.types.page"

local M = {}

local function literal(value)
  if type(value) == "string" then return page.literal(value) end
  if type(value) == "number" then return value % 1 == 0 and digits(value) or "number" end
  return tostring(value)
end

--- Joins types, each once.
--- @param types string[]
--- @return string
function M.union(types)
  local seen, list = {}, {}
  for _, whole in ipairs(types) do
    if not seen[whole] then list[#list + 1] = whole end
    seen[whole] = true
  end
  return table.concat(list, "|")
end

local function choice(field)
  local types = {}
  for i, value in ipairs(field.value_list) do types[i] = literal(value) end
  return M.union(types)
end

--- @param field table
--- @param mode string "create", "update" or "record"
--- @return string
function M.type(field, mode)
  local as_text = field.sent_as == "string"
  if field.type == "secret" then return mode == "record" and "luaprov.Secret" or "string|luaprov.Secret" end
  if field.type == "choice" then return choice(field) end
  if field.type == "integer" or field.type == "boolean" then return field.type .. (as_text and "|string" or "") end
  if field.type == "seconds" then return "number" end
  if field.type == "proxy" then return "string|luaprov.Secret|false" end
  return "string"
end

--- The value of a selector that chooses a variant.
--- @param field table the selector
--- @param text string the value as a variant's key has it
--- @return string
function M.chosen(field, text)
  for _, value in ipairs(field.value_list or {}) do
    if tostring(value) == text then return literal(value) end
  end
  if field.type == "boolean" then return text end
  if field.type == "integer" and field.sent_as ~= "string" then return text end
  return page.literal(text)
end

local function labels(field)
  local parts = {}
  for _, value in ipairs(field.value_list or {}) do
    local label = notes.label(field, value)
    if label then parts[#parts + 1] = tostring(value) .. ": " .. label end
  end
  return parts[1] and table.concat(parts, ", ")
end

--- What is to be known of a field beside its type.
--- @param field table
--- @param mode string|nil
--- @return string
function M.comment(field, mode)
  local parts = {}
  local function add(text) if text then parts[#parts + 1] = text end end
  add(field.about)
  add(labels(field))
  if mode ~= "record" then
    add(notes.bounds(field))
    add(field.pattern and not field.about and "matches " .. field.pattern)
    if field.default ~= nil and type(field.default) ~= "table" then add("default " .. tostring(field.default)) end
    add(mode == "create" and field.fixed and "cannot change afterwards")
    add(field.path and "a part of the path")
  end
  return table.concat(parts, "; ")
end

return M
