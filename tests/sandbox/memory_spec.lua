-- A sandbox that runs for long keeps what its records need, and nothing else.
local boxes = require "tests.sandbox.boxes"
local json = require "luaprov.json"
local luaprov = require "luaprov"
local records = require "luaprov.sandbox.records"
local timers = require "luaprov.sandbox.timers"

local function kilobytes()
  for _ = 1, 3 do collectgarbage() end
  return collectgarbage "count"
end

describe("The sandbox's memory", function()
  after_each(boxes.stop)

  it("is flat over 20,000 records that come and go", function()
    local box = assert(boxes.start { "hubster", limits = false })
    local vendor = box.vendors[1]
    local function answer(method, path, body)
      local request = { method = method, path = path, query = "", body = body and json.encode(body) or "",
                        headers = { authorization = "Bearer sandbox-token" } }
      return vendor:answer(request, vendor:route(request))
    end
    local function rounds(count)
      for i = 1, count do
        local hub = json.decode(answer("POST", "/hubster/api/v1/hubs", { name = "h" .. i, description = "d" }).body)
        assert(answer("GET", "/hubster/api/v1/hubs/" .. hub.hubId).status == 200)
        assert(answer("DELETE", "/hubster/api/v1/hubs/" .. hub.hubId).status == 200)
      end
      return kilobytes()
    end
    local before = rounds(1000)
    local after = rounds(20000)
    assert.is_true(after < before + 100, before .. " KB before, " .. after .. " KB after")
    assert.equal(0, #box:records("hubster", "hubs"))
  end)

  it("is flat over calls that come over HTTP, and over faults and tokens", function()
    local box = assert(boxes.start { "onebox" })
    local onebox = assert(luaprov.client("onebox", { base_url = box.base_url.onebox, email = "sandbox-email",
      password = "sandbox-password", site_id = "sandbox-site-id" }))
    box:fault { fault = "slow", on = "onebox connections", seconds = 0 }
    local function rounds(count)
      for _ = 1, count do
        box:expire_tokens "onebox"
        assert(onebox.connections:list())
      end
      return kilobytes()
    end
    local before = rounds(1100)
    local after = rounds(1000)
    assert.is_true(after < before + 100, before .. " KB before, " .. after .. " KB after")
  end)

  it("of a list of records does not grow with those that were removed", function()
    local own = records.new { ids = "number", unique = true, key = { "name" } }
    local function add(name)
      local id = own:next_id()
      own:put { id = id, parents = {}, body = { name = name } }
      return id
    end
    local kept = {}
    for i = 1, 5000 do
      local id = add("n" .. i)
      if i % 100 == 0 then kept[#kept + 1] = id else assert(own:remove(id)) end
    end
    assert.is_true(#own.order < 500)
    local seen = {}
    for entry in own:each() do seen[#seen + 1] = entry.id end
    assert.same(kept, seen)
    assert.is_nil(own:remove(kept[1] - 1))
    assert.is_nil(own:like({ name = "n1" }, {}))
    assert.equal(kept[1], own:like({ name = "n100" }, {}).id)
  end)

  it("of what waits is a heap whose order holds", function()
    local at = 1
    for size = 1, 100 do
      local heap, times, done = timers.new(), {}, {}
      for i = 1, size do
        at = at * 16807 % 2147483647 -- as good as chance, and the same every time
        local own = at
        times[i] = own
        heap:add(own, function() done[#done + 1] = own end)
      end
      table.sort(times)
      assert.equal(times[1], heap:due())
      heap:run(times[math.ceil(size / 2)])
      assert.equal(math.ceil(size / 2), #done)
      heap:run(2147483647)
      assert.same(times, done)
      assert.is_nil(heap:due())
    end
  end)

  it("of what waits has what is added meanwhile, for the next time", function()
    local heap, done = timers.new(), {}
    heap:add(1, function() heap:add(1, function() done[#done + 1] = "later" end) end)
    heap:run(5)
    assert.same({ 0, 1 }, { #done, heap:due() })
    heap:run(5)
    assert.same({ "later" }, done)
  end)
end)
