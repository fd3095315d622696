-- How a call's price grows: with the calls in flight, with the accounts, with the bytes of its bodies.
local programs = require "tests.bench.speed.programs"
local rounds = require "tests.bench.speed.rounds"

local M = {}

local function median_cpu(program, place, count)
  local list = {}
  for i = 1, count do
    local result, why = rounds.run(program, place)
    list[i] = assert(result, why).cpu
  end
  return rounds.median(list)
end

local function point(lines, name, x, program, place, count)
  lines[name] = lines[name] or { name = name, points = {} }
  table.insert(lines[name].points, { x = x, y = median_cpu(program, place, count) })
end

local function in_flight(server, count)
  local lines = {}
  for _, n in ipairs { 1, 4, 16, 64, 256, 1000, 4000, 10000 } do
    local place = { url = server.url, at_once = n, calls = math.max(4000, n) }
    point(lines, "luaprov", n, programs.luaprov, place, count)
    place.environment = "env BENCH_CONNECTIONS=20000"
    point(lines, "luaprov, a connection each", n, programs.luaprov, place, count)
    point(lines, "C, a connection each", n, programs.limit_json, place, count)
  end
  return { name = "calls in flight", lines = { lines["luaprov"], lines["luaprov, a connection each"],
           lines["C, a connection each"] } }
end

local function accounts(server, count)
  local lines = {}
  for _, n in ipairs { 1, 10, 100, 1000 } do
    point(lines, "luaprov, 64 in flight", n, programs.luaprov,
      { url = server.url, at_once = 64, calls = 10000, environment = "env BENCH_ACCOUNTS=" .. n }, count)
  end
  return { name = "accounts", lines = { lines["luaprov, 64 in flight"] } }
end

-- Both bodies, that of the request and that of the answer.
local function bodies(server, count)
  local lines = {}
  for _, n in ipairs { 100, 1000, 10000, 100000, 1000000, 8000000 } do
    point(lines, "luaprov, 4 in flight", n, programs.luaprov, {
      url = server.url .. "/body/" .. n, at_once = 4, calls = math.max(16, math.min(3000, math.floor(2e8 / n / 20))),
      environment = "env BENCH_BODY=" .. n,
    }, count)
  end
  return { name = "bytes of the request's and of the answer's body", lines = { lines["luaprov, 4 in flight"] } }
end

--- @param server table of server.lua
--- @param count integer rounds
--- @return table[] plots name (of the x axis), lines (name, points: { x, y = microseconds a call } each)
function M.all(server, count)
  local plots = { in_flight(server, count), accounts(server, count) }
  if server.is_slow then plots[3] = bodies(server, count) end
  return plots
end

return M
