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
    location /things/ { content_by_lua_block { require("tests.bench.nginx.clients").faults() } }]]):format(ANSWER),
}

local function start()
  return worker.start {
    environment = { BENCH_CA = files.ca }, http = "  lua_ssl_trusted_certificate " .. files.ca .. ";",
    server = [[
    location = /run { content_by_lua_block { require("tests.bench.nginx.clients").run() } }
    location = /soak { content_by_lua_block { require("tests.bench.nginx.clients").soak() } }]],
  }
end

local function first_line(command) return io.popen(command):read("*l") or "?" end

local function print_machine()
  print("machine: " .. first_line "nproc" .. " x" .. first_line "sed -n 's/^model name.*:/ /p' /proc/cpuinfo"
    .. ", load " .. first_line "cut -d' ' -f1-3 /proc/loadavg" .. ", " .. first_line "nginx -v 2>&1")
end

local function median(list)
  table.sort(list)
  return list[math.floor((#list + 1) / 2)]
end

local function percentile(list, part)
  table.sort(list)
  return list[math.max(1, math.ceil(part * #list))]
end

-- ---- the event loop's time for a call ----

local function cpu(name, port, tls)
  local times = { ours = {}, hand = {} }
  for _ = 1, 3 do
    for client, list in pairs(times) do
      local nginx = start()
      local path = ("/run?client=%s&at_once=64&port=%d%s&calls="):format(client, port, tls and "&tls=1" or "")
      nginx:get(path .. 5000)
      local said = nginx:get(path .. 20000)
      list[#list + 1] = assert(tonumber(said), said)
      nginx:stop()
    end
  end
  local ours, hand = median(times.ours), median(times.hand)
  print(("event loop at 64 connections, %-18s ours %5.1f us a call, by hand %5.1f us: ratio %.2f"):format(
    name, ours, hand, ours / hand))
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
  return { p50 = percentile(times, 0.5), p99 = percentile(times, 0.99) }
end

local function latency()
  local found = {}
  for _, client in ipairs { "idle", "ours", "hand" } do
    local nginx = start()
    local load = client ~= "idle" and nginx:send(("/run?client=%s&at_once=500&calls=20000&port=%d&slow=1"):format(
      client, vendor.port))
    socket.sleep(1) -- until all are on their way
    found[client] = static_times(nginx, 3000)
    if load then
      local said = load:read()
      found[client].cpu = assert(tonumber(said), said)
    end
    nginx:stop()
  end
  for _, client in ipairs { "idle", "ours", "hand" } do
    local one = found[client]
    print(("static answer, %-25s p50 %4.0f us (%.2f of idle), p99 %5.0f us (%.2f of by hand)%s"):format(
      client == "idle" and "idle:" or "500 calls in flight, " .. client .. ":", one.p50 * 1e6, one.p50 / found.idle.p50,
      one.p99 * 1e6, one.p99 / found.hand.p99, one.cpu and (", event loop %.1f us a call"):format(one.cpu) or ""))
  end
end

-- ---- in the long run ----

local function soak()
  local nginx = start()
  local pid, calls, ends = nginx:workers()[1], 0, http.now() + SOAK
  local first_at, first = http.now() + math.min(60, SOAK / 4), nil
  while http.now() < ends do
    local requests = {}
    for i = 1, 8 do requests[i] = nginx:send("/soak?port=" .. vendor.port) end
    for _, request in ipairs(requests) do assert(request:read() == "done") end
    calls = calls + 80
    if not first and http.now() > first_at then
      socket.sleep(1)
      first = worker.usage(pid)
    end
  end
  socket.sleep(1)
  local last = worker.usage(pid)
  print(("soak of %d s, %d calls with faults: memory %d -> %d kB, threads %d -> %d, descriptors %d -> %d"):format(SOAK,
    calls, first.memory, last.memory, first.threads, last.threads, first.descriptors, last.descriptors))
  nginx:stop()
end

print_machine()
cpu("plain, 5 headers:", vendor.port)
cpu("TLS, 12 headers:", tls_port, true)
latency()
soak()
vendor:stop()
support.clean()
