-- What the whole bench and its check share: the vendor they run against, and how a section is measured.
local certificates = require "tests.transport.certificates"
local programs = require "tests.bench.speed.programs"
local rounds = require "tests.bench.speed.rounds"
local sections = require "tests.bench.speed.sections"
local server = require "tests.bench.speed.server"
local support = require "tests.support"

local M = {}

M.out = os.getenv "BENCH_OUT" or (os.getenv "BUILD" or "build") .. "/bench"

--- Writes a file into the folder of what comes out.
function M.write(name, text)
  local file = assert(io.open(M.out .. "/" .. name, "wb"))
  file:write(text)
  file:close()
end

--- Calls a function with the vendor and the sections, and stops the vendor, whatever came of it.
--- @param fn function(vendor, sections)
function M.with_vendor(fn)
  assert(os.execute("mkdir -p '" .. M.out .. "'"))
  local files = certificates.make()
  local root = io.popen("pwd"):read "*l"
  local vendor = server.start((M.out:sub(1, 1) == "/" and "" or root .. "/") .. M.out .. "/nginx", files)
  local ok, why = xpcall(function() return fn(vendor, sections(vendor, files.ca)) end, debug.traceback)
  vendor:stop()
  support.clean()
  if not ok then error(why, 0) end
end

local missing = {} -- name -> why, or false

local function why_missing(program)
  if missing[program.name] == nil then missing[program.name] = rounds.missing(program) or false end
  return missing[program.name]
end

--- Measures a section.
--- @param section table of sections.lua
--- @param count integer rounds
--- @param wanted function|nil program -> whether it is to be measured
--- @return table results as of rounds.measure; `failed`, too, of what is not there
function M.section(section, count, wanted)
  local there, lacking = {}, {}
  for _, program in ipairs(section.programs) do
    if not wanted or wanted(program) then
      local why = why_missing(program)
      if why then lacking[program.name] = { failed = why, missing = true } else there[#there + 1] = program end
    end
  end
  local results = rounds.measure(programs.limit, there, section.place, count)
  for name, result in pairs(lacking) do results[name] = result end
  return results
end

return M
