-- How fast luaprov is, beside libcurl in C and beside what else Debian has: `make bench`.
--
-- ROUNDS: how many times everything is measured in turns, 7 by default. ONLY: the sections whose names have these
-- words; "figures" and "growth" are two. Prints a table; writes speed.json, speed.svg and growth.svg into the folder
-- BENCH_OUT, and with RENEW=1 to where they are kept (report.lua).
local chart = require "tests.bench.speed.chart"
local figures = require "tests.bench.speed.figures"
local growth = require "tests.bench.speed.growth"
local json = require "luaprov.json"
local measure = require "tests.bench.speed.measure"
local printer = require "tests.bench.speed.print"
local reports = require "tests.bench.speed.report"
local rounds = require "tests.bench.speed.rounds"

local ROUNDS = tonumber(os.getenv "ROUNDS") or 7
local ONLY, RENEW = os.getenv "ONLY" or "", os.getenv "RENEW"
if RENEW and ONLY ~= "" then
  io.stderr:write("RENEW keeps a whole run: not with ONLY\n")
  os.exit(64)
end

local function first_line(command)
  local _, output = rounds.shell(command)
  return output:match("^[^\n]*")
end

local VERSIONS = {
  "curl -V 2>/dev/null | cut -d' ' -f4", "nginx -v 2>&1 | sed 's/.*: //'", "lua5.4 -v | cut -d' ' -f1-2",
  "luajit -v 2>/dev/null | cut -d' ' -f1-2", "node -v 2>/dev/null | sed 's/^/node /'",
  "/usr/bin/python3 -V 2>/dev/null",
}

local function conditions()
  local versions = json.array {}
  for _, command in ipairs(VERSIONS) do
    local version = first_line(command)
    if version ~= "" then versions[#versions + 1] = version end
  end
  return {
    processors = first_line "nproc", model = first_line "sed -n 's/^model name.*: //p' /proc/cpuinfo",
    load = first_line "cut -d' ' -f1-3 /proc/loadavg", rounds = ROUNDS, at = os.date "!%Y-%m-%dT%H:%M:%SZ",
    versions = versions,
  }
end

local function is_wanted(name) return name:find(ONLY, 1, true) end

local function measure_sections(sections, report)
  local charted = {}
  for _, section in ipairs(sections) do
    if is_wanted(section.name) then
      local results = measure.section(section, ROUNDS)
      local goals = printer.section(section, results)
      report.sections[#report.sections + 1] = reports.section(section, results, goals)
      charted[#charted + 1] = section.charted and printer.group(section, results) or nil
    end
  end
  if charted[1] then measure.write("speed.svg", chart.bars(charted, "microseconds of the processor a call")) end
end

local function keep()
  for _, name in ipairs { "speed.json", "speed.svg", "growth.svg" } do
    local kept = name == "speed.json" and reports.FILE or reports.FOLDER .. "/" .. name
    assert(os.execute(("cp '%s/%s' '%s'"):format(measure.out, name, kept)))
  end
  print(reports.FILE .. " and the charts beside it are these now; `make bench-readme` shows them")
end

local function run(vendor, sections)
  local report = { conditions = conditions(), sections = json.array {} }
  print(("%s processors, %s, load %s; %d rounds, medians"):format(report.conditions.processors, report.conditions.model,
    report.conditions.load, ROUNDS))
  print(table.concat(report.conditions.versions, ", "))
  measure_sections(sections, report)
  if is_wanted "figures" then
    report.figures = figures.all(vendor, ROUNDS)
    printer.figures(report.figures)
  end
  if is_wanted "growth" then
    report.growth = growth.all(vendor, math.min(3, ROUNDS))
    printer.growth(report.growth)
    measure.write("growth.svg", chart.lines(report.growth, "microseconds of the processor a call"))
  end
  report.conditions.load_after = first_line "cut -d' ' -f1-3 /proc/loadavg"
  print("\nload " .. report.conditions.load_after .. " at the end; " .. measure.out .. " has it as JSON and SVG")
  measure.write("speed.json", reports.text(report))
end

measure.with_vendor(run)
if RENEW then keep() end
