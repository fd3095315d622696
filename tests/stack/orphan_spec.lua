-- What becomes of a create whose end nobody noted, and whose parent is there no more.
local account = require "luaprov.stack.account"
local settle = require "luaprov.stack.settle"
local stacks = require "tests.stack.stacks"
local stores = require "luaprov.stack.store"

describe("A create whose parent has gone", function()
  after_each(stacks.stop)

  local HUBS = 'local h = acme.hubs("h", { name = "H" })\nacme.hubs("o", { name = "O" })\n'
  local LINE = 'acme.lines("l", { hub = h.id, name = "L" })'

  local function orphaned(how)
    local stack = stacks.start()
    stack:apply(HUBS)
    local result = stack:apply(HUBS .. LINE, { on_plan = stacks[how] "create" })
    assert.equal(1, #result.unknown)
    return stack
  end

  it("has made nothing that is there, when the vendor has no such parent any more", function()
    for _, how in ipairs { "dies", "dies_before" } do
      local stack = orphaned(how)
      assert(stack.client.hubs:delete(stack:there()["hubs H"].id))
      local _, _, settled = stack:apply 'acme.hubs("o", { name = "O" })'
      assert.same({ {}, "absent", "acme.lines.l" },
        { settled.left, settled.settled[1].verdict, settled.settled[1].address })
      local rows, open = stack:rows()
      assert.same({ "O", nil, {} }, { rows["acme.hubs.o"].fields.name, rows["acme.lines.l"], open })
      stacks.stop()
    end
  end)

  -- A vendor that says "not found" to some requests.
  local function settled_with(stack, is_missing)
    local manifest, store = stack:manifest(HUBS .. LINE), assert(stores.open(stack.place))
    local state = manifest.account.acme.state
    local exchange = state.exchange
    state.exchange = function(request, what)
      local path = request.url:match "^%a+://[^/]+(/[^?]*)"
      if is_missing(what .. " " .. path) then request.url = request.url:gsub("/acme/.*", "/acme/nothing") end
      return exchange(request, what)
    end
    local lease = assert(store:lease { holder = "spec", seconds = 5, wait = 60 })
    local settled = assert(settle.open { manifest = manifest, store = store, lease = lease, rows = store:records(),
      accounts = account.all(manifest, store) })
    lease:release()
    store:close()
    return settled
  end

  it("stays open while the vendor has the parent, or cannot say", function()
    -- The parent's get, or its list, shows it; or nobody is told of anything.
    for _, missing in ipairs { "/lines$", "/lines$|^get ", "/lines$|^list /acme/hubs$", "" } do
      local stack = orphaned "dies"
      local settled = settled_with(stack, function(call)
        for pattern in (missing .. "|"):gmatch "([^|]*)|" do
          if call:find(pattern) then return true end
        end
      end)
      assert.same({}, settled.settled)
      assert.matches("the list cannot be read", settled.left[1].why)
      stack:apply(HUBS .. LINE)
      stack:is(HUBS .. LINE, { "hubs H", "hubs O", "lines L" })
      stacks.stop()
    end
  end)
end)
