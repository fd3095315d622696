-- luaprov.http and luaprov.json alone: no provider file, no checks, no limits, no retry.
local http = require "luaprov.http"
local json = require "luaprov.json"
local runtime = require "luaprov.runtime"
local work = require "tests.bench.speed.work"

local url = work.url .. "/things"
local order = { "Accept", "Authorization", "Content-Type", "User-Agent" }
local transport = (work.ca_file or work.connections)
  and { ca_file = work.ca_file, connections = work.connections, about = "bench" } or nil

local function create(i)
  local response = assert(http.exchange {
    method = "POST", url = url, body = json.encode(work.record(i)), deadline = http.now() + 60, order = order,
    headers = {
      Accept = "application/json", Authorization = "Bearer " .. work.TOKEN, ["Content-Type"] = "application/json",
      ["User-Agent"] = "bench",
    },
    transport = transport,
  })
  assert(response.status == 201 and json.decode(response.body).id == "7f3c1a90")
end

work.tasks(runtime, create)
