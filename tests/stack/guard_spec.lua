-- The lease while an apply goes on: long enough for whatever is sent.
local core = require "luaprov.core"
local guards = require "luaprov.stack.guard"
local stacks = require "tests.stack.stacks"

local function manifest_of(timeout) return { accounts = { { state = { timeout = timeout } } } } end

-- One that counts how often it is renewed.
local function lease_of(seconds, left)
  return {
    seconds = seconds, ends = core.now() + left, renewed = 0,
    renew = function(self)
      self.renewed, self.ends = self.renewed + 1, core.now() + self.seconds
      return true
    end,
  }
end

describe("The guard of an apply", function()
  after_each(stacks.stop)

  it("renews a lease that would be just long enough, and none that is longer", function()
    for left, renewed in pairs { [1000.5] = 1, [1400] = 1, [1600] = 0, [500] = 1 } do
      local lease = lease_of(2000, left)
      local guard = guards.new(lease, manifest_of(1000))
      assert.is_true(guard:reach(core.now() + 1000))
      guard:stop()
      assert.equal(renewed, lease.renewed, left)
      assert.is_true(lease.ends >= core.now() + 999)
    end
  end)

  it("refuses what takes longer than the lease can last", function()
    local guard = guards.new(lease_of(900, 900), manifest_of(1000))
    local ok, err = guard:reach(core.now() + 1000)
    guard:stop()
    assert.is_nil(ok)
    assert.equal("not_sent", err.outcome)
    assert.matches("a try takes longer than the lease", err.message)
  end)

  it("is asked again when writing the intent took what was left of the lease", function()
    local stack, struck = stacks.start(), 0
    local text = 'acme.hubs("h", { name = "H" })'
    local result = stack:apply(text, { on_plan = function(_, args)
      local commit = args.store.commit
      function args.store:commit(items)
        if struck < 2 and items[1].intent then
          struck = struck + 1
          args.lease.ends = core.now() + 0.1 -- a try takes half a second
        end
        return commit(self, items)
      end
    end })
    assert.same({ 2, 1, {} }, { struck, result.done, result.failed })
    stack:is(text, { "hubs H" })
  end)
end)

describe("An apply", function()
  after_each(stacks.stop)

  it("renews the lease again when writing the intent took what was left of it", function()
    local stack, struck = stacks.start(), 0
    local text = 'acme.hubs("h", { name = "H" })'
    local result = stack:apply(text, { on_plan = function(_, args)
      local commit = args.store.commit
      function args.store:commit(items)
        if struck < 2 and items[1].intent then
          struck = struck + 1
          args.lease.ends = core.now() + 0.1 -- a try takes half a second
        end
        return commit(self, items)
      end
    end })
    assert.same({ 2, 1, {} }, { struck, result.done, result.failed })
    stack:is(text, { "hubs H" })
  end)
end)
