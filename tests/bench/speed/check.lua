-- Whether a call has become slower beside libcurl in C and beside other clients than it was: `make bench-check`.
--
-- Only ratios of one run are compared. What is beyond its bar (goals.bar) is measured again, longer, before it counts.
-- ROUNDS: of the first look, 3 by default. Exits with 1 when something is worse.
local figures = require "tests.bench.speed.figures"
local goals = require "tests.bench.speed.goals"
local measure = require "tests.bench.speed.measure"
local printer = require "tests.bench.speed.print"
local programs = require "tests.bench.speed.programs"
local report = require "tests.bench.speed.report"

local ROUNDS = tonumber(os.getenv "ROUNDS") or 3
local AGAIN = 9

local kept = report.kept()

-- A row of the table. `why`: what kept it from being measured; of what is ours that is worse.
local function row(section, name, goal, why, is_ours)
  local written = report.got(kept, section, name)
  local one = { name = section and section .. ": " .. name or name, goal = goal, written = written, why = why }
  if goal then one.bar = goals.bar(goal, written) end
  one.worse = goal and goals.is_worse(goal, one.bar) or why and is_ours or false
  return one
end

local function any_worse(rows)
  for _, one in ipairs(rows) do
    if one.worse then return true end
  end
end

local function look_at_section(section, count)
  local results, rows = measure.section(section, count, function(program)
    return program == programs.luaprov or section.goals[program.name] ~= nil
  end), {}
  local ours = results[programs.luaprov.name]
  for _, program in ipairs(section.programs) do
    local goal, result = section.goals[program.name], results[program.name]
    local why = goal and (result.failed or ours.failed)
    if goal then
      local judged = not why and goals.judge(goal, results, program.name) or nil
      rows[#rows + 1] = row(section.name, program.name, judged, why, not result.missing)
    end
  end
  return rows
end

local function look_at_figures(vendor, count)
  local rows = {}
  for _, figure in ipairs(figures.all(vendor, count, true)) do
    rows[#rows + 1] = row(nil, figure.name, figure, nil, true)
  end
  return rows
end

local worse = false

local function look(name, at)
  local rows = at(ROUNDS)
  if any_worse(rows) then
    print("  " .. name .. ": a second look, in " .. AGAIN .. " rounds")
    rows = at(AGAIN)
  end
  for _, one in ipairs(rows) do printer.check(one) end
  worse = worse or any_worse(rows)
end

measure.with_vendor(function(vendor, sections)
  if not kept then print(report.FILE .. " is not there: only the goals count") end
  printer.check_head()
  for _, section in ipairs(sections) do
    if section.goals then look(section.name, function(count) return look_at_section(section, count) end) end
  end
  look("figures", function(count) return look_at_figures(vendor, count) end)
end)
print(worse and "worse than it may be" or "nothing is worse than it may be")
os.exit(worse and 1 or 0)
