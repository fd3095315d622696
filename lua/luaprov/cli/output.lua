--- What a command prints: a table on a terminal, JSON lines on a pipe; errors and notes on standard error.
---
--- Whatever a vendor or a file says is shown with its control characters escaped: a terminal would obey them.
local core = require "luaprov.core"
local digits = require "luaprov.digits"
local json = require "luaprov.json"
local secret = require "luaprov.secret"
local json_line = require "luaprov.json_line"
local texts = require "luaprov.text"
local width = require "luaprov.cli.width"

local M = {}

local CELL = 60  -- columns of a cell of a list
local ROWS = 100 -- of a list that are held back to find how wide its columns are

---@class luaprov.Output
---@field json boolean JSON lines are wanted, no tables
---@field asked boolean somebody has asked for JSON, and is to get errors as JSON, too
---@field command string for messages
---@field interrupted table|nil what a Ctrl-C leaves to say: lines()
local Output = {}
Output.__index = Output

--- Adds --json and --table to a command.
function M.add_options(parser)
  parser:mutex(
    parser:flag("--json", "Print JSON, a line each, on a terminal too."),
    parser:flag("--table", "Print a table, on a pipe too."))
end

--- @param command string its name
--- @param args table json, table: what was asked for
--- @return luaprov.Output
function M.new(command, args)
  local as_json = args.json or (not args.table and not core.isatty(1))
  return setmetatable({ command = command, json = as_json and true or false, asked = args.json and true or false },
    Output)
end

--- A text without anything that a terminal would obey.
M.plain = texts.plain

--- The same, lines kept.
function M.plain_lines(text)
  local lines = {}
  for line in (text .. "\n"):gmatch("(.-)\n") do lines[#lines + 1] = M.plain(line) end
  return table.concat(lines, "\n")
end

--- Any value as JSON on one line. Secrets are `<secret>`.
M.encode = json_line.encode

--- One value for people.
function M.shown(value)
  if value == nil then return "" end
  if value == json.null then return "null" end
  if type(value) == "number" then return digits(value) end
  if type(value) == "table" and not secret.is(value) then return (M.encode(value)) or "?" end
  return M.plain(tostring(value))
end

local function pad(text, to) return text .. (" "):rep(to - width.of(text)) end

-- Thrown where standard output takes nothing more; cli.main catches it.
local Broken = { __name = "luaprov.broken_output" }

function M.is_broken(value) return getmetatable(value) == Broken end

--- Whether standard output takes nothing more because whoever reads it has seen enough.
function M.is_gone(value) return M.is_broken(value) and value.is_gone end

local EPIPE = 32

local function check(ok, why, code)
  if not ok then error(setmetatable({ message = why, is_gone = code == EPIPE }, Broken), 0) end
end

--- Writes what the buffer of standard output still has.
function M.flush() check(io.stdout:flush()) end

function Output.flush() M.flush() end

--- A line on standard output.
function Output.line(_, text) check(io.stdout:write(text, "\n")) end

-- LuaJIT does what it has compiled once more where that failed, and a second flush finds nothing to write.
local jit = rawget(_G, "jit")
if jit then
  jit.off(M.flush)
  jit.off(Output.line)
end

--- A value as a line of JSON.
function Output:value(value)
  local text, why = M.encode(value)
  if not text then error("no JSON: " .. why, 0) end
  self:line(text)
end

--- A line or several on standard error.
function Output.note(_, text) io.stderr:write("luaprov: ", M.plain_lines(text), "\n") end

--- Wrong use of the command line.
--- @return integer code the exit code
function Output:wrong(text)
  self:note(self.command .. ": " .. text)
  io.stderr:write("luaprov ", self.command, " --help shows how it is used\n")
  return 64
end

local OUTCOMES = {
  not_sent = "nothing can have happened", refused = "the vendor answered that it did not act",
  unknown = "it may have acted: look before you do it again",
}

local ERROR_FIELDS = { "kind", "message", "outcome", "provider", "resource", "operation", "status", "codes", "trace_id",
                       "retry_after", "candidates", "details" }

--- An error of a call, or of a provider file.
--- @param err luaprov.Error
--- @param as_json boolean|nil as one line of JSON
--- @return integer code the exit code
function Output:error(err, as_json)
  if not as_json then
    self:note(tostring(err))
    if err.status or err.operation then
      local trace = err.trace_id and "; trace id " .. err.trace_id or ""
      self:note("outcome " .. err.outcome .. ": " .. (OUTCOMES[err.outcome] or "") .. trace)
    end
    if err.kind == "unauthorized" and (self.credentials or "") ~= "" then
      self:note("the credentials are those of " .. self.credentials)
    end
    return 1
  end
  local copy = {}
  for _, name in ipairs(ERROR_FIELDS) do copy[name] = err[name] end
  if #err.codes == 0 then copy.codes = nil end
  local text = M.encode(copy)
  if not text then
    copy.details, copy.candidates = nil, nil
    text = M.encode(copy) or M.encode { kind = err.kind, outcome = err.outcome }
  end
  io.stderr:write(text, "\n")
  return 1
end

--- Lines in columns. One of a single cell is a heading, as wide as it is.
--- @param lines table[] lists of cells, texts that can be shown
function Output:columns(lines)
  local widths = {}
  for _, cells in ipairs(lines) do
    for i, cell in ipairs(cells) do
      if #cells > 1 then widths[i] = math.max(widths[i] or 0, width.of(cell)) end
    end
  end
  for _, cells in ipairs(lines) do
    local parts = {}
    for i, cell in ipairs(cells) do parts[i] = i == #cells and cell or pad(cell, widths[i]) end
    self:line((table.concat(parts, "  "):gsub("%s+$", "")))
  end
end

---@class luaprov.Rows a table that is printed while its rows come
local Rows = {}
Rows.__index = Rows

--- Begins a table.
--- @param columns string[]
--- @return luaprov.Rows
function Output:rows(columns)
  return setmetatable({ out = self, columns = columns, held = {}, widths = nil }, Rows)
end

local function print_row(rows, cells)
  local last = #cells
  local parts = {}
  for i, cell in ipairs(cells) do
    parts[i] = i == last and cell or pad(cell, math.max(width.of(cell), rows.widths[i]))
  end
  rows.out:line((table.concat(parts, "  "):gsub("%s+$", "")))
end

--- Adds a row.
--- @param cells string[] that can be shown
function Rows:add(cells)
  for i, cell in ipairs(cells) do cells[i] = width.cut(cell, CELL) end
  self.held[#self.held + 1] = cells
  if #self.held >= ROWS then self:flush() end
end

--- Prints what is held back.
function Rows:flush()
  if #self.held == 0 then return end
  if not self.widths then
    self.widths = {}
    table.insert(self.held, 1, self.columns)
    for _, cells in ipairs(self.held) do
      for i, cell in ipairs(cells) do self.widths[i] = math.max(self.widths[i] or 0, width.of(cell)) end
    end
  end
  for _, cells in ipairs(self.held) do print_row(self, cells) end
  self.held = {}
  self.out:flush()
end

return M
