-- A vendor in the test's own process: it answers when the test says so, and sees who has gone.
local socket = require "socket"

local M = {}

local Vendor = {}
Vendor.__index = Vendor

local PATIENCE = 20 -- seconds; reached only by a test that fails

function M.start()
  local listener = assert(socket.bind("127.0.0.1", 0, 1024))
  local _, port = listener:getsockname()
  return setmetatable({ listener = listener, url = "http://127.0.0.1:" .. port, port = port, idle = {} }, Vendor)
end

local Call = {}
Call.__index = Call

local function read(vendor, connection)
  local line = connection:receive("*l")
  if not line then return nil end -- it has been closed meanwhile
  local call = setmetatable({ connection = connection, vendor = vendor }, Call)
  call.method, call.path = line:match("^(%S+) (%S+)")
  local length = 0
  while line ~= "" do
    line = assert(connection:receive("*l"))
    length = tonumber(line:match("^[Cc]ontent%-[Ll]ength: (%d+)")) or length
    call.authorization = line:match("^Authorization: (.*)$") or call.authorization
  end
  if length > 0 then assert(connection:receive(length)) end
  return call
end

--- Waits for a request, on a new connection or on one that has been answered.
--- @return table call method, path, authorization
function Vendor:receive()
  while true do
    local sockets = { self.listener }
    for connection in pairs(self.idle) do sockets[#sockets + 1] = connection end
    local ready = socket.select(sockets, nil, PATIENCE)
    local connection = ready[1] or error "no request comes"
    if connection == self.listener then
      connection = assert(connection:accept())
      connection:settimeout(PATIENCE)
    end
    self.idle[connection] = nil
    local call = read(self, connection)
    if call then return call end
    connection:close()
  end
end

function Call:say(status, body)
  assert(self.connection:send(("HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s")
    :format(status, #body, body)))
  self.vendor.idle[self.connection] = true
end

--- Answers with a list of records, as acme does.
function Call:answer(records) self:say(200, ('{"items":[%s]}'):format(records or "")) end

--- Whether the client goes away, within that many seconds.
function Call:is_left(seconds)
  self.connection:settimeout(seconds)
  local _, why = self.connection:receive(1)
  return why == "closed"
end

function Vendor:stop()
  for connection in pairs(self.idle) do connection:close() end
  self.listener:close()
end

return M
