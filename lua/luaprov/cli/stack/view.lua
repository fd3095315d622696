--- What the state has, for people and as objects.
local output = require "luaprov.cli.output"
local json = require "luaprov.json"
local near = require "luaprov.near"
local open = require "luaprov.cli.stack.open"
local records = require "luaprov.cli.records"
local say = require "luaprov.cli.stack.say"
local tables = require "luaprov.tables"

local M = {}

local function time(seconds) return os.date("!%Y-%m-%d %H:%M:%S UTC", math.floor(seconds)) end

-- Of a secret there are hashes: not even those are shown.
local function object(row)
  return {
    address = row.address, provider = row.provider, resource = row.resource, id = row.id, base_url = row.base_url,
    parents = row.parents, depends_on = row.depends_on and json.array(row.depends_on), protect = row.protect,
    fields = row.fields, hidden = row.secrets and next(row.secrets) and json.array(tables.keys(row.secrets)) or nil,
    created = time(row.created), updated = time(row.updated),
  }
end

local ABOUT = { "id", "base_url", "parents", "depends_on", "protect", "hidden", "created", "updated" }

--- Prints one record.
--- @param out luaprov.Output
--- @param row table of the store
function M.record(out, row)
  local shown = object(row)
  if out.json then return out:value(shown) end
  out:line(output.plain(row.address))
  local lines = {}
  for _, name in ipairs(ABOUT) do
    if shown[name] ~= nil then lines[#lines + 1] = { "  " .. name, output.shown(shown[name]) } end
  end
  out:columns(lines)
  if next(row.fields or {}) == nil then return end
  out:line "  fields"
  local fields = {}
  for i, line in ipairs(records.lines(row.fields)) do fields[i] = { "    " .. line[1], line[2] } end
  out:columns(fields)
end

--- One record of the state; or an exit code.
--- @param work luaprov.Work
--- @param address string
function M.find(work, address)
  local row, err = work.store:record(address)
  if row then return row end
  if err then return nil, say.error(work.out, open.placed(work.args, err)) end
  local rows
  rows, err = work:rows()
  if not rows then return nil, say.error(work.out, err) end
  local names = {}
  for i, other in ipairs(rows) do names[i] = other.address end
  return nil, say.no(work.out, "the state has no record " .. address .. near.hint(address, names, 5))
end

--- `show` and `state show`.
--- @return integer code the exit code
function M.show(args, out, address)
  local work, code = open.state(args, out)
  if not work then return code end
  if address then
    local row
    row, code = M.find(work, address)
    if row then M.record(out, row) end
    work:close()
    return code or 0
  end
  local rows, err = work:rows()
  work:close()
  if not rows then return say.error(out, err) end
  for i, row in ipairs(rows) do
    if i > 1 and not out.json then out:line "" end
    M.record(out, row)
  end
  return 0
end

-- Rows, and what was begun and has no end, by their addresses: { about (a row or an intent), row, intent }.
local function together(rows, intents)
  local begun, entries = {}, {}
  for _, intent in ipairs(intents) do
    begun[intent.address] = begun[intent.address] or {}
    table.insert(begun[intent.address], intent)
  end
  for _, row in ipairs(rows) do
    local first = table.remove(begun[row.address] or {}, 1)
    entries[#entries + 1] = { about = row, row = row, intent = first, number = #entries }
  end
  for _, address in ipairs(tables.keys(begun)) do
    for _, intent in ipairs(begun[address]) do
      entries[#entries + 1] = { about = intent, intent = intent, number = #entries }
    end
  end
  table.sort(entries, function(a, b)
    if a.about.address ~= b.about.address then return a.about.address < b.about.address end
    return a.number < b.number
  end)
  return entries
end

--- Prints a list.
--- @param out luaprov.Output
--- @param rows table[]
--- @param intents table[] open ones
function M.list(out, rows, intents)
  local list = not out.json and out:rows { "address", "id", "updated", intents[1] and "open" or nil }
  for _, entry in ipairs(together(rows, intents)) do
    local about, row, intent = entry.about, entry.row, entry.intent
    if list then
      list:add {
        output.plain(about.address), row and row.id ~= nil and say.id(row.id) or "", row and time(row.updated) or "",
        intent and ("%s, not settled, of %s"):format(intent.operation, time(intent.written)) or nil,
      }
    else
      out:value { address = about.address, provider = about.provider, resource = about.resource, id = row and row.id,
                  open = intent and intent.operation, since = intent and time(intent.written) }
    end
  end
  if list then list:flush() end
end

return M
