-- Debian's nginx with its Lua module, on a free port and in a temporary folder. It ends when this process does.
local http = require "luaprov.http"
local socket = require "socket"
local support = require "tests.support"

local M = {}

local Nginx = {}
Nginx.__index = Nginx

local PATIENCE = 20 -- seconds; reached only by a test that fails

local root = io.popen("pwd"):read("*l")
local build = os.getenv("LUAPROV_BUILD") or root .. "/build"

local CONFIGURATION = [[
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
daemon off;
worker_processes %d;
pid %s/pid;
error_log stderr info;
%s
events { worker_connections 2048; }
http {
  access_log off;
  client_body_temp_path %s/body; proxy_temp_path %s/proxy; fastcgi_temp_path %s/fastcgi;
  uwsgi_temp_path %s/uwsgi; scgi_temp_path %s/scgi;
  keepalive_requests 1000000;
  lua_package_path "%s/share/lua/5.1/?.lua;%s/share/lua/5.1/?/init.lua;%s/?.lua;;";
  lua_package_cpath "%s/lib/lua/5.1/?.so;;";
  lua_socket_log_errors on;
%s
  server {
    listen 127.0.0.1:%d%s;
    default_type text/plain;
    location = /static { return 200 "static"; }
    location = /pid { content_by_lua_block { ngx.print(ngx.worker.pid()) } }
    location /app/ { content_by_lua_block { require("tests.nginx.app").serve() } }
%s
  }
}
]]

local function free_port()
  local held = assert(socket.bind("127.0.0.1", 0))
  local _, port = held:getsockname()
  held:close()
  return port
end

--- Whether nginx would change its workers' user.
function M.is_root()
  return io.popen("id -u"):read("*l") == "0"
end

--- Waits until `fn` returns something; fails with `what` otherwise.
function M.eventually(what, fn, seconds)
  local ends = http.now() + (seconds or PATIENCE)
  while true do
    local value = fn()
    if value then return value end
    if http.now() > ends then error("in vain: " .. what, 2) end
    socket.sleep(0.005)
  end
end

local function configuration(self, options)
  local folder, main = self.folder, options.main or ""
  for name in pairs(options.environment or {}) do main = main .. "\nenv " .. name .. ";" end
  if not main:find("user ", 1, true) and M.is_root() then main = "user root;\n" .. main end
  return CONFIGURATION:format(options.workers or 1, folder, main, folder, folder, folder, folder, folder, build, build,
    root, build, options.http or "", self.port,
    options.spread and " reuseport" or "", options.server or "")
end

local function quote(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

local function launch(self, options)
  self.port = free_port()
  local file = assert(io.open(self.folder .. "/conf", "wb"))
  file:write(configuration(self, options))
  file:close()
  os.remove(self.folder .. "/log")
  local words = { "env", "-u", "LD_PRELOAD", "-u", "LUA_PATH", "-u", "LUA_CPATH" }
  for name, value in pairs(options.environment or {}) do words[#words + 1] = quote(name .. "=" .. value) end
  words[#words + 1] = ("nginx -e stderr -p %s -c %s/conf >>%s/log 2>&1"):format(self.folder, self.folder, self.folder)
  -- The shell waits for the end of its standard input, which comes when `stop` closes it or this process is gone.
  self.process = assert(io.popen(table.concat(words, " ")
    .. " & pid=$!\nread -r end; kill $pid 2>/dev/null; wait $pid", "w"))
  M.eventually("nginx starts", function()
    local log = self:log()
    if log:find("[emerg]", 1, true) then return true end
    local connection = socket.connect("127.0.0.1", self.port)
    if connection then connection:close() end
    return connection ~= nil and self:master() ~= nil
  end)
  return not self:log():find("[emerg]", 1, true)
end

--- @param options table|nil workers, spread (connections go to all workers alike), main, http, server (further lines of
---   the configuration there), environment ({ NAME = value }: what nginx, and its workers, get)
--- @return table nginx
function M.start(options)
  local self = setmetatable({ folder = support.folder() }, Nginx)
  os.execute("chmod 755 " .. self.folder)
  for _ = 1, 5 do
    if launch(self, options or {}) then return self end
    self:stop()
  end
  error("nginx did not start: " .. self:log(), 2)
end

function Nginx:log()
  local file = io.open(self.folder .. "/log", "rb")
  local text = file and file:read("*a") or ""
  if file then file:close() end
  return text
end

--- The pid of the master process; nil before it has one.
function Nginx:master()
  local file = io.open(self.folder .. "/pid", "rb")
  local pid = file and file:read("*l")
  if file then file:close() end
  return pid
end

--- The pids of the workers, those that are about to exit included.
function Nginx:workers()
  local master, pids = self:master(), {}
  for line in io.popen("cat /proc/[0-9]*/stat 2>/dev/null"):lines() do
    local pid, parent = line:match("^(%d+) %(.*%) %S (%d+)")
    if parent == master then pids[#pids + 1] = pid end
  end
  return pids
end

function Nginx:signal(name, pid) os.execute(("kill -%s %s"):format(name, pid or self:master())) end

--- Ends it and waits until it has ended. Harmless when repeated.
function Nginx:stop()
  if self.process then self.process:close() end
  self.process = nil
end

--- What a process has: how many threads, how many descriptors, kilobytes of memory.
function M.usage(pid)
  local function count(what) return tonumber(io.popen(("ls /proc/%s/%s | wc -l"):format(pid, what)):read("*l")) end
  local memory = 0
  for line in io.lines(("/proc/%s/status"):format(pid)) do
    memory = tonumber(line:match("^VmRSS:%s+(%d+)")) or memory
  end
  return { threads = count "task", descriptors = count "fd", memory = memory }
end

local Request = {}
Request.__index = Request

--- Sends a request, and does not wait for its answer.
--- @param path string
--- @param body string|nil
--- @param options table|nil method, authorization
function Nginx:send(path, body, options)
  options = options or {}
  local connection = assert(socket.connect("127.0.0.1", self.port))
  connection:settimeout(PATIENCE)
  assert(connection:send(("%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n%s\r\n%s")
    :format(options.method or body and "POST" or "GET", path, #(body or ""),
      options.authorization and "Authorization: " .. options.authorization .. "\r\n" or "", body or "")))
  return setmetatable({ connection = connection }, Request)
end

--- One that something else has started.
function M.at(port) return setmetatable({ port = port }, Nginx) end

M.free_port = free_port

--- Whether the whole answer is there.
function Request:is_answered()
  if not self.text then
    self.connection:settimeout(0)
    local text, why, part = self.connection:receive("*a", self.part)
    self.connection:settimeout(PATIENCE)
    self.text, self.part = why == "closed" and part or text, part
  end
  return self.text ~= nil
end

--- Waits for the answer.
--- @return string|nil body
--- @return integer|string status, or why there is no answer
--- @return string head
function Request:read()
  local text, why = self.text, nil
  if not text then text, why = self.connection:receive("*a", self.part) end
  self.connection:close()
  if not text or text == "" then return nil, why or "closed" end
  local head, body = text:match("^(.-)\r\n\r\n(.*)$")
  if head:lower():find("transfer-encoding: chunked", 1, true) then
    local parts = {}
    while true do
      local size, rest = body:match("^(%x+)\r\n(.*)$")
      size = tonumber(size or "0", 16)
      if size == 0 then break end
      parts[#parts + 1], body = rest:sub(1, size), rest:sub(size + 3)
    end
    body = table.concat(parts)
  end
  return body, tonumber(head:match("^HTTP/1.1 (%d+)")), head
end

--- Goes away without waiting for the answer.
function Request:leave() self.connection:close() end

function Nginx:get(path) return self:send(path):read() end

return M
