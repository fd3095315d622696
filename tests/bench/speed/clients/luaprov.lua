-- luaprov as its users have it: a client of a provider file.
local luaprov = require "luaprov"
local runtime = require "luaprov.runtime"
local work = require "tests.bench.speed.work"

local vendor = assert(luaprov.client("tests/bench/speed/vendor.lua", {
  base_url = work.url, token = work.TOKEN, timeout = 60, ca_file = os.getenv "BENCH_CA",
}))

work.tasks(runtime, function(i)
  local record = assert(vendor.things:create(work.record(i)))
  assert(record.id == "7f3c1a90")
end)
