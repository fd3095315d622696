-- The contract listener: an HTTP/1.1 server that gives the answers it is told, and remembers what arrived.
--   lua5.4 tests/contract/listener.lua [--replay fixtures.json …]
-- It prints "listening http://127.0.0.1:PORT" and ends at the end of its standard input or on POST /-/stop.
-- It knows nothing of luaprov. Control interface (tests use tests/contract/control.lua):
--   POST /-/script    a JSON array of answers, added to the queue:
--                     { match = { method, path }?, status, headers, json | text | raw, hold, close, reset }
--                     match: only for a request with that method and path (query included)
--                     raw: these bytes are the whole answer, then the connection is closed
--                     hold: kept back until POST /-/release
--                     close: the connection is closed after the answer (or in its place, without a status)
--                     reset: the same with a TCP reset
--   POST /-/release   gives the held answers; ?count=N only the N oldest
--   GET  /-/requests  a JSON array of { method, path, headers, body, connection }, with the number of connections
--                     accepted in x-connections; ?wait=N answers only once N requests have arrived
--   POST /-/reset     forgets requests, queue, held answers and counts
--   POST /-/stop

local here = debug.getinfo(1, "S").source:match("^@(.-)[^/]*$")
local json = dofile(here .. "json.lua")
local socket = require "socket"

local reasons = {
  [200] = "OK", [201] = "Created", [204] = "No Content", [302] = "Found", [400] = "Bad Request",
  [401] = "Unauthorized", [402] = "Payment Required", [403] = "Forbidden", [404] = "Not Found", [409] = "Conflict",
  [429] = "Too Many Requests", [500] = "Internal Server Error", [503] = "Service Unavailable",
}

local server = assert(socket.bind("127.0.0.1", 0, 128))
server:settimeout(0)

local replay
local running = true
local connections = {}   -- socket -> connection
local queue = {}         -- answers to give
local held = {}          -- { connection, answer }, oldest first
local requests = {}      -- what arrived
local waiting = {}       -- { connection, count }: GET /-/requests?wait=
local accepted = 0       -- connections that are not the control interface's

local function close(connection)
  if connection.closed then return end
  connection.closed = true
  connections[connection.socket] = nil
  connection.socket:close()
end

local function flush(connection)
  while #connection.out > 0 do
    local last, problem, partial = connection.socket:send(connection.out)
    connection.out = connection.out:sub((last or partial or 0) + 1)
    if problem == "timeout" then return end
    if problem then return close(connection) end
  end
  if connection.last then
    if connection.last == "reset" then
      connection.socket:setoption("linger", { on = true, timeout = 0 })
    end
    close(connection)
  end
end

--- The bytes of an answer: Content-Length and Content-Type unless the answer has its own.
local function answer_bytes(answer, method)
  local headers, body = {}, answer.text or ""
  for name, value in pairs(answer.headers or {}) do headers[name:lower()] = value end
  if answer.json ~= nil then
    body = json.encode(answer.json)
    headers["content-type"] = headers["content-type"] or "application/json"
  elseif answer.text then
    headers["content-type"] = headers["content-type"] or "text/plain"
  end
  local status = answer.status
  local bodiless = status == 204 or status == 304 or status < 200
  if not bodiless and not headers["transfer-encoding"] then
    headers["content-length"] = headers["content-length"] or #body
  end
  local lines, names = { ("HTTP/1.1 %d %s"):format(status, reasons[status] or "Status") }, {}
  for name in pairs(headers) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local values = type(headers[name]) == "table" and headers[name] or { headers[name] }
    for _, value in ipairs(values) do lines[#lines + 1] = name .. ": " .. tostring(value) end
  end
  if bodiless or method == "HEAD" then body = "" end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. body, headers.connection == "close"
end

local serve

local function give(connection, answer)
  connection.busy = false
  if connection.closed then return end
  local asked_to_close = connection.closing
  if answer.raw then
    connection.out = connection.out .. answer.raw
  elseif answer.status then
    local bytes, announced = answer_bytes(answer, connection.method)
    connection.out, asked_to_close = connection.out .. bytes, asked_to_close or announced
  end
  if answer.reset then
    connection.last = "reset"
  elseif answer.close or answer.raw or asked_to_close or connection.ended or not answer.status then
    connection.last = "close"
  end
  flush(connection)
  if not connection.closed then serve(connection) end
end

-- Control interface ---------------------------------------------------------------------------------------------------

local function give_requests(connection)
  local list = json.array()
  for index, request in ipairs(requests) do list[index] = request end
  give(connection, { status = 200, headers = { ["x-connections"] = accepted }, json = list })
end

local control = {}

control["GET requests"] = function(connection, _, query)
  local count = tonumber(query:match("wait=(%d+)") or 0)
  if #requests >= count then return give_requests(connection) end
  waiting[#waiting + 1] = { connection = connection, count = count }
end

control["POST script"] = function(connection, request)
  local answers, problem = json.decode(request.body)
  if not json.is_array(answers) then
    return give(connection, { status = 400, text = "not an array of answers: " .. tostring(problem) .. "\n" })
  end
  for _, answer in ipairs(answers) do queue[#queue + 1] = answer end
  give(connection, { status = 204 })
end

control["POST release"] = function(connection, _, query)
  local count = math.min(#held, tonumber(query:match("count=(%d+)") or #held))
  local released = {}
  for _ = 1, count do released[#released + 1] = table.remove(held, 1) end
  for _, item in ipairs(released) do give(item.connection, item.answer) end
  give(connection, { status = 200, json = { released = count } })
end

control["POST reset"] = function(connection)
  local dropped = held
  queue, held, requests, accepted = {}, {}, {}, 0
  if replay then replay.served = {} end
  for _, item in ipairs(dropped) do close(item.connection) end
  give(connection, { status = 204 })
end

control["POST stop"] = function(connection)
  running = false
  give(connection, { status = 204, close = true })
end

-- Requests ------------------------------------------------------------------------------------------------------------

local function next_answer(request)
  for index, answer in ipairs(queue) do
    local match = answer.match or {}
    if (match.method or request.method) == request.method and (match.path or request.path) == request.path then
      return table.remove(queue, index)
    end
  end
  if replay then return replay:answer(request) end
  return {
    status = 599,
    text = ("no scripted answer for request %d: %s %s\n%s\n"):format(#requests, request.method, request.path,
      request.body),
  }
end

local function arrived(connection, request)
  connection.method, connection.busy = request.method, true
  local name, query = request.path:match("^/%-/(%w+)%??(.*)$")
  if name then
    if connection.number == nil then connection.number, accepted = false, accepted - 1 end
    local act = control[request.method .. " " .. name]
    if act then return act(connection, request, query) end
    return give(connection, { status = 404, text = "no such control: " .. request.method .. " " .. name .. "\n" })
  end
  connection.number = connection.number or connection.serial
  request.connection = connection.number
  requests[#requests + 1] = request
  local answer = next_answer(request)
  if answer.hold then
    held[#held + 1] = { connection = connection, answer = answer }
  else
    give(connection, answer)
  end
  for index = #waiting, 1, -1 do
    if #requests >= waiting[index].count then give_requests(table.remove(waiting, index).connection) end
  end
end

--- The body of a chunked request: nil while it is not complete, false if it is not chunked encoding.
local function read_chunks(data, at)
  local parts = {}
  while true do
    local line_end, after = data:find("\r\n", at, true)
    if not line_end then return nil end
    local size = tonumber(data:sub(at, line_end - 1):match("^%x+") or "", 16)
    if not size then return false end
    if size == 0 then
      -- Trailers are read and dropped.
      if data:sub(after + 1, after + 2) == "\r\n" then return table.concat(parts), after + 3 end
      local _, stop = data:find("\r\n\r\n", after + 1, true)
      if not stop then return nil end
      return table.concat(parts), stop + 1
    end
    if #data < after + size + 2 then return nil end
    parts[#parts + 1] = data:sub(after + 1, after + size)
    at = after + size + 3
  end
end

local function read_headers(text)
  local headers = {}
  for name, value in text:gmatch("\r\n([^:\r\n]+):[ \t]*([^\r\n]*)") do
    name, value = name:lower(), value:gsub("[ \t]+$", "")
    headers[name] = headers[name] and headers[name] .. ", " .. value or value
  end
  return headers
end

local function bad_request(connection, why)
  give(connection, { status = 400, text = why .. "\n", close = true })
end

--- Takes a complete request out of what has been received, if there is one.
function serve(connection)
  if connection.busy or connection.last then return end
  local stop, after = connection.data:find("\r\n\r\n", 1, true)
  if not stop then return end
  local head = connection.data:sub(1, stop - 1)
  local method, path = head:match("^(%u+) (%S+) HTTP/1%.[01]")
  if not method then return bad_request(connection, "not an HTTP/1.1 request") end
  local headers, body, rest = read_headers(head), "", after + 1
  if (headers["transfer-encoding"] or ""):lower():find("chunked", 1, true) then
    body, rest = read_chunks(connection.data, after + 1)
    if body == false then return bad_request(connection, "not chunked encoding") end
  elseif headers["content-length"] then
    local length = tonumber(headers["content-length"]:match("^%d+$") or "")
    if not length then return bad_request(connection, "not a Content-Length") end
    rest = after + 1 + length
    body = #connection.data >= rest - 1 and connection.data:sub(after + 1, rest - 1) or nil
  end
  if not body then
    if (headers.expect or ""):lower() == "100-continue" and not connection.continued then
      connection.continued = true
      connection.out = connection.out .. "HTTP/1.1 100 Continue\r\n\r\n"
      flush(connection)
    end
    return
  end
  connection.data, connection.continued = connection.data:sub(rest), nil
  if (headers.connection or ""):lower() == "close" then connection.closing = true end
  return arrived(connection, { method = method, path = path, headers = headers, body = body })
end

local function receive(connection)
  local data, problem, partial = connection.socket:receive(65536)
  connection.data = connection.data .. (data or partial or "")
  serve(connection)
  if problem == "closed" then
    -- What is still to be given may be wanted: the client may have closed its side only.
    connection.ended = true
    if not connection.busy and #connection.out == 0 then close(connection) end
  end
end

local serial = 0

local function accept()
  while true do
    local client = server:accept()
    if not client then return end
    client:settimeout(0)
    client:setoption("tcp-nodelay", true)
    serial, accepted = serial + 1, accepted + 1
    connections[client] = { socket = client, data = "", out = "", serial = serial }
  end
end

------------------------------------------------------------------------------------------------------------------------

local files = {}
for _, word in ipairs(arg) do
  if word ~= "--replay" then files[#files + 1] = word end
end
if #files > 0 then replay = dofile(here .. "replay.lua").open(files) end

local host, port = server:getsockname()
io.stdout:write(("listening http://%s:%d\n"):format(host, port))
io.stdout:flush()

-- LuaSocket selects on anything that has these two methods.
local stdin = { getfd = function() return 0 end, dirty = function() return false end }

while running do
  local reading, writing = { server, stdin }, {}
  for client, connection in pairs(connections) do
    if not connection.ended then reading[#reading + 1] = client end
    if #connection.out > 0 then writing[#writing + 1] = client end
  end
  local readable, writable = socket.select(reading, writing)
  for _, client in ipairs(writable) do
    if connections[client] then flush(connections[client]) end
  end
  for _, client in ipairs(readable) do
    if client == server then accept()
    elseif client == stdin then
      if not io.read(1) then running = false end
    elseif connections[client] then
      receive(connections[client])
    end
  end
end
