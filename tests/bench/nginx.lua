-- What luaprov costs an nginx worker, beside a client written by hand on cosockets: tests/bench/nginx.lua [SECONDS]
-- SECONDS: how long the soak lasts, 60 by default.
local certificates = require "tests.transport.certificates"
local http = require "luaprov.http"
local socket = require "socket"
local support = require "tests.support"
local worker = require "tests.nginx.worker"

local SOAK = tonumber(arg[1]) or 60

local ANSWER = [[201 '{"id":"7","name":"thing","createdAt":"2026-01-01T00:00:00Z","status":"active"}';]]
-- What vendors send, too.
local HEADERS = [[
      add_header X-Request-Id $request_id always; add_header Cache-Control "no-store, no-cache" always;
      add_header Strict-Transport-Security "max-age=31536000; includeSubDomains" always;
      add_header X-Content-Type-Options nosniff always; add_header X-Frame-Options DENY always;
      add_header Vary "Accept-Encoding, Origin" always; add_header X-RateLimit-Remaining 148 always;]]

local files = certificates.make()

local function free_port()
  local held = assert(socket.bind("127.0.0.1", 0))
  local port = select(2, held:getsockname())
  held:close()
  return port
end

local tls_port = free_port()
local vendor = worker.start {
  http = ([[
  server {
    listen 127.0.0.1:%d ssl; ssl_certificate %s; ssl_certificate_key %s;
    location = /things { default_type application/json;
%s
      return %s }
  }]]):format(tls_port, files.good, files.good_key, HEADERS, ANSWER),
  server = ([[
    location = /things { default_type application/json; return %s }
    location = /slow/things {
      default_type application/json;
      content_by_lua_block {
        ngx.sleep(0.2) ngx.status = 201 ngx.header.content_length = 25 ngx.print '{"id":"7","name":"thing"}'
      }
    }
    location /things/ {
      keepalive_timeout 1s; content_by_lua_block { require("tests.bench.nginx.clients").faults() }
    }]]):format(ANSWER),
}

local function start()
  return worker.start {
    environment = { BENCH_CA = files.ca }, http = "  lua_ssl_trusted_certificate " .. files.ca .. ";",
    server = [[
    location = /run { content_by_lua_block { require("tests.bench.nginx.clients").run() } }
    location = /soak { content_by_lua_block { require("tests.bench.nginx.clients").soak() } }
    location = /rest { content_by_lua_block { require("tests.bench.nginx.clients").rest() } }]],
  }
end

local function first_line(command) return io.popen(command):read("*l") or "?" end

local function print_machine()
  print("machine: " .. first_line "nproc" .. " x" .. first_line "sed -n 's/^model name.*:/ /p' /proc/cpuinfo"
    .. ", load " .. first_line "cut -d' ' -f1-3 /proc/loadavg" .. ", " .. first_line "nginx -v 2>&1")
end

local function median(list)
  local sorted = {}
  for i, value in ipairs(list) do sorted[i] = value end
  table.sort(sorted)
  return sorted[math.floor((#sorted + 1) / 2)]
end

local function percentile(list, part)
  table.sort(list)
  return list[math.max(1, math.ceil(part * #list))]
end

-- What two have measured in turn, so that whatever else the machine does strikes both alike: the median of the ratios.
local function ratio(ours, others)
  local list = {}
  for i, value in ipairs(ours) do list[i] = value / others[i] end
  return median(list)
end

local function measured(said)
  local time, rate = said:match "^(%S+) (%S+)$"
  return assert(tonumber(time), said), tonumber(rate)
end

-- ---- the event loop's time for a call ----

local ROUNDS, CALLS = 25, 4000

local function cpu(name, port, tls)
  local runs = {}
  for i, client in ipairs { "ours", "hand", "patterns", "exchange", "json" } do
    local path = ("/run?client=%s&at_once=64&port=%d%s&calls="):format(client, port, tls and "&tls=1" or "")
    runs[i] = { nginx = start(), path = path, times = {}, rates = {} }
    runs[i].nginx:get(path .. 4 * CALLS) -- until LuaJIT has compiled it
  end
  for round = 1, ROUNDS do
    for _, run in ipairs(runs) do
      local said = run.nginx:get(run.path .. CALLS)
      run.times[round], run.rates[round] = measured(said)
    end
  end
  local half = {}
  for i, run in ipairs(runs) do
    run.nginx:stop()
    half[i] = median(run.times)
  end
  local ours, hand, patterns, exchange, json = half[1], half[2], half[3], half[4], half[5]
  print(("event loop at 64 connections, %s: ours %.1f us a call (%.0f calls a second)"):format(name, ours,
    median(runs[1].rates)))
  print(("  by hand %.1f us: ratio %.2f; by hand, headers read by string.match, %.1f us: ratio %.2f"):format(hand,
    ratio(runs[1].times, runs[2].times), patterns, ratio(runs[1].times, runs[3].times)))
  print(("  of ours: the exchange alone %.1f us, JSON both ways %.1f us, all else (fields, limits, record, …) %.1f us")
    :format(exchange, json, ours - exchange - json))
end

-- ---- what others notice ----

-- Seconds of each of `count` requests for a static answer, one after another on a kept connection.
local function static_times(nginx, count)
  local connection, times = assert(socket.connect("127.0.0.1", nginx.port)), {}
  connection:setoption("tcp-nodelay", true)
  for i = 1, count do
    local began = socket.gettime()
    assert(connection:send "GET /static HTTP/1.1\r\nHost: localhost\r\n\r\n")
    repeat local line = assert(connection:receive "*l") until line == ""
    assert(connection:receive(6) == "static")
    times[i] = socket.gettime() - began
    socket.sleep(0.001)
  end
  connection:close()
  return percentile(times, 0.5), percentile(times, 0.99)
end

local IN_FLIGHT, SLOW = 500, 0.2 -- calls; seconds that the vendor takes

local function latency()
  local runs = {}
  for i, client in ipairs { "idle", "ours", "hand" } do
    runs[i] = { client = client, nginx = start(), p50 = {}, p99 = {}, cpu = {} }
  end
  for round = 0, 11 do -- the first is not counted: LuaJIT has compiled it then
    for _, run in ipairs(runs) do
      local load = run.client ~= "idle" and run.nginx:send(("/run?client=%s&at_once=%d&calls=%d&port=%d&slow=1"):format(
        run.client, IN_FLIGHT, 4 / SLOW * IN_FLIGHT, vendor.port))
      socket.sleep(2 * SLOW) -- until all are on their way
      run.p50[round], run.p99[round] = static_times(run.nginx, 2000)
      if load then
        run.cpu[round] = measured(load:read())
      end
    end
  end
  local idle, hand = runs[1], runs[3]
  for _, run in ipairs(runs) do
    run.nginx:stop()
    local r50, r99 = ratio(run.p50, idle.p50), ratio(run.p99, hand.p99)
    local name = run == idle and "idle:" or ("%d calls in flight, %s:"):format(IN_FLIGHT, run.client)
    print(("static answer, %-25s p50 %4.0f us (%.2f of idle), p99 %5.0f us (%.2f of by hand)%s"):format(name,
      median(run.p50) * 1e6, r50, median(run.p99) * 1e6, r99,
      run.cpu[1] and (", event loop %.1f us a call"):format(median(run.cpu)) or ""))
  end
end

-- ---- in the long run ----

-- What the worker has when nothing goes on: the vendor has closed its connections, libcurl has seen it, and the bell is
-- taken down.
local function at_rest(nginx)
  socket.sleep(2)
  local said = nginx:get("/rest?port=" .. vendor.port)
  socket.sleep(1)
  local usage = worker.usage(nginx:workers()[1])
  usage.lua, usage.malloc = said:match "^(%d+) (%d+)$"
  assert(usage.lua, said)
  return usage
end

local AT_ONCE = 320 -- calls, ten of each request

local function soak()
  local nginx = start()
  local calls, began, first = 0, http.now(), nil
  while http.now() < began + SOAK do
    local requests = {}
    for i = 1, AT_ONCE / 10 do requests[i] = nginx:send("/soak?port=" .. vendor.port) end
    for _, request in ipairs(requests) do assert(request:read() == "done") end
    calls = calls + AT_ONCE
    if not first and http.now() > began + math.min(60, SOAK / 4) then first = at_rest(nginx) end
  end
  local last = at_rest(nginx)
  print(("soak of %d s, %d calls with faults, %d at once; at rest after %.0f s and at the end:"):format(SOAK, calls,
    AT_ONCE, math.min(60, SOAK / 4)))
  print(("  memory %d -> %d kB: growth %d kB (in use: Lua's %d -> %d, malloc's %d -> %d), threads %d -> %d, "
    .. "descriptors %d -> %d"):format(first.memory, last.memory, last.memory - first.memory, first.lua, last.lua,
      first.malloc, last.malloc, first.threads, last.threads, first.descriptors, last.descriptors))
  nginx:stop()
end

print_machine()
cpu("plain, 5 headers", vendor.port)
cpu("TLS, 12 headers", tls_port, true)
latency()
soak()
vendor:stop()
support.clean()
