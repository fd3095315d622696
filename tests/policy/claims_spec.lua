-- Whose record one is: what other clients of the account have made, and what is gone again.
local luaprov = require "luaprov"
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
end)
