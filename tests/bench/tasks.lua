-- What a task that waits costs: COUNT (10,000) tasks with a call each, over plain HTTP, to a sandbox in a process of
-- its own that answers after SECONDS (1). Prints what this process holds more than before, a task: its memory, and
-- Lua's part of it.
--
--   BUILD=build build/bin/luaprov tests/bench/tasks.lua [COUNT] [SECONDS] [PER_HOST]
--
-- The engine has at most 128 transfers to one origin in flight and keeps the rest waiting; PER_HOST is another number.
-- There is no setting for it: the engine is made here in place of the runtime. With the default not all can have been
-- answered in SECONDS, so they are cancelled when all have begun and have been looked at.
local core = require "luaprov.core"
local count, seconds, per_host = tonumber(arg[1]) or 10000, tonumber(arg[2]) or 1, tonumber(arg[3])
if per_host then
  local make = core.engine
  function core.engine() return make { per_host = per_host } end -- luacheck: ignore
end
local luaprov = require "luaprov"

local build = os.getenv("BUILD") or "build"
local faults = os.tmpname()
local file = assert(io.open(faults, "w"))
file:write(("return { { fault = 'slow', on = 'ocamba integrations get', seconds = %g } }"):format(seconds))
file:close()
local sandbox = assert(io.popen(("echo $$; exec %s/bin/luaprov sandbox ocamba --no-limits --faults %s"):format(build,
  faults)))
local pid = sandbox:read("*l")
local url
for line in sandbox:lines() do
  url = url or line:match("^export LUAPROV_OCAMBA_BASE_URL=(.*)$")
  if line:find("^# luaprov sandbox at ") then break end
end

local function memory() -- kilobytes
  local status = assert(io.open("/proc/self/status"))
  local resident = tonumber(status:read("*a"):match("VmRSS:%s+(%d+)"))
  status:close()
  return resident, collectgarbage "count"
end

local client = assert(luaprov.client("ocamba", { token = "sandbox-token", base_url = url, timeout = 120,
                                                 limits = false, attempts = 1 }))
local results = {}
local function get()
  local _, err = client.integrations:get "1"
  local kind = tostring(err and err.kind) .. " " .. tostring(err and err.outcome)
  results[kind] = (results[kind] or 0) + 1
end

-- Whatever is needed once is there.
get()
results = {}
collectgarbage()
collectgarbage()
local resident, lua = memory()

local began, ended, cancels = core.now(), 0, not per_host or per_host < count
local most, most_lua, held = 0, 0, 0
local tasks = {}
for i = 1, count do
  tasks[i] = luaprov.spawn(function()
    get()
    ended = ended + 1
  end)
end
while ended < count do
  luaprov.sleep(0.05)
  local now, now_lua = memory()
  most, most_lua = math.max(most, now), math.max(most_lua, now_lua)
  if held == 0 and core.now() - began > seconds * 0.8 then
    -- What is left when all that is no longer needed has been collected.
    collectgarbage()
    collectgarbage()
    held = select(2, memory())
  end
  if cancels and core.now() - began > 2 * seconds then
    for _, task in ipairs(tasks) do task:cancel() end
  end
end
local took = core.now() - began

print(("%d tasks, %g s, %s to the origin at once: %.1f KB a task resident (%.1f KB of it Lua, %.1f KB not "
  .. "yet collected); all ended in %.2f s"):format(count, seconds, per_host or "128 (the default)",
  (most - resident) / count, (held - lua) / count, (most_lua - held) / count, took))
for kind, number in pairs(results) do print(("  %6d %s"):format(number, kind)) end
os.execute("kill " .. pid)
sandbox:close()
os.remove(faults)
