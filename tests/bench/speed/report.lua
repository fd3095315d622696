-- What a run found, as it is written: conditions, sections with their rows, figures, growth. The one that is kept lies
-- beside this file: `make bench RENEW=1` writes it, the README shows it, `make bench-check` compares with it.
local json = require "luaprov.json"
local printer = require "tests.bench.speed.print"

local M = {}

M.FOLDER = "tests/bench/speed"
M.FILE = M.FOLDER .. "/measured.json"

-- As it is shown: Lua and LuaJIT round what lies in the middle to different sides.
local function rounded(value) return tonumber((value < 10 and "%.2f" or "%.0f"):format(value)) end

--- A section.
--- @param section table of sections.lua
--- @param results table of measure.section
--- @param goals table name -> as of goals.judge
--- @return table name, rows: name and cpu (microseconds), ratio (to the limit), goal: wanted, got, met; or why not
function M.section(section, results, goals)
  local rows = json.array {}
  for i, program in ipairs(printer.programs_of(section)) do
    local result, goal = results[program.name], goals[program.name]
    rows[i] = { name = program.name, why = result.failed and result.failed:match "^[^\n]*" }
    if not result.failed then
      rows[i].cpu, rows[i].ratio = tonumber(("%.1f"):format(result.cpu)), rounded(result.ratio)
    end
    if goal then rows[i].goal = { wanted = goal.wanted, got = rounded(goal.got), met = goal.met } end
  end
  return { name = section.name, rows = rows }
end

--- A report as text, a line for each of its parts, so that a change is seen where it is.
function M.text(report) return (assert(json.encode(report)):gsub(",{", ",\n{")) .. "\n" end

--- The report that is kept.
--- @return table|nil
function M.kept()
  local file = io.open(M.FILE, "rb")
  if not file then return nil end
  local text = file:read "*a"
  file:close()
  return assert(json.decode(text))
end

--- The figure that a report has for the goal of a client in a section, or for a figure.
--- @param report table|nil
--- @param section string|nil
--- @param name string
--- @return number|nil
function M.got(report, section, name)
  for _, one in ipairs(report and report.sections or {}) do
    for _, row in ipairs(one.name == section and one.rows or {}) do
      if row.name == name and row.goal then return row.goal.got end
    end
  end
  for _, figure in ipairs(not section and report and report.figures or {}) do
    if figure.name == name then return figure.got end
  end
end

return M
