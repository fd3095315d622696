-- The tables: what was measured, the goals beside it, and whether they are met; what is worse than it was.
local goals_of = require "tests.bench.speed.goals"
local programs = require "tests.bench.speed.programs"

local M = {}

local function line(...) print((("  %-58s %9s %9s   %s"):format(...):gsub("%s+$", ""))) end

local function verdict(judged)
  return ("%s: %.2f, %s"):format(judged.wanted, judged.got,
    judged.met and "met" or judged.failed and "NOT MET, and beyond the gate" or "NOT MET")
end

--- The clients of a section in their order, the limit first.
function M.programs_of(section)
  local list = { programs.limit }
  for _, program in ipairs(section.programs) do list[#list + 1] = program end
  return list
end

--- Prints a section.
--- @param section table of sections.lua
--- @param results table of rounds.measure
--- @return table goals name -> judged
function M.section(section, results)
  local goals = {}
  print("")
  line(section.name, "us a call", "x limit", "goal")
  for _, program in ipairs(M.programs_of(section)) do
    local name, goal = program.name, section.goals and section.goals[program.name]
    local result = results[name]
    if result.failed then
      line(name, "-", "-", "left out: " .. result.failed:match("^[^\n]*"))
    else
      goals[name] = goal and not results[programs.luaprov.name].failed and goals_of.judge(goal, results, name) or nil
      line(name, ("%.1f"):format(result.cpu), ("%.2f"):format(result.ratio), goals[name] and verdict(goals[name]) or "")
    end
  end
  return goals
end

--- The bars of a section.
function M.group(section, results)
  local group = { name = section.name }
  for _, program in ipairs(M.programs_of(section)) do
    local result = results[program.name]
    if not result.failed then
      group[#group + 1] = { name = program.name, value = result.cpu, ours = program == programs.luaprov }
    end
  end
  return group
end

--- Prints the figures.
--- @param list table[] of figures.lua
function M.figures(list)
  print("")
  line("figures", "", "", "goal")
  for _, one in ipairs(list) do
    line(one.name, one.text, "", one.wanted and one.wanted .. ": " .. (one.met and "met" or "NOT MET") or "")
  end
end

--- Prints the plots.
--- @param plots table[] of growth.lua
function M.growth(plots)
  for _, plot in ipairs(plots) do
    print("\n  us a call by " .. plot.name)
    for _, one in ipairs(plot.lines) do
      local words = {}
      for i, point in ipairs(one.points) do words[i] = ("%g: %.1f"):format(point.x, point.y) end
      print(("  %-40s %s"):format(one.name, table.concat(words, ", ")))
    end
  end
end

local ROW = "  %-74s %8s %8s %8s  %s"

--- The head of the table of what is compared.
function M.check_head() print(ROW:format("", "now", "written", "bar", "")) end

--- A row of it.
--- @param one table name, goal, written, bar, worse, why: of check.lua
function M.check(one)
  local function number(value) return value and ("%.2f"):format(value) or "-" end
  local words = one.worse and (one.goal and one.goal.gate and "BEYOND THE GATE" or "WORSE")
    or one.goal and "ok" or "left out"
  if one.goal and not one.goal.met and not one.worse then words = words .. ", the goal is not met" end
  if one.why then words = words .. ": " .. one.why:match "^[^\n]*" end
  local bar = one.goal and (one.goal.more and ">= " or "<= ") .. number(one.bar) or "-"
  print(ROW:format(one.name, number(one.goal and one.goal.got), number(one.written), bar, words))
end

return M
