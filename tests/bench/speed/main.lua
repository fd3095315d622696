-- How fast luaprov is, beside libcurl in C and beside what else Debian has: `make bench`.
--
-- ROUNDS: how many times everything is measured in turns, 7 by default. Prints a table; writes speed.json and speed.svg
-- into the folder BENCH_OUT.
local certificates = require "tests.transport.certificates"
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

local function run()
  local report = { conditions = conditions(), sections = json.array {} }
  print(("%s processors, %s, load %s; %d rounds, medians"):format(report.conditions.processors, report.conditions.model,
    report.conditions.load, ROUNDS))
  print(table.concat(report.conditions.versions, ", "))
  local sections, wanted = sections_of(vendor, files.ca), os.getenv "ONLY"
  local missing = missing_of(sections)
  for _, section in ipairs(sections) do
    if not wanted or section.name:find(wanted, 1, true) then
      local results = measured(section, missing)
      local goals = printer.section(section, results, missing)
      report.sections[#report.sections + 1] = { name = section.name, results = results, goals = goals }
    end
  end
  report.conditions.load_after = first_line "cut -d' ' -f1-3 /proc/loadavg"
  write("speed.json", json.encode(report) .. "\n")
end

local ok, why = xpcall(run, debug.traceback)
vendor:stop()
require("tests.support").clean()
if not ok then error(why, 0) end
