-- The two clients that are compared, and what they are compared by. Runs within nginx.
local cjson = require "cjson.safe"
local ffi = require "ffi"
local http = require "luaprov.http"
local luaprov = require "luaprov"

local ngx = rawget(_G, "ngx")
local M = {}

ffi.cdef [[
struct luaprov_bench_time { long seconds, nanoseconds; };
int clock_gettime(int, struct luaprov_bench_time *);
struct luaprov_bench_memory { size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, in_use, free, keepcost; };
struct luaprov_bench_memory mallinfo2(void);
]]

local THREAD_CPU = 3 -- CLOCK_THREAD_CPUTIME_ID

local ORDER = { "Accept", "Authorization", "Content-Type", "User-Agent" }
local TRANSPORT = { ca_file = os.getenv "BENCH_CA" }
local ANSWER = '{"id":"7","name":"thing","createdAt":"2026-01-01T00:00:00Z","status":"active"}'

--- Seconds of the processor that the worker's event loop has used. The engine's thread has a clock of its own.
local function cpu()
  local time = ffi.new "struct luaprov_bench_time"
  assert(ffi.C.clock_gettime(THREAD_CPU, time) == 0)
  return tonumber(time.seconds) + tonumber(time.nanoseconds) / 1e9
end

-- ---- by hand ----

-- What a careful person writes who has cosockets and no client, for the same task: the field looked at, JSON both ways,
-- a kept connection, the status and all headers read, either form of a body, and an error that has the vendor's words.

local function failed(why, headers)
  local id = headers and headers["x-request-id"]
  return nil, (why or "?") .. (id and " (" .. id .. ")" or "")
end

-- A header's name and value: as one writes it who knows what LuaJIT compiles…
local function cut(line)
  local colon = line:find(":", 1, true)
  if not colon then return nil end
  local from = colon + 1
  while line:byte(from) == 32 do from = from + 1 end
  return line:sub(1, colon - 1), line:sub(from)
end

-- …and as most do.
local function matched(line) return line:match "^([^:]+):%s*(.-)%s*$" end

local function read_head(socket, split)
  local line, why = socket:receive "*l"
  if not line then return nil, why end
  local status = tonumber(line:sub(10, 12))
  if not status or line:sub(1, 7) ~= "HTTP/1." then return nil, "no HTTP" end
  local headers = {}
  while true do
    line, why = socket:receive "*l"
    if not line then return nil, why end
    if line == "" then return status, headers end
    local name, value = split(line)
    if not name then return nil, "no header" end
    name = name:lower()
    local before = headers[name]
    headers[name] = before and before .. ", " .. value or value
  end
end

local function read_chunks(socket)
  local parts = {}
  while true do
    local line, why = socket:receive "*l"
    local size = line and tonumber(line:match "^%x+", 16)
    if not size then return nil, why or "no chunk" end
    if size == 0 then break end
    parts[#parts + 1], why = socket:receive(size)
    if why then return nil, why end
    socket:receive(2)
  end
  local line, why
  repeat line, why = socket:receive "*l" until not line or line == ""
  if not line then return nil, why end
  return table.concat(parts)
end

local function read_body(socket, headers)
  if headers["transfer-encoding"] == "chunked" then return read_chunks(socket) end
  local length = tonumber(headers["content-length"])
  if length then return socket:receive(length) end
  return socket:receive "*a"
end

local function by_hand(port, record, tls, path, split)
  if type(record.name) ~= "string" then return failed "name is required" end
  local body, why = cjson.encode(record)
  if not body then return failed(why) end
  local socket = ngx.socket.tcp()
  socket:settimeouts(10000, 30000, 30000)
  local ok
  ok, why = socket:connect("127.0.0.1", port, { pool = "bench", pool_size = 1000 })
  if not ok then return failed(why) end
  if tls and socket:getreusedtimes() == 0 then
    ok, why = socket:sslhandshake(nil, "localhost", true)
    if not ok then return failed(why) end
  end
  ok, why = socket:send {
    "POST ", path, "/things HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n",
    "Authorization: Bearer tok-0000\r\nContent-Type: application/json\r\nUser-Agent: by-hand\r\n",
    "Content-Length: ", #body, "\r\n\r\n", body,
  }
  if not ok then return failed(why) end
  local status, headers = read_head(socket, split or cut)
  if not status then return failed(headers) end
  local text
  text, why = read_body(socket, headers)
  if not text then return failed(why, headers) end
  if headers.connection == "close" or not headers["content-length"] and not headers["transfer-encoding"] then
    socket:close()
  else
    socket:setkeepalive(60000, 1000)
  end
  local answer
  answer, why = cjson.decode(text)
  if status ~= 201 then
    return failed("status " .. status .. ": " .. tostring(type(answer) == "table" and answer.message or text), headers)
  end
  if type(answer) ~= "table" or not answer.id then return failed(why or "no record", headers) end
  return answer
end

local function by_patterns(port, record, tls, path) return by_hand(port, record, tls, path, matched) end

local client

local function ours(port, record, tls, path)
  client = client or assert(luaprov.client("tests/nginx/acme.lua", {
    base_url = (tls and "https://localhost:" or "http://127.0.0.1:") .. port .. path,
    token = "tok-0000", timeout = 30, ca_file = tls and os.getenv "BENCH_CA",
  }))
  local created, err = client.things:create(record)
  return created, err and tostring(err)
end

-- What parts of ours cost, alone: one exchange of the same bytes, and JSON both ways.

local function exchange(port, record, tls, path)
  return http.exchange {
    method = "POST", url = (tls and "https://localhost:" or "http://127.0.0.1:") .. port .. path .. "/things",
    headers = {
      Accept = "application/json", Authorization = "Bearer tok-0000", ["Content-Type"] = "application/json",
      ["User-Agent"] = "luaprov",
    },
    order = ORDER, body = '{"name":"' .. record.name .. '"}', deadline = http.now() + 30,
    transport = tls and TRANSPORT or nil,
  }
end

local function both_ways(_, record)
  local text = luaprov.json.encode(record)
  return text and luaprov.json.decode(ANSWER)
end

local CLIENTS = { ours = ours, hand = by_hand, patterns = by_patterns, exchange = exchange, json = both_ways }

--- ?client=, ?calls=, ?at_once=, ?port=, ?tls=, ?slow=: that many calls; answers with the event loop's microseconds
--- for each, and with how many there were a second.
function M.run()
  local arguments = ngx.req.get_uri_args()
  local call, port = CLIENTS[arguments.client], tonumber(arguments.port)
  local left, wrong = tonumber(arguments.calls), nil
  local calls, path = left, arguments.slow and "/slow" or ""
  local function work()
    while left > 0 do
      left = left - 1
      local record, why = call(port, { name = "thing " .. left }, arguments.tls, path)
      if not record or record.id ~= "7" and record.status ~= 201 then wrong = wrong or tostring(why) end
    end
  end
  local threads, at, began = {}, http.now(), cpu()
  for i = 1, tonumber(arguments.at_once) do threads[i] = ngx.thread.spawn(work) end
  for _, thread in ipairs(threads) do ngx.thread.wait(thread) end
  local used = cpu() - began
  ngx.print(wrong and "failed: " .. wrong or ("%.3f %.0f"):format(used / calls * 1e6, calls / (http.now() - at)))
end

local function soaked()
  client = client or assert(luaprov.client("tests/nginx/acme.lua", {
    base_url = "http://127.0.0.1:" .. ngx.req.get_uri_args().port, token = "tok-0000", timeout = 0.3, attempts = 2,
    patience = 0.5,
  }))
  return client.things
end

--- A few calls of a vendor that fails in many ways: what comes of them does not matter.
function M.soak()
  local things = soaked()
  luaprov.map({ 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 }, function(i) return things:get(tostring(i)) end)
  ngx.print "done"
end

--- One that goes well: libcurl closes then what the vendor has closed before. Answers with the kilobytes that are in
--- use, of Lua's memory and of malloc's: what grows there leaks, whatever the system counts.
function M.rest()
  assert(soaked():get "7")
  collectgarbage()
  collectgarbage()
  ngx.print(("%.0f %.0f"):format(collectgarbage "count", tonumber(ffi.C.mallinfo2().in_use) / 1024))
end

--- The vendor of it.
function M.faults()
  local dice = ngx.var.uri == "/things/7" and 20 or math.random(20)
  if dice == 1 then return ngx.exit(444) end
  if dice == 2 then ngx.sleep(0.5) end
  if dice == 3 then return ngx.exit(503) end
  if dice == 4 then
    ngx.header["Content-Length"] = 100
    ngx.print "{"
    ngx.flush(true)
    return ngx.exit(444)
  end
  if dice == 5 then return ngx.print "no JSON" end
  if dice == 6 then return ngx.exit(404) end
  ngx.header["Content-Type"] = "application/json"
  ngx.print '{"id":"7","name":"thing"}'
end

return M
