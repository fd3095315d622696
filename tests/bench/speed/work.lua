-- The unit of work, and how a Lua client measures itself. A client is called with the vendor's URL, the number of calls
-- and how many of them at once; it prints the calls, the processor's seconds, the seconds of the clock, and the most
-- memory that it had, in kilobytes.
local M = {}

M.TOKEN = "bench-token-0123456789abcdef0123456789abcdef"

M.url, M.calls, M.at_once = arg[1], tonumber(arg[2]), tonumber(arg[3])

-- Of luaprov's own clients: a PEM file to trust, and how many connections there may be; else 128.
M.ca_file, M.connections = os.getenv "BENCH_CA", tonumber(os.getenv "BENCH_CONNECTIONS")

-- BENCH_BODY: bytes of one more field.
local note = os.getenv "BENCH_BODY" and ("x"):rep(tonumber(os.getenv "BENCH_BODY")) or nil

--- What a script makes for a call: eight fields, 300 bytes of JSON.
function M.record(i)
  return {
    name = "Support line " .. i,
    description = "The front desk of a customer in the north, open from eight to six on every working day",
    channel = "sms", callback_url = "https://hooks.customer.example/luaprov/inbound/messages", language = "en",
    priority = 5, enabled = true, external_id = "customer-000042/line-0007", note = note,
  }
end

-- os.clock is what getrusage says of the process, user and system together (clock(3)).
local function measured(run, calls, seconds)
  local cpu, wall = os.clock(), seconds()
  run(calls, M.at_once)
  return os.clock() - cpu, seconds() - wall
end

local function memory()
  for line in io.lines "/proc/self/status" do
    local kilobytes = line:match "^VmHWM:%s*(%d+)"
    if kilobytes then return kilobytes end
  end
end

--- Measures after a tenth of the calls, so that what is made once is made.
--- @param run function(calls, at_once)
--- @param seconds function -> seconds of a clock
function M.measure(run, seconds)
  run(math.max(M.at_once, math.ceil(M.calls / 10)), M.at_once)
  collectgarbage()
  local cpu, wall = measured(run, M.calls, seconds)
  print(("%d %.6f %.6f %s"):format(M.calls, cpu, wall, memory()))
end

--- Measures a call of luaprov's: one after another, or in as many tasks as calls at once. With BENCH_RATE so many a
--- second, each begun when it is due.
--- @param runtime table luaprov.runtime
--- @param call function(i)
function M.tasks(runtime, call)
  local rate = tonumber(os.getenv "BENCH_RATE")
  M.measure(function(calls, at_once)
    if at_once == 1 then
      for i = 1, calls do call(i) end
      return
    end
    local list, start = {}, runtime.now()
    for i = 1, calls do list[i] = i end
    local function due(i)
      runtime.sleep_until(start + (i - 1) / rate)
      call(i)
    end
    runtime.map(list, rate and due or call, { concurrency = at_once })
  end, runtime.now)
end

return M
