-- A vendor in the test's own process: it answers when the test says so, and sees who has gone.
local core = require "luaprov.core"
local socket = require "socket"

local M = {}

local Vendor = {}
Vendor.__index = Vendor

local PATIENCE = 20 -- seconds; reached only by a test that fails

function M.start()
  local listener = assert(socket.bind("127.0.0.1", 0, 1024))
  local _, port = listener:getsockname()
  -- It polls: socket.select takes no descriptor above 1023.
  local poll = core.engine()
  listener:settimeout(0)
  poll:watch(listener:getfd())
  return setmetatable({ listener = listener, url = "http://127.0.0.1:" .. port, port = port, idle = {}, poll = poll },
    Vendor)
end

local Call = {}
Call.__index = Call

-- The first line of a request as far as it is there; nil where nothing has come.
local function look(connection)
  connection:settimeout(0)
  local line, why, part = connection:receive("*l")
  connection:settimeout(PATIENCE)
  if line then return line, true end
  if why == "closed" then return "" end
  return part ~= "" and part or nil
end

local function read(vendor, connection, line, whole)
  if not whole then line = connection:receive("*l", line) end
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

-- A connection on which something has come, or that has been closed.
local function ready(vendor)
  local connection = vendor.listener:accept()
  if connection then return connection end
  for idle in pairs(vendor.idle) do
    local line, whole = look(idle)
    if line then
      vendor.poll:unwatch(idle:getfd())
      vendor.idle[idle] = nil
      return idle, line, whole
    end
  end
end

--- Waits for a request, on a new connection or on one that has been answered.
--- @return table call method, path, authorization
function Vendor:receive()
  local ends = core.now() + PATIENCE
  while true do
    local connection, line, whole = ready(self)
    if connection then
      connection:settimeout(PATIENCE)
      local call = read(self, connection, line, whole)
      if call then return call end
      connection:close()
    elseif core.now() > ends then
      error "no request comes"
    else
      self.poll:drive(ends - core.now())
    end
  end
end

function Call:say(status, body)
  assert(self.connection:send(("HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s")
    :format(status, #body, body)))
  self.vendor.idle[self.connection] = true
  self.vendor.poll:watch(self.connection:getfd())
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
  self.poll:close()
end

return M
