-- What one exchange costs: one process serves, another calls it with 64 in flight.
--   lua5.4 tests/bench/listener.lua [CALLS]
-- Prints calls a second, and the CPU time of each side. LUA_PATH and LUA_CPATH point to the build.
local http = require "luaprov.http"
local runtime = require "luaprov.runtime"

local calls = tonumber(arg[1]) or 50000
local body = '{"name":"acme","note":"' .. ("x"):rep(200) .. '"}'

-- The one that serves is told to end, and answers with its CPU time.
local function serve()
  local server = assert(require("luaprov.listener").new {})
  print(server:port())
  io.stdout:flush()
  local began
  local headers = { "Content-Type", "application/json" }
  local ended
  runtime.watch(server:fd(), function()
    server:run()
    for request in server.next, server do
      began = began or os.clock()
      if request.path == "/end" then
        server:answer(request.id, 200, {}, ("%.9f"):format(os.clock() - began))
        ended = true
      else
        server:answer(request.id, 201, headers, request.body)
      end
    end
    return server:timeout()
  end)
  runtime.run_until(function() return ended and server:waiting() == 0 end)
  server:run()
end

if arg[1] == "serve" then return serve() end

local interpreter = rawget(_G, "jit") and "luajit" or "lua5.4"
local server = io.popen(interpreter .. " " .. arg[0] .. " serve", "r")
local url = "http://127.0.0.1:" .. server:read("*l")

local function exchange(path)
  return assert(http.exchange { method = "POST", url = url .. path, body = body, deadline = http.now() + 30,
                                headers = { ["Content-Type"] = "application/json" } })
end

local list = {}
for i = 1, calls do list[i] = i end
local began, cpu = http.now(), os.clock()
runtime.map(list, function(i) exchange("/things/" .. i) end, { concurrency = 64 })
local seconds, ours = http.now() - began, os.clock() - cpu
local theirs = tonumber(exchange("/end").body)
server:close()

print(("%s: %d calls, 64 in flight: %.0f calls/s; CPU per call %.1f µs calling, %.1f µs serving"):format(
  interpreter, calls, calls / seconds, ours / calls * 1e6, theirs / calls * 1e6))
