--- The quick way of a new record: its fields checked and written as JSON in one walk, in C, where all are plain.
---
--- A form knows of most right tables at once. Of everything else (what is wrong, secrets, groups, lists, variants) it
--- says nothing: `fields.check` has to look.
local core = require "luaprov.core"
local json = require "luaprov.json"
local values = require "luaprov.provider.values"

local M = {}

local KINDS = { text = true, url = true, integer = true, boolean = true, choice = true }

-- Of which the quick way knows what is right.
local function kind_of(field)
  local is_plain = KINDS[field.type] and not (field.computed or field.path or field.pattern or field.called)
  if not is_plain or field.sent_as == "string" and field.type ~= "choice" then return "none" end
  return field.type
end

local function row_of(field)
  local label = json.encode(field.name) -- nil: it is not UTF-8
  local kind, absent = label and kind_of(field) or "none", nil
  if field.default ~= nil and kind ~= "none" then absent = json.encode((values.check(field, field.default, {}))) end
  return {
    name = field.name, label = label and label .. ":", kind = kind, values = field.values,
    min = field.min, max = field.max, absent = absent,
    -- Without a default that is known, one that is not there is for others to look at.
    required = field.required and absent == nil or field.default ~= nil and absent == nil,
  }
end

-- As json.encode orders keys: by their bytes, whatever the locale.
local function before(a, b)
  local i, x, y = 0
  repeat
    i = i + 1
    x, y = a.name:byte(i) or -1, b.name:byte(i) or -1
  until x ~= y or x < 0
  return x < y
end

-- Shape -> its form; false where there is none.
local forms = setmetatable({}, { __mode = "k", __index = function(made, shape)
  local rows = {}
  for i, field in ipairs(shape.fields) do rows[i] = row_of(field) end
  table.sort(rows, before)
  made[shape] = shape.is_flat and rows[1] ~= nil and core.json.form(rows)
  return made[shape]
end })

--- The body of a new record.
--- @param shape table
--- @param input table
--- @return string|nil body nil where `fields.check` has to look
function M.body(shape, input)
  local fill = forms[shape]
  return fill and fill(input)
end

return M
