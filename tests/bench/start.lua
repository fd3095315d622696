-- What a start costs: `luaprov -e ''` beside `lua5.4 -e ''`. lua5.4 tests/bench/start.lua [PAIRS]
--
-- The two run in turns, each pair in the other order than the last, so that a busy moment meets both. A start is timed
-- from before the fork to after the wait; both sides pay the same shell, which `exec`s the program.
local socket = require "socket"

local build = os.getenv("BUILD") or "build"
local pairs_of_starts = tonumber(arg[1]) or 200

local sides = {
  { name = "lua5.4 -e ''", command = "exec lua5.4 -e ''", times = {} },
  { name = "luaprov -e ''", command = "exec " .. build .. "/bin/luaprov -e ''", times = {} },
}

local function first_line(command)
  local pipe = assert(io.popen(command, "r"))
  local line = pipe:read("*l")
  pipe:close()
  return line or "?"
end

local function start(side)
  local before = socket.gettime()
  local ok = os.execute(side.command)
  local after = socket.gettime()
  assert(ok == true or ok == 0, side.command .. " failed")
  return (after - before) * 1000
end

local function at(sorted, share)
  return sorted[math.max(1, math.ceil(#sorted * share))]
end

for _, side in ipairs(sides) do start(side) end -- once before, so that both lie in the page cache
for i = 1, pairs_of_starts do
  local first = i % 2 + 1
  for _, index in ipairs { first, 3 - first } do
    local times = sides[index].times
    times[#times + 1] = start(sides[index])
  end
end

print(("start: %d pairs on %s, %s processors"):format(pairs_of_starts,
  first_line("sed -n 's/^model name.*: //p' /proc/cpuinfo"), first_line("nproc")))
print(("  %s; %s; load %s"):format(first_line("lua5.4 -v"):match("^Lua [%d.]+"),
  first_line(build .. "/bin/luaprov -v"), first_line("cut -d' ' -f1 /proc/loadavg")))
for _, side in ipairs(sides) do
  table.sort(side.times)
  side.median = at(side.times, 0.5)
  print(("  %-14s median %.2f ms, from %.2f to %.2f (5 %% and 95 %%)"):format(side.name, side.median,
    at(side.times, 0.05), at(side.times, 0.95)))
end
print(("  luaprov takes %+.2f ms more; at most 3 ms is what we want"):format(sides[2].median - sides[1].median))
