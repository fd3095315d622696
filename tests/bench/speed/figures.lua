-- What is measured once and is no ratio of calls: JSON alone, the start, memory. Each figure: name, text, value, wanted
-- and met (nil: there is no goal).
local json = require "luaprov.json"
local programs = require "tests.bench.speed.programs"
local rounds = require "tests.bench.speed.rounds"

local M = {}

local build = os.getenv "BUILD" or "build"

local function figure(name, value, format, most)
  return { name = name, value = value, text = format:format(value), wanted = most and "at most " .. format:format(most),
           met = most and value <= most or nil }
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

-- What a program needs more for many at once than for one, each.
local function memory_each(program, url, count, environment)
  local function most(at_once)
    local place = { url = url, at_once = at_once, calls = at_once, environment = environment }
    local result, why = rounds.run(program, place)
    return assert(result, why).kilobytes
  end
  return (most(count) - most(1)) / count
end

local function memory_figures(server)
  local list = {}
  for _, count in ipairs { 1000, 10000 } do
    local name = "memory a call, " .. count .. " in flight, "
    if server.is_slow then
      -- The first answer comes when all have been sent.
      local url, open = server.url .. (count > 1000 and "/after/8" or "/after/2"), "env BENCH_PER_HOST=20000"
      list[#list + 1] = figure(name .. "a connection each: C", memory_each(programs.limit, url, count), "%.1f KB")
      list[#list + 1] = figure(name .. "a connection each: luaprov", memory_each(programs.luaprov, url, count, open),
        "%.1f KB", count == 10000 and 22 or nil)
    end
    list[#list + 1] = figure(name .. "128 connections: luaprov", memory_each(programs.luaprov, server.url, count),
      "%.1f KB", count == 10000 and 22 or nil)
  end
  return list
end

--- @param server table of server.lua
--- @param count integer rounds
--- @return table[] figures
function M.all(server, count)
  local all = {}
  for _, list in ipairs { json_figures(count), start_figures(), memory_figures(server) } do
    for _, one in ipairs(list) do all[#all + 1] = one end
  end
  return all
end

return M
