-- What a commit costs: beside 100 records and beside 100,000, alone and together with others.
--
--   BUILD=build build/bin/luaprov tests/bench/store.lua [RECORDS] [ROUNDS] [sqlite|postgres]
--
-- The two states take turns, each round in the other order than the last, so that a busy moment meets both. A commit is
-- what an apply does after an answer: an intent is settled and its record is written.
package.path = "./?.lua;" .. package.path
local core = require "luaprov.core"
local stores = require "luaprov.stack.store"
local support = require "tests.support"

local large, rounds, only = tonumber(arg[1]) or 100000, tonumber(arg[2]) or 400, arg[3]
local SMALL, GROUP = 100, 64

local function record(number)
  return { record = {
    address = ("hubster.hubs.customer-%07d"):format(number), provider = "hubster", resource = "hubs",
    id = ("6f1c9f0e-%012d"):format(number), base_url = "https://hubster.example/v1", account = ("a"):rep(64),
    key = { name = "Customer " .. number }, fields = { name = "Customer " .. number, description = ("x"):rep(100) },
  } }
end

local function intent(store, number)
  local id = store:next_id()
  return { intent = { id = id, address = ("hubster.hubs.customer-%07d"):format(number), provider = "hubster",
    resource = "hubs", operation = "update", key = { name = "Customer " .. number }, within = 30,
    hash = ("b"):rep(64) } }, { settled = id, outcome = "done", result = { status = 200 } }
end

local function fill(place, count)
  local store = assert(stores.open(place))
  assert(store:lease { holder = "bench", seconds = 3600 })
  for first = 1, count, 5000 do
    local batch = {}
    for number = first, math.min(first + 4999, count) do batch[#batch + 1] = record(number) end
    assert(store:commit(batch))
  end
  return { store = store, count = count, single = {}, begun = {}, group = {} }
end

local function timed(list, fn, divisor)
  local before = core.now()
  assert(fn())
  list[#list + 1] = (core.now() - before) / (divisor or 1) * 1e6
end

local function any(state) return math.random(1, state.count) end

-- One alone: its intent, then its result.
local function one(state)
  local number = any(state)
  local begin, finish = intent(state.store, number)
  timed(state.begun, function() return state.store:commit { begin } end)
  timed(state.single, function() return state.store:commit { finish, record(number) } end)
end

-- As many results as came in one turn of the loop.
local function many(state)
  local begun, finished = {}, {}
  for i = 1, GROUP do
    local number = any(state)
    begun[i], finished[2 * i - 1] = intent(state.store, number)
    finished[2 * i] = record(number)
  end
  assert(state.store:commit(begun))
  timed(state.group, function() return state.store:commit(finished) end, GROUP)
end

local function median(list)
  table.sort(list)
  return list[math.ceil(#list / 2)], list[math.max(1, math.ceil(#list * 0.05))], list[math.ceil(#list * 0.95)]
end

local function line(what, list)
  local middle, low, high = median(list)
  print(("  %-44s median %7.0f us, from %.0f to %.0f (5 %% and 95 %%)"):format(what, middle, low, high))
  return middle
end

local function memory()
  local status = assert(io.open("/proc/self/status"))
  local kilobytes = tonumber(status:read("*a"):match("VmRSS:%s+(%d+)"))
  status:close()
  return kilobytes / 1024
end

local function bench(name, places)
  local states = { fill(places(), SMALL), fill(places(), large) }
  for _, state in ipairs(states) do one(state) end
  for round = 1, rounds do
    local first = round % 2 + 1
    for _, index in ipairs { first, 3 - first } do one(states[index]) end
    if round % 10 == 0 then
      for _, index in ipairs { first, 3 - first } do many(states[index]) end
    end
  end
  print(("store: %s, %d rounds"):format(name, rounds))
  local medians = {}
  for i, state in ipairs(states) do
    local beside = ("beside %d records"):format(state.count)
    medians[i] = { line("an intent, " .. beside, state.begun), line("a result, " .. beside, state.single),
      line(("a result, %d together, %s"):format(GROUP, beside), state.group) }
  end
  print(("  ratio of %d records to %d: an intent %.2f, a result %.2f, together %.2f"):format(large, SMALL,
    medians[2][1] / medians[1][1], medians[2][2] / medians[1][2], medians[2][3] / medians[1][3]))
  print(("  ratio of a result alone to one of %d together: %.1f beside %d records, %.1f beside %d"):format(GROUP,
    medians[1][2] / medians[1][3], SMALL, medians[2][2] / medians[2][3], large))
  collectgarbage()
  collectgarbage()
  local held, before = memory(), core.now()
  local records = assert(states[2].store:records())
  print(("  %d records read in %.2f s, %.0f MB"):format(#records, core.now() - before, memory() - held))
  for _, state in ipairs(states) do state.store:close() end
end

math.randomseed(7)
if only ~= "postgres" then bench("SQLite", function() return support.folder() .. "/state.db" end) end
if only ~= "sqlite" then
  local found, server = pcall(function() return require("tests.store.server").start() end)
  if found then
    local ok, why = pcall(bench, "PostgreSQL on this machine, over TCP", function() return server:fresh() end)
    server:stop()
    if not ok then print("  " .. tostring(why)) end
  else
    print("store: PostgreSQL is not measured: " .. tostring(server))
  end
end
support.clean()
