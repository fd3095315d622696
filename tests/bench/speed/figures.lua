-- What is measured once and is no ratio of calls: JSON alone, the start, memory. Each figure: name, text, value, and
-- where there is a goal wanted (text), goal, got and met.
local json = require "luaprov.json"
local programs = require "tests.bench.speed.programs"
local rounds = require "tests.bench.speed.rounds"

local M = {}

local build = os.getenv "BUILD" or "build"

local function figure(name, value, format, most)
  local met
  if most then met = value <= most end
  return { name = name, got = value, text = format:format(value), goal = most, met = met,
           wanted = most and "at most " .. format:format(most) }
end

local function json_figures(count)
  local ok, output = rounds.shell("lua5.4 tests/bench/speed/json.lua " .. count .. " 2>&1")
  local found, list = assert(ok and json.decode(output), output), {}
  for _, kind in ipairs { "decode", "encode" } do
    for _, what in ipairs { "440 bytes", "1 MB list" } do
      list[#list + 1] = figure(("JSON beside lua-cjson: %s %s"):format(kind, what), found[kind .. " " .. what], "%.2f",
        kind == "decode" and 0.8 or 1.0)
    end
  end
  return list
end

local function start_figures()
  local _, output = rounds.shell("BUILD=" .. build .. " lua5.4 tests/bench/start.lua 100 2>&1")
  local more = tonumber(output:match "luaprov takes ([+-][%d.]+) ms more")
  local function memory(command)
    local _, text = rounds.shell(command .. " -e 'for l in io.lines [[/proc/self/status]] do print(l) end'")
    return tonumber(text:match "VmHWM:%s*(%d+)") / 1024
  end
  return {
    figure("luaprov -e '', more than lua5.4 -e ''", assert(more, output), "%.2f ms", 3),
    figure("memory of luaprov -e ''", memory(build .. "/bin/luaprov"), "%.1f MB"),
    figure("memory of lua5.4 -e ''", memory "lua5.4", "%.1f MB"),
  }
end

-- What a program needs more for many at once than for one, each. The one need not wait.
local function memory_each(program, server, path, count, environment)
  local function most(url, at_once)
    local place = { url = url, at_once = at_once, calls = at_once, environment = environment }
    local result, why = rounds.run(program, place)
    return assert(result, why).kilobytes
  end
  return (most(server.url .. path, count) - most(server.url, 1)) / count
end

local function memory_figures(server, with_goals)
  local list = {}
  -- The first answer comes when all have been sent.
  local open = "env BENCH_CONNECTIONS=20000"
  local function add(count, what, program, path, environment, most)
    if with_goals and not most then return end
    local one = figure(("memory a call, %d in flight, %s"):format(count, what),
      memory_each(program, server, path, count, environment), "%.1f KB", most)
    one.tolerance = 0.05 -- it does not depend on who else works
    list[#list + 1] = one
  end
  for _, count in ipairs { 1000, 10000 } do
    local most = count == 10000 and 22 or nil
    if server.is_slow then
      local path = count > 1000 and "/after/8" or "/after/2"
      add(count, "a connection each: C", programs.limit, path)
      add(count, "a connection each: luaprov", programs.luaprov, path, open, most)
    end
    add(count, "128 connections: luaprov", programs.luaprov, "", nil, most)
  end
  return list
end

--- @param server table of server.lua
--- @param count integer rounds
--- @param with_goals boolean|nil only those that have a goal
--- @return table[] figures
function M.all(server, count, with_goals)
  local all = {}
  for _, list in ipairs { json_figures(count), start_figures(), memory_figures(server, with_goals) } do
    for _, one in ipairs(list) do
      if one.goal or not with_goals then all[#all + 1] = one end
    end
  end
  return all
end

return M
