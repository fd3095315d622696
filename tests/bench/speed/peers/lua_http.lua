-- lua-http (cqueues) and lua-cjson by hand: a kept connection for each of the calls at once.
local cjson = require "cjson"
local client = require "http.client"
local cqueues = require "cqueues"
local headers = require "http.headers"
local work = require "tests.bench.speed.work"

local host, port = work.url:match("^http://([^:/]+):(%d+)$")
local authority = host .. ":" .. port

local function create(connection, i)
  local body, sent = cjson.encode(work.record(i)), headers.new()
  sent:append(":method", "POST")
  sent:append(":scheme", "http")
  sent:append(":authority", authority)
  sent:append(":path", "/things")
  sent:append("accept", "application/json")
  sent:append("authorization", "Bearer " .. work.TOKEN, true)
  sent:append("content-type", "application/json")
  sent:append("content-length", tostring(#body))
  local stream = assert(connection:new_stream())
  assert(stream:write_headers(sent, false, 60))
  assert(stream:write_body_from_string(body, 60))
  local got = assert(stream:get_headers(60))
  local text = assert(stream:get_body_as_string(60))
  stream:shutdown()
  assert(got:get ":status" == "201" and cjson.decode(text).id == "7f3c1a90")
end

local connections = {}

local function run(calls, at_once)
  local queue, left = cqueues.new(), calls
  for n = 1, at_once do
    queue:wrap(function()
      connections[n] = connections[n] or assert(client.connect { host = host, port = tonumber(port), tls = false })
      while left > 0 do
        left = left - 1
        create(connections[n], left)
      end
    end)
  end
  assert(queue:loop())
end

work.measure(run, cqueues.monotime)
