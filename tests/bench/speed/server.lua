-- The vendor: Debian's nginx on free ports of 127.0.0.1, answering 201 with 440 bytes.
local socket = require "socket"

local M = {}

local CONFIGURATION = [[
%(modules)
daemon off;
worker_processes 1;
pid %(folder)/pid;
error_log %(folder)/error.log warn;
events { worker_connections 25000; }
http {
  access_log off;
  client_body_temp_path %(folder)/body; proxy_temp_path %(folder)/proxy; fastcgi_temp_path %(folder)/fastcgi;
  uwsgi_temp_path %(folder)/uwsgi; scgi_temp_path %(folder)/scgi;
  keepalive_requests 100000000; keepalive_timeout 300;
  client_max_body_size 20m; client_body_buffer_size 16m;
  default_type application/json;
  server {
    listen 127.0.0.1:%(plain) backlog=20000;
    listen 127.0.0.1:%(tls) ssl;
    listen 127.0.0.1:%(http2) ssl http2;
    ssl_certificate %(certificate); ssl_certificate_key %(key);
    location = /things { return 201 '%(answer)'; }
%(slow)
  }
}
]]

-- A vendor that takes its time, and one that says much; the answer comes with its length, as the other one does.
local SLOW = [[
    location ~ ^/after/(?<seconds>[0-9.]+)/things$ {
      content_by_lua_block {
        ngx.req.read_body() ngx.sleep(tonumber(ngx.var.seconds)) ngx.status = 201
        ngx.header.content_length = 440 ngx.print '%(answer)'
      }
    }
    location ~ ^/body/(?<bytes>[0-9]+)/things$ {
      content_by_lua_block {
        local text = '{"id":"7f3c1a90","note":"' .. ("x"):rep(tonumber(ngx.var.bytes)) .. '"}'
        ngx.req.read_body() ngx.status = 201 ngx.header.content_length = #text ngx.print(text)
      }
    }]]

local MODULES = "/usr/lib/nginx/modules/"

--- A record as vendors send it, of 440 bytes.
function M.answer()
  local text = '{"id":"7f3c1a90","name":"Support line 1","description":"The front desk of a customer in the north, '
    .. 'open from eight to six on every working day","channel":"sms",'
    .. '"callback_url":"https://hooks.customer.example/luaprov/inbound/messages","language":"en","priority":5,'
    .. '"enabled":true,"external_id":"customer-000042/line-0007","created_at":"2026-01-01T00:00:00Z",'
    .. '"status":"active","account":{"id":4711,"plan":"b"},"note":""}'
  return (text:gsub('""}$', '"' .. ("x"):rep(440 - #text) .. '"}'))
end

local function free_port()
  local held = assert(socket.bind("127.0.0.1", 0))
  local _, port = held:getsockname()
  held:close()
  return port
end

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

local function fill(text, values) return (text:gsub("%%%((%w+)%)", values)) end

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

local function wait_for(port, folder)
  local ends = socket.gettime() + 20
  while true do
    local connection = socket.connect("127.0.0.1", port)
    if connection then return connection:close() end
    assert(socket.gettime() < ends, "nginx does not listen; see " .. folder .. "/error.log")
    socket.sleep(0.02)
  end
end

local Server = {}
Server.__index = Server

--- @param folder string absolute, made when it is not there
--- @param certificates table of tests.transport.certificates
--- @return table server url (plain), tls (HTTP/1.1), http2, is_slow (whether there is /after/SECONDS), stop
function M.start(folder, certificates)
  local values = {
    folder = folder, plain = free_port(), tls = free_port(), http2 = free_port(), certificate = certificates.good,
    key = certificates.good_key, answer = M.answer(), modules = "", slow = "",
  }
  local is_slow = exists(MODULES .. "ngx_http_lua_module.so")
  if is_slow then
    values.modules = "load_module " .. MODULES .. "ndk_http_module.so;\nload_module " .. MODULES
      .. "ngx_http_lua_module.so;"
    values.slow = fill(SLOW, values)
  end
  assert(os.execute("mkdir -p '" .. folder .. "'"))
  write(folder .. "/conf", fill(CONFIGURATION, values))
  local pipe = assert(io.popen("echo $$; exec nginx -p '" .. folder .. "' -c '" .. folder .. "/conf' 2>&1", "r"))
  local self = setmetatable({ pipe = pipe, pid = pipe:read("*l"), is_slow = is_slow }, Server)
  wait_for(values.plain, folder)
  self.url = "http://127.0.0.1:" .. values.plain
  self.tls, self.http2 = "https://127.0.0.1:" .. values.tls, "https://127.0.0.1:" .. values.http2
  return self
end

function Server:stop()
  os.execute("kill " .. self.pid)
  self.pipe:close()
end

return M
