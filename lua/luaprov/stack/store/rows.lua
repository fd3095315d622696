--- Records and intents, as rows of the tables of schema.lua. No text of JSON shows a secret: its encoder writes
--- `<secret>`.
local core = require "luaprov.core"
local errors = require "luaprov.stack.store.errors"
local json = require "luaprov.json"

local M = {}

local cells, characters = core.json.cells, core.json.characters

-- name, kind; a name with `!` must be there. `json` may be anything that JSON can be, `fields` a table, or a text of
-- JSON already. `cells` is for core.json.cells.
local function columns(list)
  local out = { cells = {} }
  for i, words in ipairs(list) do
    local name, needed, kind = words:match("^([%w_]+)(!?) (%w+)$")
    out[i] = { name = name, needed = needed == "!", kind = kind }
    out.cells[2 * i - 1], out.cells[2 * i] = name, needed == "!" and needed or kind
  end
  return out
end

M.record = columns {
  "address! text", "provider! text", "resource! text", "id json", "base_url text", "account text", "key json",
  "parents json", "fields fields", "secrets fields", "depends_on json", "protect json",
}

M.intent = columns {
  "id! text", "address! text", "provider! text", "resource! text", "operation! text", "record_id json",
  "base_url text", "account text", "key json", "parents json", "fields fields", "hash text", "noted json",
}

--- A text, or why it is none that both databases keep.
--- @param value any
--- @return string|nil why
function M.text_fault(value)
  if type(value) ~= "string" then return "is no text" end
  if not characters(value) then return "is not UTF-8" end
end

-- Why a value may not stand in a column.
local function cell_fault(column, value)
  if value == nil then return "is missing" end
  if column.kind ~= "text" then return "has no JSON form: " .. tostring(select(2, json.encode(value))) end
  return value == "" and "is empty" or M.text_fault(value)
end

--- The values of a row, in the order of the columns.
--- @param list table M.record or M.intent
--- @param from table
--- @param what string for messages
--- @param first integer place of the first
--- @return table|nil values
--- @return luaprov.StoreError|nil err
function M.values(list, from, what, first)
  local values, number = cells(list.cells, from, first)
  if values then return values end
  local column = list[number]
  return nil, errors.new("invalid", ("%s: %s %s"):format(what, column.name, cell_fault(column, from[column.name])))
end

--- A text of JSON that a row has, as a value.
--- @param row table
--- @param name string of the column
--- @return any value
function M.decoded(row, name)
  local value, why = json.decode(row[name])
  if value ~= nil then return value end
  error(errors.new("corrupt", ("the state has no JSON in %s of %s: %s"):format(name, tostring(row.address), why),
    { address = row.address }), 0)
end

--- A row as the table that it was.
--- @param list table M.record or M.intent
--- @param row table gets its JSON decoded
--- @param texts table|nil set of columns that stay texts
--- @return table row
function M.read(list, row, texts)
  for _, column in ipairs(list) do
    if column.kind ~= "text" and row[column.name] ~= nil and not (texts and texts[column.name]) then
      row[column.name] = M.decoded(row, column.name)
    end
  end
  return row
end

--- The names of columns, and as many parameters from `first` on, as SQL.
--- @param list table
--- @param first integer
--- @return string names, string parameters
function M.sql(list, first)
  local names, parameters = {}, {}
  for i, column in ipairs(list) do
    names[i], parameters[i] = column.name, "?" .. first + i - 1
  end
  return table.concat(names, ", "), table.concat(parameters, ", ")
end

return M
