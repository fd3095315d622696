-- How fast luaprov is, beside libcurl in C and beside what else Debian has: `make bench`.
--
-- ROUNDS: how many times everything is measured in turns, 7 by default. ONLY: the sections whose names have these
-- words; "figures" and "growth" are two. Prints a table; writes speed.json, speed.svg and growth.svg into the folder
-- BENCH_OUT.
local certificates = require "tests.transport.certificates"
local chart = require "tests.bench.speed.chart"
local figures = require "tests.bench.speed.figures"
local growth = require "tests.bench.speed.growth"
local json = require "luaprov.json"
local printer = require "tests.bench.speed.print"
local rounds = require "tests.bench.speed.rounds"
local sections_of = require "tests.bench.speed.sections"
local programs = require "tests.bench.speed.programs"
local server = require "tests.bench.speed.server"

local ROUNDS = tonumber(os.getenv "ROUNDS") or 7
local root = io.popen("pwd"):read("*l")
local out = os.getenv "BENCH_OUT" or (os.getenv "BUILD" or "build") .. "/bench"

local function first_line(command)
  local _, output = rounds.shell(command)
  return output:match("^[^\n]*")
end

local function conditions()
  return {
    processors = first_line "nproc", model = first_line "sed -n 's/^model name.*: //p' /proc/cpuinfo",
    load = first_line "cut -d' ' -f1-3 /proc/loadavg", rounds = ROUNDS, at = os.date "!%Y-%m-%dT%H:%M:%SZ",
    versions = {
      first_line "curl -V | cut -d' ' -f1-4", first_line "nginx -v 2>&1", first_line "lua5.4 -v | cut -d' ' -f1-2",
      first_line "luajit -v 2>/dev/null | cut -d' ' -f1-2", "node " .. first_line "node -v 2>/dev/null",
      first_line "/usr/bin/python3 -V",
    },
  }
end

local function missing_of(sections)
  local missing = {}
  for _, section in ipairs(sections) do
    for _, program in ipairs(section.programs) do missing[program.name] = rounds.missing(program) end
  end
  return missing
end

local function measured(section, missing)
  local there = {}
  for _, program in ipairs(section.programs) do
    if not missing[program.name] then there[#there + 1] = program end
  end
  return rounds.measure(programs.limit, there, section.place, ROUNDS)
end

local function write(name, text)
  local file = assert(io.open(out .. "/" .. name, "wb"))
  file:write(text)
  file:close()
end

assert(os.execute("mkdir -p '" .. out .. "'"))
local files = certificates.make()
local vendor = server.start(root .. "/" .. out .. "/nginx", files)

local function is_wanted(name) return name:find(os.getenv "ONLY" or "", 1, true) end

local function measure_sections(report)
  local sections, charted = sections_of(vendor, files.ca), {}
  local missing = missing_of(sections)
  for _, section in ipairs(sections) do
    if is_wanted(section.name) then
      local results = measured(section, missing)
      local goals = printer.section(section, results, missing)
      report.sections[#report.sections + 1] = { name = section.name, results = results, goals = goals }
      charted[#charted + 1] = section.charted and printer.group(section, results, missing) or nil
    end
  end
  if charted[1] then write("speed.svg", chart.bars(charted, "microseconds of the processor a call")) end
end

local function run()
  local report = { conditions = conditions(), sections = json.array {} }
  print(("%s processors, %s, load %s; %d rounds, medians"):format(report.conditions.processors, report.conditions.model,
    report.conditions.load, ROUNDS))
  print(table.concat(report.conditions.versions, ", "))
  measure_sections(report)
  if is_wanted "figures" then
    report.figures = figures.all(vendor, ROUNDS)
    printer.figures(report.figures)
  end
  if is_wanted "growth" then
    report.growth = growth.all(vendor, math.min(3, ROUNDS))
    printer.growth(report.growth)
    write("growth.svg", chart.lines(report.growth, "microseconds of the processor a call"))
  end
  report.conditions.load_after = first_line "cut -d' ' -f1-3 /proc/loadavg"
  print("\nload " .. report.conditions.load_after .. " at the end; " .. out .. " has it as JSON and SVG")
  write("speed.json", assert(json.encode(report)) .. "\n")
end

local ok, why = xpcall(run, debug.traceback)
vendor:stop()
require("tests.support").clean()
if not ok then error(why, 0) end
