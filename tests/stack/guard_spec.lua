-- How long the lease lasts when something is to be sent.
local core = require "luaprov.core"
local guards = require "luaprov.stack.guard"
local stacks = require "tests.stack.stacks"

-- A lease that lasts so long, and as long as it was taken for when it is renewed.
local function lease_of(left, seconds)
  local lease = { ends = core.now() + left, seconds = seconds, renewed = 0 }
  function lease:renew()
    self.ends, self.renewed = core.now() + self.seconds, self.renewed + 1
    return true
  end
  return lease
end

describe("A guard", function()
  local guard

  after_each(function() guard:stop() end)

  it("leaves time for what is written before something is sent", function()
    local lease = lease_of(30, 3600)
    guard = guards.new(lease, { accounts = {} })
    assert.is_true(guard:reach(lease.ends))
    assert.equal(1, lease.renewed)
    assert.is_true(guard:reach(core.now() + 30))
    assert.equal(1, lease.renewed)
  end)

  it("lets nothing be sent that no lease can last for", function()
    guard = guards.new(lease_of(30, 30), { accounts = {} })
    local ok, err = guard:reach(core.now() + 3600)
    assert.is_nil(ok)
    assert.same({ "not_sent", "nothing was sent: a try takes longer than the lease of the state lasts" },
      { err.outcome, err.message })
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
