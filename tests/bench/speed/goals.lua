-- What is wanted, beside what was measured: whether it is met, and whether it is worse than it was.
local programs = require "tests.bench.speed.programs"
local rounds = require "tests.bench.speed.rounds"

local M = {}

-- By how much a ratio may be another one in the next run, and nothing is the matter. On two processors with other work
-- the same code differed by up to 12 % to both sides. A goal may say less.
M.TOLERANCE = 0.2

local function judged(goal, got)
  goal.got = got
  goal.met = goal.more and got >= goal.goal or not goal.more and got <= goal.goal
  goal.failed = goal.gate ~= nil and got > goal.gate
  return goal
end

--- Judges a goal of a section.
--- @param goal table of sections.lua
--- @param results table of rounds.measure
--- @param name string of the client that the goal is about
--- @return table wanted (text), goal, got (numbers), more (whether more is better), gate, met, failed (beyond the gate)
function M.judge(goal, results, name)
  local ours = results[programs.luaprov.name]
  if goal.most then
    return judged({ wanted = ("at most %g"):format(goal.most), goal = goal.most, gate = goal.gate },
      results[name].ratio)
  end
  if goal.share then
    return judged({ wanted = ("what luaprov adds, at most %d %% of its call"):format(goal.share), goal = goal.share },
      100 * (1 - 1 / rounds.times_less(results[name], ours)))
  end
  return judged({ wanted = ("luaprov %g times less"):format(goal.less), goal = goal.less, more = true },
    rounds.times_less(ours, results[name]))
end

--- Beyond what a goal's figure fails: the gate where there is one; else the goal, or, as long as that is not met by
--- enough, the figure that is written down and the tolerance.
--- @param goal table gate, goal, more, tolerance
--- @param written number|nil the figure that is written down
--- @return number
function M.bar(goal, written)
  if goal.gate then return goal.gate end
  if not written then return goal.goal end
  local tolerance = goal.tolerance or M.TOLERANCE
  if goal.more then return math.min(goal.goal, written * (1 - tolerance)) end
  return math.max(goal.goal, written * (1 + tolerance))
end

--- Whether a figure is worse than its bar.
function M.is_worse(goal, bar)
  if goal.more then return goal.got < bar end
  return goal.got > bar
end

return M
