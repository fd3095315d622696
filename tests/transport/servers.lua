-- nginx and tinyproxy on free ports, each in a temporary folder and ended by its own pid. They end, too, when this
-- process does.
local http = require "luaprov.http"
local socket = require "socket"
local support = require "tests.support"

local M = {}

local Server = {}
Server.__index = Server

local PATIENCE = 20 -- seconds; reached only by a test that fails

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

local function read(path)
  local file = io.open(path, "rb")
  local text = file and file:read("*a") or ""
  if file then file:close() end
  return text
end

-- They are free when this returns; whoever takes one before the server does makes it start again.
local function free_ports(names)
  local held, ports = {}, {}
  for i, name in ipairs(names) do
    held[i] = assert(socket.bind(name:find("v6", 1, true) and "::1" or "127.0.0.1", 0))
    ports[name] = select(2, held[i]:getsockname())
  end
  for _, one in ipairs(held) do one:close() end
  return ports
end

local function connects(name, port)
  local connection = socket.connect(name:find("v6", 1, true) and "::1" or "127.0.0.1", port)
  if connection then connection:close() end
  return connection ~= nil
end

-- The shell waits for the end of its standard input, which comes when `stop` closes it or this process is gone.
local function start(command, log)
  return assert(io.popen(("env -u LD_PRELOAD %s >>%s 2>&1 & pid=$!\nread -r end; kill $pid 2>/dev/null; wait $pid")
    :format(command, log), "w"))
end

-- `configure(ports, folder)` returns the configuration's text; `failures` are what the log says when a port was taken,
-- or the configuration is wrong.
local function launch(names, configure, command, failures)
  local function failed(log)
    for _, words in ipairs(failures) do
      if read(log):find(words, 1, true) then return true end
    end
    return false
  end
  local folder, said = support.folder(), ""
  for _ = 1, 5 do
    local ports = free_ports(names)
    local log, file = folder .. "/log", folder .. "/configuration"
    os.remove(log)
    write(file, configure(ports, folder))
    local self = setmetatable({ ports = ports, folder = folder, log_file = log }, Server)
    self.process = start(command:format(file, folder), log)
    local deadline, waiting = http.now() + PATIENCE, true
    while waiting and not failed(log) do
      waiting = false
      for name, port in pairs(ports) do waiting = waiting or not connects(name, port) end
      if http.now() > deadline then
        self:stop()
        error("it did not start: " .. read(log), 2)
      end
    end
    -- Connecting is not enough: another may have the port.
    if not failed(log) then return self end
    self:stop()
    said = read(log)
  end
  error("it did not start: " .. said, 2)
end

--- The address of a server block.
--- @param name string
--- @param host string|nil 127.0.0.1 by default
function Server:url(name, host)
  local scheme = name:find("plain", 1, true) and "http" or "https"
  host = host or name:find("v6", 1, true) and "[::1]" or "127.0.0.1"
  return ("%s://%s:%d"):format(scheme, host, self.ports[name])
end

function Server:log() return read(self.log_file) end

--- Ends it and waits until it has ended. Harmless when repeated.
function Server:stop()
  if self.process then self.process:close() end
  self.process = nil
end

local NGINX = [[
daemon off;
master_process off;
pid %s/pid;
error_log stderr;
events { worker_connections 512; }
http {
  access_log off;
  default_type application/json;
  client_body_temp_path %s/body; proxy_temp_path %s/proxy; fastcgi_temp_path %s/fastcgi;
  uwsgi_temp_path %s/uwsgi; scgi_temp_path %s/scgi;
  ssl_session_cache shared:all:1m; ssl_protocols TLSv1.2 TLSv1.3;
  keepalive_requests 100000;
%s}
]]

-- What it knows of a request, as a record.
local ANSWER = [[
    location / {
      return 200 '{"id":"7","verify":"$ssl_client_verify","who":"$ssl_client_s_dn","connection":"$connection",]]
  .. [["protocol":"$server_protocol","tls":"$ssl_protocol","resumed":"$ssl_session_reused","via":"$http_via",]]
  .. [["authorization":"$http_proxy_authorization"}';
    }
    location /files/ { root %s; gzip on; gzip_min_length 1; gzip_types *; }
]]

--- The server blocks by their names; those with v6 in it listen on ::1. What each wants: listen's parameters, then
--- directives, with the certificate's name before.
M.blocks = {
  plain = {}, plain_v6 = {},
  good = { "ssl", "good" }, good_v6 = { "ssl", "good" }, h2 = { "ssl http2", "good" },
  expired = { "ssl", "expired" }, wrong = { "ssl", "wrong" },
  client = { "ssl", "good", "ssl_verify_client on; ssl_client_certificate %s;" },
  optional = { "ssl", "good", "ssl_verify_client optional; ssl_client_certificate %s;" },
  optional_h2 = { "ssl http2", "good", "ssl_verify_client optional; ssl_client_certificate %s;" },
  tls13 = { "ssl", "good", "ssl_protocols TLSv1.3;" },
  tls12 = { "ssl", "good", "ssl_protocols TLSv1.2;" },
  tls11 = { "ssl", "good", "ssl_protocols TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;" },
}

local function nginx_block(name, port, certificates, folder)
  local kind, certificate, more = M.blocks[name][1], M.blocks[name][2], M.blocks[name][3]
  local address = name:find("v6", 1, true) and "[::1]" or "127.0.0.1"
  local lines = { ("  server {\n    listen %s:%d%s;"):format(address, port, kind and " " .. kind or "") }
  if certificate then
    lines[#lines + 1] = ("    ssl_certificate %s; ssl_certificate_key %s;"):format(certificates[certificate],
      certificates[certificate .. "_key"])
  end
  if more then lines[#lines + 1] = "    " .. more:format(certificates.ca) end
  lines[#lines + 1] = ANSWER:format(folder) .. "  }\n"
  return table.concat(lines, "\n")
end

--- Starts nginx.
--- @param names string[] of M.blocks
--- @param certificates table of tests.transport.certificates
--- @return table server
function M.nginx(names, certificates)
  return launch(names, function(ports, folder)
    local blocks = {}
    for i, name in ipairs(names) do blocks[i] = nginx_block(name, ports[name], certificates, folder) end
    return NGINX:format(folder, folder, folder, folder, folder, folder, table.concat(blocks))
  end, "nginx -e stderr -c %s -p %s", { "[emerg]" })
end

--- Starts tinyproxy; its port is that of `plain`.
--- @param lines string|nil further lines of its configuration
--- @return table server
function M.tinyproxy(lines)
  return launch({ "plain" }, function(ports)
    return ("Port %d\nListen 127.0.0.1\nTimeout 60\nMaxClients 100\nLogLevel Info\n%s\n"):format(ports.plain,
      lines or "")
  end, "tinyproxy -d -c %s", { "Could not create listening socket", "Not starting" })
end

--- A port that refuses connections, and that nobody else gets while `held` is open.
--- @return integer port
--- @return table held to be closed
function M.closed_port()
  local held = assert(socket.tcp())
  assert(held:bind("127.0.0.1", 0)) -- and never listening
  return tonumber((select(2, held:getsockname()))), held
end

--- Whether IPv6 is there: a container may lack it.
function M.has_ipv6()
  local listener = socket.bind("::1", 0)
  if listener then listener:close() end
  return listener ~= nil
end

return M
