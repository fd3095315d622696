-- The tests' side of the contract listener (see listener.lua). Runs on Lua 5.4 and LuaJIT, from the checkout's root:
--
--   local control = require "tests.contract.control"
--   local listener = control.start()                       -- or { replay = { "…/fixtures/sheets/ocamba.json", … } }
--   listener:script { { status = 201, json = { id = "7" } }, { status = 503, close = true } }
--   …                                                      -- calls against listener.url
--   local requests, connections = listener:requests(2)     -- waits until two have arrived
--   listener:stop()
--
-- Nothing here sleeps; waiting ends with an error after a deadline. The listener also ends when this process does.

local socket = require "socket"

local here = debug.getinfo(1, "S").source:match("^@(.-)[^/]*$")
local json = dofile(here .. "json.lua")

local M = { json = json, null = json.null, array = json.array, fill = dofile(here .. "replay.lua").fill }

local Listener = {}
Listener.__index = Listener
Listener.__name = "contract.listener"

local deadline = 20 -- seconds; reached only by a test that fails

local function quote(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

--- One HTTP exchange with the listener on a connection of its own.
---@return integer status, table headers, string body
local function exchange(listener, method, path, body)
  local connection = assert(socket.connect("127.0.0.1", listener.port))
  connection:settimeout(deadline)
  body = body or ""
  assert(connection:send(("%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s")
    :format(method, path, #body, body)))
  local answer, problem = connection:receive("*a")
  connection:close()
  if not answer or answer == "" then
    error(("the contract listener gave no answer to %s %s: %s"):format(method, path, problem or "connection closed"), 0)
  end
  local head, text = answer:match("^(.-)\r\n\r\n(.*)$")
  local headers = {}
  for name, value in head:gmatch("\r\n([^:]+): ([^\r]*)") do headers[name:lower()] = value end
  return tonumber(head:match("^HTTP/1.1 (%d+)")), headers, text
end

local function order(listener, path, body)
  local status, _, text = exchange(listener, "POST", path, body)
  if status >= 300 then error(("the contract listener: %d: %s"):format(status, text), 0) end
  return text
end

--- Starts a listener process and waits for its address.
---@param options? { replay?: string[] } fixture files to answer from
---@return table listener with `url` ("http://127.0.0.1:PORT") and `port`
function M.start(options)
  local replay = options and options.replay or {}
  -- A named pipe: opening it waits for the listener, and reading it ends if the listener does.
  local pipe = os.tmpname()
  os.remove(pipe)
  -- Not `mkfifo -m 600`: that wants /proc, which a chroot may lack.
  local made = os.execute("(umask 077; mkfifo " .. quote(pipe) .. ")")
  assert(made == true or made == 0, "mkfifo failed")
  local command = { "exec lua5.4", quote(here .. "listener.lua"), "--replay" }
  for _, name in ipairs(replay) do command[#command + 1] = quote(name) end
  command[#command + 1] = "> " .. quote(pipe)
  local process = assert(io.popen(table.concat(command, " "), "w"))
  local reader = assert(io.open(pipe, "r"))
  local line = reader:read("*l")
  reader:close()
  os.remove(pipe)
  local url = line and line:match("^listening (http://.+)$")
  if not url then
    process:close()
    error("the contract listener did not start", 2)
  end
  return setmetatable({ url = url, port = tonumber(url:match(":(%d+)$")), process = process }, Listener)
end

--- Adds answers to the queue: an array of them, or one.
function Listener:script(answers)
  if next(answers) ~= nil and answers[1] == nil then answers = { answers } end
  order(self, "/-/script", json.encode(json.array(answers)))
end

--- What has arrived since the last reset, once there are `count` requests.
---@param count? integer
---@return table requests array of { method, path, headers, body, connection }, integer connections accepted
function Listener:requests(count)
  local _, headers, text = exchange(self, "GET", "/-/requests" .. (count and "?wait=" .. count or ""))
  return assert(json.decode(text)), tonumber(headers["x-connections"])
end

--- Gives the answers that are held: all, or the `count` oldest.
---@return integer released
function Listener:release(count)
  return json.decode(order(self, "/-/release" .. (count and "?count=" .. count or ""))).released
end

--- Forgets queue, requests, counts and held answers (their connections are closed).
function Listener:reset()
  order(self, "/-/reset")
end

--- Ends the listener and waits for its end. Harmless when repeated.
function Listener:stop()
  if not self.process then return end
  pcall(order, self, "/-/stop")
  self.process:close()
  self.process = nil
end

--- The names of the fixture files of some providers (all four without names), sheets before pages: for `replay`.
function M.fixture_files(...)
  local files, names = {}, { ... }
  if #names == 0 then names = { "onebox", "ocamba", "hubster", "myreports" } end
  for _, folder in ipairs { "sheets", "pages" } do
    for _, name in ipairs(names) do files[#files + 1] = ("%sfixtures/%s/%s.json"):format(here, folder, name) end
  end
  return files
end

--- A provider's exchanges, those of its pages first.
---@return table[] exchanges
function M.fixtures(provider)
  local exchanges = {}
  for _, folder in ipairs { "pages", "sheets" } do
    local file = assert(io.open(("%sfixtures/%s/%s.json"):format(here, folder, provider), "rb"))
    local fixtures = assert(json.decode(file:read("*a")))
    file:close()
    for _, item in ipairs(fixtures.exchanges) do exchanges[#exchanges + 1] = item end
  end
  return exchanges
end

return M
