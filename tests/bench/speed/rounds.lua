-- Rounds in turns, and what comes of them. A machine has busy moments: each client of each round runs beside the limit,
-- once before it and once after it in the next round, and only what two neighbours have to each other is compared.
local M = {}

local function shell(command)
  local pipe = assert(io.popen(command, "r"))
  local output = pipe:read("*a")
  local ok, how, code = pipe:close()
  return ok == true or how == "exit" and code == 0, output
end

M.shell = shell

--- @param list number[]
--- @return number
function M.median(list)
  local sorted = {}
  for i, value in ipairs(list) do sorted[i] = value end
  table.sort(sorted)
  local middle = #sorted / 2
  if #sorted % 2 == 1 then return sorted[math.ceil(middle)] end
  return (sorted[middle] + sorted[middle + 1]) / 2
end

--- Why a program cannot run here, or nil.
function M.missing(program)
  if not program.needs or shell(program.needs[1] .. " >/dev/null 2>&1") then return nil end
  return program.needs[2] .. " is not there, or does not load"
end

--- Runs a client once.
--- @param program table of programs.lua
--- @param place table url, at_once, seconds (about how long it takes) or calls, environment (text before the command)
--- @return table|nil calls, cpu (microseconds of the processor a call), rate (calls a second), kilobytes (the most
---   memory that it had, where it says so)
--- @return string|nil why
function M.run(program, place)
  local calls = place.calls or math.max(place.at_once * 2, math.ceil(place.seconds * 1e6 / program.weight))
  local ok, output = shell(("%s %s %s %d %d %s 2>&1"):format(place.environment or "", program.command, place.url, calls,
    place.at_once, program.after or ""))
  local done, cpu, seconds, kilobytes = output:match("^(%d+) ([%d.]+) ([%d.]+) ?(%d*)%s*$")
  if not ok or not done then return nil, (output:gsub("%s+$", "")) end
  return { calls = tonumber(done), cpu = tonumber(cpu) / done * 1e6, rate = done / tonumber(seconds),
           kilobytes = tonumber(kilobytes) }
end

--- Measures clients beside the limit.
--- @param limit table program
--- @param programs table[]
--- @param place table as for run
--- @param rounds integer
--- @return table results name -> cpu (median, microseconds a call), rate (median), ratio (median of the ratios to the
---   limit beside it), ratios; or failed (why)
function M.measure(limit, programs, place, rounds)
  local found, base = {}, { cpu = {}, rate = {}, ratios = { 1 } }
  for _, program in ipairs(programs) do found[program.name] = { cpu = {}, rate = {}, ratios = {} } end
  for round = 1, rounds do
    for i = 1, #programs do
      local program = programs[round % 2 == 1 and i or #programs + 1 - i]
      local result = found[program.name]
      if not result.failed then
        local before = round % 2 == 1 and assert(M.run(limit, place))
        local own, why = M.run(program, place)
        local beside = before or assert(M.run(limit, place))
        base.cpu[#base.cpu + 1], base.rate[#base.rate + 1] = beside.cpu, beside.rate
        if own then
          result.cpu[round], result.rate[round], result.ratios[round] = own.cpu, own.rate, own.cpu / beside.cpu
        else
          result.failed = why
        end
      end
    end
  end
  found[limit.name] = base
  for name, result in pairs(found) do
    if result.failed then
      found[name] = { failed = result.failed }
    else
      result.cpu, result.rate, result.ratio = M.median(result.cpu), M.median(result.rate), M.median(result.ratios)
    end
  end
  return found
end

--- How many times less one takes than another, by the rounds in which both ran.
function M.times_less(one, other)
  local list = {}
  for i, ratio in ipairs(one.ratios) do list[i] = other.ratios[i] / ratio end
  return M.median(list)
end

return M
