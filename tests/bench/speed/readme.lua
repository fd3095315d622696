-- Writes the README's table of speed from the report that is kept: `lua5.4 tests/bench/speed/readme.lua README.md`, or
-- `make bench-readme`. The table stands between two marks.
local part = require "tests.readme_part"
local report = require "tests.bench.speed.report"

local M = {}

local OPEN = "<!-- speed: written by `make bench-readme` -->\n"
local CLOSE = "<!-- end of speed -->\n"

local function verdict(goal, got)
  if not goal then return "" end
  return ("%s: %s"):format(goal.wanted, goal.met and got .. "met" or "**" .. got .. "not met**")
end

local function number(value) return value < 10 and ("%.2f"):format(value) or ("%d"):format(math.floor(value + 0.5)) end

-- What is beside the limit is said by the row itself.
local function goal_of(row)
  local goal = row.goal
  return verdict(goal, goal and goal.got ~= row.ratio and number(goal.got) .. ", " or "")
end

local function add_section(lines, section)
  lines[#lines + 1] = ("| **%s** | | | |"):format(section.name)
  for _, row in ipairs(section.rows) do
    if row.ratio then
      lines[#lines + 1] = ("| %s | %.1f | %s | %s |"):format(row.name, row.cpu, number(row.ratio), goal_of(row))
    end
  end
end

local function add_figures(lines, figures)
  lines[#lines + 1] = "\n| | | goal |\n|---|---|---|"
  for _, figure in ipairs(figures) do
    lines[#lines + 1] = ("| %s | %s | %s |"):format(figure.name, figure.text, verdict(figure.wanted and figure, ""))
  end
end

local function add_growth(lines, plots)
  for _, plot in ipairs(plots) do
    local head, rule = { "µs a call by " .. plot.name }, { "---" }
    for _, point in ipairs(plot.lines[1].points) do
      head[#head + 1], rule[#rule + 1] = ("%d"):format(point.x), "---"
    end
    lines[#lines + 1] = "\n| " .. table.concat(head, " | ") .. " |\n|" .. table.concat(rule, "|") .. "|"
    for _, line in ipairs(plot.lines) do
      local cells = { line.name }
      for _, point in ipairs(line.points) do cells[#cells + 1] = ("%d"):format(math.floor(point.y + 0.5)) end
      lines[#lines + 1] = "| " .. table.concat(cells, " | ") .. " |"
    end
  end
end

local function count_goals(kept)
  local met, all = 0, 0
  local function add(goal)
    if goal and goal.wanted then all, met = all + 1, met + (goal.met and 1 or 0) end
  end
  for _, section in ipairs(kept.sections) do
    for _, row in ipairs(section.rows) do add(row.goal) end
  end
  for _, one in ipairs(kept.figures) do add(one) end
  return met, all
end

--- What stands between the marks.
--- @param kept table a report
--- @return string
function M.table(kept)
  local at, met, all = kept.conditions, count_goals(kept)
  local lines = {
    ("%s processors (%s), %s; %d rounds, medians; load %s before and %s after. %s."):format(at.processors, at.model,
      at.at:match "^[%d-]+", at.rounds, at.load:match "^%S+", at.load_after:match "^%S+",
      table.concat(at.versions, ", ")),
    ("%d of %d goals are met."):format(met, all),
    "", "| µs of the processor a call | | times the limit | goal |", "|---|---|---|---|",
  }
  for _, section in ipairs(kept.sections) do add_section(lines, section) end
  add_figures(lines, kept.figures)
  add_growth(lines, kept.growth)
  return table.concat(lines, "\n") .. "\n"
end

--- The table that a README has.
function M.of(text) return part.of(text, OPEN, CLOSE) end

local function write(path)
  local kept = report.kept()
  if not kept then error(report.FILE .. " is not there: `make bench RENEW=1` writes it", 0) end
  part.write(path, OPEN, CLOSE, M.table(kept))
end

if arg and arg[0] and arg[0]:find "speed/readme%.lua$" then write(arg[1]) end

return M
