-- The table: what was measured, the goals beside it, and whether they are met.
local programs = require "tests.bench.speed.programs"
local rounds = require "tests.bench.speed.rounds"

local M = {}

--- Judges a goal.
--- @param goal table of sections.lua
--- @param results table of rounds.measure
--- @param name string of the client that the goal is about
--- @return table wanted (text), got (number), met (boolean), failed (beyond the gate)
function M.judge(goal, results, name)
  local ours = results[programs.luaprov.name]
  if goal.most then
    local got = results[name].ratio
    return { wanted = ("at most %g"):format(goal.most), got = got, met = got <= goal.most,
             failed = goal.gate ~= nil and got > goal.gate }
  end
  if goal.share then
    local got = 100 * (1 - 1 / rounds.times_less(results[name], ours))
    return { wanted = ("what luaprov adds, at most %d %% of its call"):format(goal.share), got = got,
             met = got <= goal.share }
  end
  local got = rounds.times_less(ours, results[name])
  return { wanted = ("luaprov %g times less"):format(goal.less), got = got, met = got >= goal.less }
end

local function line(...) print((("  %-58s %9s %9s   %s"):format(...):gsub("%s+$", ""))) end

local function verdict(judged)
  return ("%s: %.2f, %s"):format(judged.wanted, judged.got,
    judged.met and "met" or judged.failed and "NOT MET, and beyond the gate" or "NOT MET")
end

local function programs_of(section)
  local list = { programs.limit }
  for _, program in ipairs(section.programs) do list[#list + 1] = program end
  return list
end

--- Prints a section.
--- @param section table of sections.lua
--- @param results table of rounds.measure
--- @param missing table name -> why it is left out
--- @return table goals name -> judged
function M.section(section, results, missing)
  local goals = {}
  print("")
  line(section.name, "us a call", "x limit", "goal")
  for _, program in ipairs(programs_of(section)) do
    local name, goal = program.name, section.goals and section.goals[program.name]
    local result = results[name]
    if missing[name] or result.failed then
      line(name, "-", "-", "left out: " .. (missing[name] or result.failed:match("^[^\n]*")))
    else
      goals[name] = goal and not results[programs.luaprov.name].failed and M.judge(goal, results, name) or nil
      line(name, ("%.1f"):format(result.cpu), ("%.2f"):format(result.ratio), goals[name] and verdict(goals[name]) or "")
    end
  end
  return goals
end

--- The bars of a section.
function M.group(section, results, missing)
  local group = { name = section.name }
  for _, program in ipairs(programs_of(section)) do
    local result = results[program.name]
    if not missing[program.name] and not result.failed then
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

return M
