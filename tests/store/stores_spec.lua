-- What must be so on SQLite and on PostgreSQL: the bindings, the state and its journal, the lease. In one file, so that
-- one server serves all of it.
local backends = require "tests.store.backends"
local support = require "tests.support"

-- Only a spec's own file has busted's words.
local words = setmetatable({
  assert = assert, describe = describe, it = it, before_each = before_each, after_each = after_each,
}, { __index = _G })

local function part(name)
  return assert(loadfile("tests/store/" .. name .. ".lua", "t", words))()
end

for _, name in ipairs { "sqlite", "postgres" } do
  local backend = backends[name]
  describe("on " .. backend.name, function()
    setup(backend.start)
    teardown(function()
      backend.stop()
      support.clean()
    end)
    for _, of in ipairs { "values", "statements", "journal", "lease" } do part(of)(backend) end
  end)
end
