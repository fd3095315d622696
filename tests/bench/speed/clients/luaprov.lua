-- luaprov as its users have it: a client of a provider file; BENCH_ACCOUNTS: so many clients, each of an account of its
-- own, in turns. With more in flight than fit in the vendor's window nothing is counted: nobody is to wait here.
local luaprov = require "luaprov"
local runtime = require "luaprov.runtime"
local work = require "tests.bench.speed.work"

local accounts, vendors = tonumber(os.getenv "BENCH_ACCOUNTS") or 1, {}
for i = 1, accounts do
  vendors[i] = assert(luaprov.client("tests/bench/speed/vendor.lua", {
    base_url = work.url, token = i == 1 and work.TOKEN or work.TOKEN .. i, timeout = 60, ca_file = work.ca_file,
    connections = work.connections, limits = work.at_once < 1000,
  }))
end

work.tasks(runtime, function(i)
  local record = assert(vendors[i % accounts + 1].things:create(work.record(i)))
  assert(record.id == "7f3c1a90")
end)
