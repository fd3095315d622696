-- Runs that died with calls whose end nobody noted, and what the next one makes of them.
local account = require "luaprov.stack.account"
local runtime = require "luaprov.runtime"
local settle = require "luaprov.stack.settle"
local stacks = require "tests.stack.stacks"
local stores = require "luaprov.stack.store"

local HUB = 'acme.hubs("h", { name = "H", about = "one", pin = secret "0001" })'

local function died(stack, text, how)
  local result = stack:apply(text, { on_plan = how })
  assert(#result.unknown == 1, "nothing died")
  return result
end

-- As the command does it.
local function by_hand(stack, text, address, id)
  local manifest = stack:manifest(text)
  local store = assert(stores.open(stack.place))
  local lease = assert(store:lease { holder = "spec", seconds = 5, wait = 60 })
  local ok, err = settle.by_hand { manifest = manifest, store = store, lease = lease, address = address, id = id,
    accounts = account.all(manifest, store), rows = assert(store:records()) }
  lease:release()
  store:close()
  return ok, err
end

describe("A run after one that died", function()
  after_each(stacks.stop)

  it("finds a create that was carried out, and knows its secrets where the manifest is the same", function()
    local stack = stacks.start()
    died(stack, HUB, stacks.dies "create")
    local result, _, settled = stack:apply(HUB)
    assert.same({ "found", "acme.hubs.h", "create" },
      { settled.settled[1].verdict, settled.settled[1].address, settled.settled[1].op })
    assert.same({ 0, {}, {} }, { result.done, result.failed, result.unknown })
    stack:is(HUB, { "hubs H" })
  end)

  it("makes a create again that was not, when it can be no more", function()
    local stack = stacks.start()
    died(stack, HUB, stacks.dies_before "create")
    local result, _, settled = stack:apply(HUB)
    assert.equal("absent", settled.settled[1].verdict)
    assert.equal(1, result.done)
    stack:is(HUB, { "hubs H" })
  end)

  it("goes by what was sent, and not by what is declared today", function()
    local stack = stacks.start()
    died(stack, HUB, stacks.dies "create")
    local today = 'acme.hubs("h", { name = "Other", about = "two", pin = secret "0002" })'
    local result, plan, settled = stack:apply(today)
    assert.equal("found", settled.settled[1].verdict)
    assert.same({ 0, 1 }, { plan.counts.create, plan.counts.update + plan.counts.replace })
    assert.same({ {}, {} }, { result.failed, result.unknown })
    stack:is(today, { "hubs Other" })
  end)

  it("deletes what an earlier one has made and nobody declares any more", function()
    local stack = stacks.start()
    died(stack, HUB, stacks.dies "create")
    local result = stack:apply("")
    assert.equal(1, result.done)
    stack:is("", {})
  end)

  it("takes nobody's that has the key and was there before, or is another in a field", function()
    local stack = stacks.start { settles_in = 0.2, faults = {
      { fault = "others", on = "acme hubs", records = { { name = "H", about = "one" } } } } }
    died(stack, HUB, stacks.dies_before "create")
    stack.client.hubs:create { name = "H", about = "somebody's" }
    local result, _, settled = stack:apply(HUB)
    assert.same({}, settled.settled)
    assert.matches("a new record has its key", settled.left[1].why)
    assert.equal("somebody's", settled.left[1].candidates[1].about)
    assert.same({ 0, 1 }, { result.done, #result.unknown })
    assert.same({ ["hubs H"] = 2 }, (select(2, stack:there())))
  end)

  it("is told by hand which record it is, or that there is none", function()
    for _, adopt in ipairs { true, false } do
      local stack = stacks.start()
      local text = 'acme.boxes("b", { name = "B" })'
      died(stack, text, stacks[adopt and "dies" or "dies_before"] "create")
      local _, _, settled = stack:apply(text)
      assert.matches("no list", settled.left[1].why)
      local id = adopt and stack:there()["boxes B"].id or nil
      if adopt then
        local ok, err = by_hand(stack, text, "acme.boxes.b", "no-such-id")
        assert.is_nil(ok)
        assert.equal("not_found", err.kind)
      end
      assert.is_true(by_hand(stack, text, "acme.boxes.b", id))
      assert.equal(adopt and 0 or 1, stack:apply(text).done)
      stack:is(text, { "boxes B" })
      local ok, err = by_hand(stack, text, "acme.boxes.b", id)
      assert.is_nil(ok)
      assert.matches("nothing is open of acme.boxes.b", err.message)
      stacks.stop()
    end
  end)

  it("leaves open what there was no time for", function()
    local stack = stacks.start()
    died(stack, HUB, stacks.dies "create")
    local manifest, store = stack:manifest(HUB), assert(stores.open(stack.place))
    local lease = assert(store:lease { holder = "spec", seconds = 5, wait = 60 })
    local settled
    local task = runtime.spawn(function()
      runtime.event():wait()
      settled = assert(settle.open { manifest = manifest, store = store, lease = lease, rows = {},
        accounts = account.all(manifest, store) })
    end)
    runtime.spawn(function() task:cancel() end)
    task:wait()
    assert.same({ 0, "acme.hubs.h" }, { #settled.settled, settled.left[1].address })
    assert.equal("unknown", settle.left(settled.left[1]).outcome)
    lease:release()
    store:close()
  end)

  it("sends a secret again of which nobody knows whether it was changed", function()
    for _, how in ipairs { "dies", "dies_before" } do
      local stack = stacks.start()
      stack:apply(HUB)
      local changed = HUB:gsub("0001", "0002"):gsub('"one"', '"two"')
      died(stack, changed, stacks[how] "update")
      -- It was perhaps not wanted after all.
      local _, plan, settled = stack:apply(HUB)
      assert.equal("again", settled.settled[1].verdict)
      -- This vendor shows what it has.
      assert.equal(how == "dies" and 1 or 0, plan.counts.update)
      stack:is(HUB, { "hubs H" })
      stacks.stop()
    end
  end)

  it("deletes what was to be deleted, whether or not it was", function()
    for _, how in ipairs { "dies", "dies_before" } do
      local stack = stacks.start()
      stack:apply(HUB)
      died(stack, "", stacks[how] "delete")
      assert.equal("again", select(3, stack:apply("")).settled[1].verdict)
      stack:is("", {})
      stacks.stop()
    end
  end)

  it("deletes what was to be replaced, when somebody says which the new one is", function()
    local stack = stacks.start()
    stack:apply(HUB)
    local other = 'acme.hubs("h", { name = "H2", site = "there" })'
    died(stack, other, stacks.dies "create")
    assert.is_true(by_hand(stack, other, "acme.hubs.h", stack:there()["hubs H2"].id))
    stack:apply(other)
    stack:is(other, { "hubs H2" })
  end)

  it("deletes what has been replaced only when nothing names it any more", function()
    for _, how in ipairs { "dies", "dies_before" } do
      local stack = stacks.start()
      local phone = '\nacme.phones("p", { name = "P", hub = acme.hubs.h.id })'
      stack:apply(HUB .. phone)
      local id = stack:there()["phones P"].id
      local other = 'acme.hubs("h", { name = "H2", site = "there" })' .. phone
      died(stack, other, stacks[how] "update")
      local _, _, settled = stack:apply(other)
      assert.equal(1, #settled.later)
      -- This vendor deletes a hub's phones with it.
      assert.equal(id, stack:there()["phones P"].id)
      stack:is(other, { "hubs H2", "phones P" })
      stacks.stop()
    end
  end)

  it("deletes what has been replaced, though the state has the new one in its place", function()
    for _, how in ipairs { "dies", "dies_before" } do
      local stack = stacks.start()
      stack:apply(HUB)
      local other = 'acme.hubs("h", { name = "H2", site = "there" })'
      local _, plan = nil, nil
      stack:apply(other, { on_plan = function(made, args)
        plan = made
        stacks[how] "delete"(made, args)
      end })
      assert.equal("create", plan.step["acme.hubs.h"].first)
      assert.equal(1, #select(2, stack:rows()))
      local result, _, settled = stack:apply(other)
      assert.equal("deleted", settled.settled[1].verdict)
      assert.equal(0, result.done)
      stack:is(other, { "hubs H2" })
      stacks.stop()
    end
  end)

  it("deletes what was to be replaced by the one that it finds", function()
    for _, how in ipairs { "dies", "dies_before" } do
      local stack = stacks.start()
      stack:apply(HUB)
      local other = 'acme.hubs("h", { name = "H2", site = "there" })'
      died(stack, other, stacks[how] "create")
      local _, _, settled = stack:apply(other)
      local verdicts = {}
      for i, entry in ipairs(settled.settled) do verdicts[i] = entry.verdict end
      assert.same(how == "dies" and { "found", "deleted" } or { "absent" }, verdicts)
      stack:is(other, { "hubs H2" })
      stacks.stop()
    end
  end)

  it("deletes nothing that has another address by now", function()
    local stack = stacks.start()
    stack:apply(HUB)
    local row = stack:rows()["acme.hubs.h"]
    local other = 'acme.hubs("h", { name = "H2", site = "there" })'
    died(stack, other, stacks.dies_before "delete")
    row.address = "acme.hubs.old"
    stack:put(row)
    local both = other .. '\nacme.hubs("old", { name = "H", about = "one", pin = secret "0001" })'
    local _, _, settled = stack:apply(both)
    assert.same({ "kept", row.id }, { settled.settled[1].verdict, settled.settled[1].id })
    stack:is(both, { "hubs H", "hubs H2" })
  end)

  it("takes nobody's word that its record is that of another address", function()
    local stack = stacks.start()
    local one = 'acme.boxes("b", { name = "B" })'
    stack:apply(one)
    local both = one .. '\nacme.boxes("c", { name = "C" })'
    died(stack, both, stacks.dies "create")
    local ok, err = by_hand(stack, both, "acme.boxes.c", stack:there()["boxes B"].id)
    assert.is_nil(ok)
    assert.matches("is that of acme.boxes.b", tostring(err))
    assert.is_true(by_hand(stack, both, "acme.boxes.c", stack:there()["boxes C"].id))
    stack:is(both, { "boxes B", "boxes C" })
  end)

  it("leaves to its account what another account has begun", function()
    local stack = stacks.start()
    died(stack, HUB, stacks.dies "create")
    local head = stack.head
    stack.head = head:gsub('token = secret "', 'token = secret "other')
    local result, _, settled = stack:apply("")
    assert.same({ 0, 1 }, { result.done, #settled.left })
    assert.matches("no account of acme with the credentials .*%-%-same%-account acme", settled.left[1].why)
    stack.head = head
    stack:apply(HUB)
    stack:is(HUB, { "hubs H" })
  end)
end)

describe("A record that somebody names", function()
  after_each(stacks.stop)

  local TEXT = [[return provider { title = "Acme", base_url = "https://acme.invalid", auth = bearer "token",
    errors = { message = "message" },
    resource "keys" { path = "/keys", ids = "number", text "name" { required = true },
      create = post { expect = 201 }, delete = delete { expect = 204 } %s },
  }]]

  it("has the id that the vendor gives, where there is no get", function()
    for _, list in ipairs { "", ', list = get { items = "items" }' } do
      local stack = stacks.start { provider = TEXT:format(list) }
      local text = 'acme.keys("k", { name = "K" })'
      died(stack, text, stacks.dies "create")
      local id = stack:there()["keys K"].id
      if list ~= "" then
        local ok, err = by_hand(stack, text, "acme.keys.k", "77")
        assert.is_nil(ok)
        assert.equal("not_found", err.kind)
      end
      assert.is_true(by_hand(stack, text, "acme.keys.k", tostring(id)))
      assert.equal(tonumber(id), stack:rows()["acme.keys.k"].id)
      stacks.stop()
    end
  end)
end)

describe("A run with new credentials of the same account", function()
  after_each(stacks.stop)

  it("settles what was begun with the old ones, where somebody says so", function()
    local stack = stacks.start()
    local both = 'acme.hubs("a", { name = "A" })\nacme.hubs("b", { name = "B" })'
    stack:apply 'acme.hubs("a", { name = "A" })'
    died(stack, both, stacks.dies "create")
    -- As if the old ones had been others.
    local store = assert(stores.open(stack.place))
    local lease = assert(store:lease { holder = "spec", seconds = 5, wait = 60 })
    store.db:transaction("write", function(db)
      db:query "UPDATE luaprov_intents SET account = 'another'"
      return true
    end)
    lease:release()
    store:close()
    assert.equal(1, #select(3, stack:apply(both)).left)
    local result, _, settled = stack:apply(both, { same_accounts = { "acme" } })
    assert.same({ "found", "acme.hubs.b" }, { settled.settled[1].verdict, settled.settled[1].address })
    assert.equal(0, result.done)
    stack:is(both, { "hubs A", "hubs B" })
  end)
end)

describe("The lease", function()
  after_each(stacks.stop)

  it("stops the sending when somebody else has it", function()
    local stack = stacks.start()
    local text = 'local a = acme.hubs("a", { name = "A" })\nacme.lines("l", { hub = a.id, name = "L" })'
    local result = stack:apply(text, { on_plan = function(_, args)
      local state, other = args.manifest.account.acme.state, nil
      local exchange = state.exchange
      state.exchange = function(request, what)
        local response, err, part = exchange(request, what)
        -- Its time was over while the answer was on its way: somebody else has it.
        if what == "create" and not other then
          local store = assert(stores.open(stack.place))
          args.store.db:transaction("write", function(db)
            db:query("UPDATE luaprov_lease SET ends = 0 WHERE name = 'apply'")
            return true
          end)
          other = assert(store:lease { holder = "somebody else", seconds = 1 })
        end
        return response, err, part
      end
    end, keep = true })
    assert.equal("lost", result.broken.kind)
    assert.matches("somebody else", result.broken.message)
    assert.same({ 0, 1, 1 }, { result.done, #result.unknown, #result.skipped })
    assert.is_nil(stack:there()["lines L"])
    stack:apply(text)
    stack:is(text, { "hubs A", "lines L" })
  end)
end)
