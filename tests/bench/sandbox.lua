-- How much a sandbox carries: a sandbox in a process of its own, and a client that makes 1,000 calls a second for
-- SECONDS (60), each a create, a get, a list of one page and a delete in turn. Prints the rate, the CPU of the sandbox
-- and its memory, second by second.
--
--   BUILD=build build/bin/luaprov tests/bench/sandbox.lua [SECONDS] [RATE]
local luaprov = require "luaprov"
local core = require "luaprov.core"

local build = os.getenv("BUILD") or "build"
local seconds, rate = tonumber(arg[1]) or 60, tonumber(arg[2]) or 1000

local sandbox = assert(io.popen("echo $$; exec " .. build .. "/bin/luaprov sandbox ocamba --no-limits", "r"))
local pid = sandbox:read("*l")
local url
for line in sandbox:lines() do
  url = url or line:match("^export LUAPROV_OCAMBA_BASE_URL=(.*)$")
  if line:find("^# luaprov sandbox at ") then break end
end

local function read(path, pattern)
  local file = assert(io.open(path))
  local text = file:read("*a")
  file:close()
  return text:match(pattern)
end

-- Clock ticks of the process, 100 a second on Linux; kilobytes that are in memory.
local function cpu()
  local user, system = read("/proc/" .. pid .. "/stat", "%)" .. (" %S+"):rep(11) .. " (%d+) (%d+)")
  return (user + system) / 100
end
local function memory() return tonumber(read("/proc/" .. pid .. "/status", "VmRSS:%s+(%d+)")) end

local client = assert(luaprov.client("ocamba", { token = "sandbox-token", base_url = url, limits = false }))
local fields = { name = "bench", provider_id = "1004", settings = { api_key = "FAKE", sender_name = "bench" } }
local failed = 0

local function round()
  local record, err = client.integrations:create(fields)
  local ok = record and client.integrations:get(record.id)
  ok = ok and client.integrations:each { name = "bench" }()
  ok = ok and client.integrations:delete(record.id)
  if not ok then
    failed = failed + 1
    io.stderr:write(tostring(err), "\n")
  end
end

local batch = {}
for i = 1, math.floor(rate / 4 / 10) do batch[i] = i end

local start, calls, first = core.now(), 0, nil
print("second  calls/s  sandbox CPU  sandbox MB")
for second = 1, seconds do
  local cpu_before, calls_before = cpu(), calls
  for tenth = 1, 10 do
    luaprov.map(batch, round, { concurrency = 32 })
    calls = calls + 4 * #batch
    -- The next tenth begins when it is due: a client ahead of its rate waits.
    local due = start + (second - 1) + tenth / 10
    local left = due - core.now()
    if left > 0 then os.execute(("sleep %.3f"):format(left)) end
  end
  local now = memory()
  if second == 3 or seconds < 3 then first = now end
  if second <= 3 or second % 10 == 0 or second == seconds then
    print(("%6d  %7d  %10.0f%%  %10.1f"):format(second, calls - calls_before, (cpu() - cpu_before) * 100, now / 1024))
  end
end
local took = core.now() - start
print(("%d calls in %.1f s, %.0f a second, %d rounds failed; memory since the third second: %+.1f MB"):format(
  calls, took, calls / took, failed, (memory() - (first or memory())) / 1024))
os.execute("kill " .. pid)
sandbox:close()
