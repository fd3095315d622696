-- A sandbox that runs for long keeps what its records need, and nothing else.
local boxes = require "tests.sandbox.boxes"
local json = require "luaprov.json"
local luaprov = require "luaprov"
local records = require "luaprov.sandbox.records"

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
    -- 20,000 records that stayed would be several megabytes; what other specs have left may be counted, too.
    assert.is_true(after < before + 1000, before .. " KB before, " .. after .. " KB after")
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
end)
