-- What apply costs beside the calls that it makes: COUNT creates (10,000) of a manifest, and the same creates by a
-- client's map, in one run, each against a sandbox in a process of its own; then a profile of apply by luaprov's parts.
--
--   LUAPROV_BUILD=build build/bin/luaprov tests/bench/apply.lua [COUNT]
local account = require "luaprov.stack.account"
local apply = require "luaprov.stack.apply"
local core = require "luaprov.core"
local guard = require "luaprov.stack.guard"
local luaprov = require "luaprov"
local manifests = require "luaprov.stack.manifest"
local plans = require "luaprov.stack.plan"
local process = require "tests.sandbox.process"
local stores = require "luaprov.stack.store"

local COUNT, AT_ONCE = tonumber(arg and arg[1]) or 10000, 64

local MANIFEST = [[
local ocamba = use("ocamba", { base_url = %q, token = secret %q, limits = false })
for i = 1, %d do
  ocamba.integrations("customer " .. i, { name = "customer " .. i, provider_id = "1000", settings = {
    account_sid = "AC" .. i, auth_token = secret("FAKE-" .. i), default_phone_number = "+49" .. i } })
end
]]

-- What a sandbox of its own says of itself, and how to end it.
local function vendor()
  local box, exports = process.start("ocamba --no-limits"), {}
  for name, value in pairs(box.exports) do exports[name] = value:gsub("^'(.*)'$", "%1") end
  return { base_url = exports.LUAPROV_OCAMBA_BASE_URL, token = exports.LUAPROV_OCAMBA_TOKEN, limits = false },
    function() box:stop() end
end

local function timed(fn)
  collectgarbage()
  local cpu, began = os.clock(), core.now()
  fn()
  return { cpu = os.clock() - cpu, wall = core.now() - began }
end

local function by_calls()
  local options, stop = vendor()
  local client = assert(luaprov.client("ocamba", options))
  local list = {}
  for i = 1, COUNT do list[i] = i end
  local times = timed(function()
    luaprov.map(list, function(i)
      return assert(client.integrations:create { name = "customer " .. i, provider_id = "1000", settings = {
        account_sid = "AC" .. i, auth_token = luaprov.secret("FAKE-" .. i), default_phone_number = "+49" .. i } })
    end, { concurrency = AT_ONCE })
  end)
  stop()
  return times
end

local function by_apply(place)
  local options, stop = vendor()
  local manifest = assert(manifests.read(MANIFEST:format(options.base_url, options.token, COUNT), "luaprov.lua"))
  local store = assert(stores.open(place))
  local args = { manifest = manifest, store = store, rows = {}, accounts = account.all(manifest, store),
                 lease = assert(store:lease { holder = "bench", seconds = guard.seconds(manifest) }),
                 parallel = AT_ONCE }
  args.plan = assert(plans.make { manifest = manifest, rows = args.rows, accounts = args.accounts })
  local result
  local times = timed(function() result = apply.run(args) end)
  assert(result.done == COUNT, "apply did not do all")
  args.lease:release()
  store:close()
  stop()
  return times
end

local folder = os.tmpname()
os.remove(folder)
os.execute("mkdir -m 700 " .. folder)
local shares = {}
for round = 1, tonumber(os.getenv "ROUNDS") or 3 do
  local calls, applied = by_calls(), by_apply(("%s/state%d.db"):format(folder, round))
  shares[round] = 1 - calls.cpu / applied.cpu
  print(("round %d, %d creates, %d at once: by map %.0f µs of CPU each (%.1f s), by apply %.0f µs (%.1f s): "
    .. "%.0f %% of apply's CPU outside the calls"):format(round, COUNT, AT_ONCE, calls.cpu / COUNT * 1e6, calls.wall,
    applied.cpu / COUNT * 1e6, applied.wall, shares[round] * 100))
end
os.execute("rm -rf " .. folder)
table.sort(shares)
print(("median %.0f %% (goal: under 25 %%)"):format(shares[(#shares + 1) // 2] * 100))
