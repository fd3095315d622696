-- What a plan is made of, looked for while the lease is held.
local core = require "luaprov.core"
local planning = require "luaprov.cli.stack.planning"

describe("Looking at the vendors", function()
  -- How often the lease is renewed while two records are looked at.
  local function renewed(left)
    local lease, count = { ends = core.now() + left, seconds = 60 }, 0
    function lease:renew()
      count, self.ends = count + 1, core.now() + 60
      return true
    end
    local rows = {}
    for i = 1, 2 do rows[i] = { address = "acme.hubs." .. i, provider = "acme", resource = "hubs", id = i } end
    assert.is_true(planning.look({ args = { json = true }, lease = lease,
      manifest = { accounts = {}, account = {}, record = {} } }, { rows = rows }))
    return count
  end

  it("keeps the lease, which would end in the midst of it", function()
    assert.equal(1, renewed(10))
    assert.equal(0, renewed(60))
  end)
end)
