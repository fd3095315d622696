-- Creates of which nobody is to look what became: what to look for is said.
local http = require "luaprov.http"
local luaprov = require "luaprov"
local support = require "tests.support"
local vendors = require "tests.policy.vendors"

local function acme(unique)
  return ([[return provider { title = "Acme", base_url = "https://acme.invalid", auth = bearer "token",
    errors = { message = "message" },
    resource "things" {
      path = "/things", key = { "name" }, settles_in = 0.2, %s
      text "name" { required = true },
      create = post { expect = 201 }, get = get {}, list = get { items = "items" },
    } }]]):format(unique)
end

describe("A create whose answer is lost", function()
  after_each(vendors.stop)

  it("is unknown, and nothing is looked for, where one try is all and the client does not settle", function()
    local vendor = vendors.start(acme "", { { fault = "drop" } })
    local calls = 0
    local off = luaprov.on("attempt", function() calls = calls + 1 end)
    local client = vendor:client { attempts = 1, settle = false }
    local err = vendor:is("unknown", 1, client.things:create { name = "n" })
    off()
    support.is_error({ kind = "network", has = "; whether it was created is not known; look for things with name 'n'" },
      err)
    assert.same({ 1, {}, "it may have been done" }, { calls, err.candidates, err.attempts[1].why })
  end)

  it("is unknown, and nothing is looked for, where it is cancelled", function()
    for _, unique in ipairs { "", "unique = true," } do
      for _, settle in ipairs { true, false } do
        local vendor = vendors.start(acme(unique), { { fault = "slow", acts_first = true, seconds = 5 } })
        local client, posted, calls = vendor:client { settle = settle, timeout = 10 }, nil, 0
        local record, err
        local task = luaprov.spawn(function() record, err = client.things:create { name = "n" } end)
        while not posted do
          luaprov.sleep(0.01)
          posted = #vendor:new() == 1
        end
        local off = luaprov.on("attempt", function() calls = calls + 1 end)
        local began = http.now()
        task:cancel()
        task:wait()
        off()
        vendor:is("unknown", 1, record, err)
        support.is_error({ kind = "cancelled",
          has = "not known: cancelled before it could be looked for; look for things with name 'n'" }, err)
        assert.same({ {}, 1 }, { err.candidates, calls })
        assert.is_true(http.now() - began < 4)
        vendors.stop()
      end
    end
  end)
end)
