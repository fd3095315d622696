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
  local got = rounds.times_less(ours, results[name])
  return { wanted = ("luaprov %g times less"):format(goal.less), got = got, met = got >= goal.less }
end

local function line(...) print((("  %-34s %10s %10s   %s"):format(...):gsub("%s+$", ""))) end

local function verdict(judged)
  return ("%s: %.2f, %s"):format(judged.wanted, judged.got,
    judged.met and "met" or judged.failed and "NOT MET, and beyond the gate" or "NOT MET")
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
  local list = { programs.limit }
  for _, program in ipairs(section.programs) do list[#list + 1] = program end
  for _, program in ipairs(list) do
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

--- Prints one figure with a goal.
--- @param name string
--- @param text string the figure
--- @param wanted string|nil
--- @param met boolean|nil
function M.figure(name, text, wanted, met)
  line(name, text, "", wanted and ("%s: %s"):format(wanted, met and "met" or "NOT MET") or "")
end

return M
