-- The vendor of the counted calls, a process of its own: lua5.4 tests/speed/server.lua. Prints its port, serves one
-- connection after another until it is stopped, or nobody has come for SECONDS.
--
-- It answers once the client sleeps. An answer that was there at times before the client looked for it, and at times
-- not, would give calls two ways to go, and counts that nobody could compare.
local answer = require("tests.bench.speed.server").answer()
local socket = require "socket"

local SECONDS = 300
local ANSWER = "HTTP/1.1 201 Created\r\nServer: nginx/1.22.1\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
  .. "Content-Type: application/json\r\nContent-Length: " .. #answer .. "\r\nConnection: keep-alive\r\n\r\n" .. answer

-- Reads a request whole. Returns the process that it came from, which its path begins with: /0001234/things.
local function read(connection)
  local line, length = connection:receive "*l", 0
  local pid = line and tonumber(line:match "^POST /0*(%d+)/things ")
  while line and line ~= "" do
    length = tonumber(line:match "^[Cc]ontent%-[Ll]ength: (%d+)") or length
    line = connection:receive "*l"
  end
  return line and connection:receive(length) and pid
end

local function sleeps(pid)
  local file = io.open("/proc/" .. pid .. "/stat")
  local text = file and file:read "*l"
  if file then file:close() end
  return not text or text:match "%) (%a)" == "S"
end

local function serve(connection)
  connection:setoption("tcp-nodelay", true)
  for pid in read, connection do
    -- Nothing tells of it, so it has to be looked at.
    while not sleeps(pid) do socket.sleep(0.0001) end
    connection:send(ANSWER)
  end
  connection:close()
end

local listener = assert(socket.bind("127.0.0.1", 0))
print((select(2, listener:getsockname())))
io.stdout:flush()
listener:settimeout(SECONDS)
for connection in listener.accept, listener do serve(connection) end
