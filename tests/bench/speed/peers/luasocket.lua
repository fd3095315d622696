-- LuaSocket and lua-cjson by hand. With BENCH_KEEP one connection that is kept, else what socket.http does by itself.
local cjson = require "cjson"
local http = require "socket.http"
local ltn12 = require "ltn12"
local socket = require "socket"
local work = require "tests.bench.speed.work"

local host, port = work.url:match("^http://([^:/]+):(%d+)$")

-- The connection that socket.http takes in place of a new one, and cannot close.
local function kept()
  local connection = assert(socket.connect(host, tonumber(port)))
  connection:setoption("tcp-nodelay", true)
  local proxy = { connect = function() return 1 end, close = function() return 1 end }
  return function()
    return setmetatable(proxy, { __index = function(_, name)
      return function(_, ...) return connection[name](connection, ...) end
    end })
  end
end

local create_connection = os.getenv "BENCH_KEEP" and kept() or nil

local function create(i)
  local body, parts = cjson.encode(work.record(i)), {}
  local ok, status = http.request {
    method = "POST", url = work.url .. "/things", source = ltn12.source.string(body), sink = ltn12.sink.table(parts),
    create = create_connection,
    headers = {
      Accept = "application/json", Authorization = "Bearer " .. work.TOKEN, ["Content-Type"] = "application/json",
      ["Content-Length"] = #body, Connection = create_connection and "keep-alive" or nil,
    },
  }
  assert(ok and status == 201 and cjson.decode(table.concat(parts)).id == "7f3c1a90")
end

work.measure(function(calls) for i = 1, calls do create(i) end end, socket.gettime)
