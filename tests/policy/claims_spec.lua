-- Whose record one is: what other clients of the account have made, and what is gone again.
local luaprov = require "luaprov"
local notes = require "luaprov.policy.notes"
local things = require "tests.policy.things"
local vendors = require "tests.policy.vendors"

local acme, thing = things.acme, things.thing

describe("A create whose answer is lost", function()
  after_each(vendors.stop)

  it("is not one that a client of the same account has made meanwhile, which does not settle", function()
    local vendor = vendors.start(acme(), { { fault = "drop", acts = false, after = 2, times = 1 } })
    local client, other = vendor:client(), vendor:client { settle = false }
    local ids = { assert(client.things:create(thing { name = "before" })).id, assert(other.things:create(thing())).id,
                  assert(client.things:create(thing())).id }
    for i, id in ipairs(ids) do ids[i] = tostring(id) end
    assert.same(vendor:new(), ids)
  end)

  it("is not one that such a client makes at the same time", function()
    local vendor = vendors.start(acme(), {
      { fault = "slow", acts_first = true, seconds = 0.7, after = 1, times = 1 },
      { fault = "drop", acts = false, after = 1, times = 1 },
    })
    local client, other = vendor:client(), vendor:client { settle = false, timeout = 5 }
    assert(client.things:create(thing { name = "before" }))
    local task = luaprov.spawn(function() return assert(other.things:create(thing())) end)
    luaprov.sleep(0.05)
    local ours = assert(client.things:create(thing()))
    local theirs = task:wait()
    assert.same({ tostring(theirs.id), tostring(ours.id) }, { vendor:new()[2], vendor:new()[3] })
  end)

  it("is not one that such a client has made perhaps", function()
    local vendor = vendors.start(acme(), {
      { fault = "drop", after = 1, times = 1 }, { fault = "drop", acts = false, after = 1, times = 1 },
    })
    local client, other = vendor:client(), vendor:client { settle = false, attempts = 1 }
    assert(client.things:create(thing { name = "before" }))
    assert.equal("unknown", select(2, other.things:create(thing())).outcome)
    assert.equal(tostring(assert(client.things:create(thing())).id), vendor:new()[3])
  end)

  it("is made anew although one that is equal was removed just now", function()
    for _, acts in ipairs { true, false } do
      local vendor = vendors.start(acme(), { { fault = "drop", acts = acts, after = 2, times = 1 } })
      local client, last = vendor:client(), nil
      assert(client.things:create(thing { name = "before" }))
      for _ = 1, 2 do
        local record = assert(client.things:create(thing()))
        assert.not_equal(last, record.id)
        assert.is_true(client.things:delete(record.id))
        last = record.id
      end
      local live, made = vendor:records()
      local count = 0
      for id in pairs(live) do count = count + (vendor.before[id] and 0 or 1) end
      assert.same({ 1, 3 }, { count, made })
      vendors.stop()
    end
  end)

  it("leaves nothing known of what was removed", function()
    local vendor = vendors.start(nil, {}, "hubster")
    local client = vendor:client { timeout = 5 }
    local hub = assert(client.hubs:create { name = "n", description = "d", statusId = 2000 })
    local made = assert(client.integrations:create {
      hubId = hub.id, channelId = "WebChat", name = "chat",
      configuration = { allowedOrigins = { "https://acme.invalid" } },
    })
    for _, each in ipairs { { client.integrations, made, { hubId = hub.id } }, { client.hubs, hub, {} } } do
      local resource, record, parents = each[1], each[2], each[3]
      local collection = notes.collection(resource.state, resource.description, parents)
      local id = notes.id(record.id)
      assert.is_true(collection.note.known[id] and collection.claimed[id] ~= nil)
      assert(resource:delete(record.id, parents))
      assert.same({}, { collection.note.known[id], collection.claimed[id] })
    end
  end)
end)
