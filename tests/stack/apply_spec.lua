-- Plans that are done at a vendor in a process of its own, and what the state has afterwards.
local stacks = require "tests.stack.stacks"
local stores = require "luaprov.stack.store"
local support = require "tests.support"

local TWO = [[
local hub = acme.hubs("main", { name = "Main", about = "the first" })
acme.lines("a", { hub = hub.id, name = "A" })
acme.lines("b", { hub = hub.id, name = "B", to = "of " .. hub.id })
]]

local function addresses(list)
  local out = {}
  for i, entry in ipairs(list) do out[i] = type(entry) == "table" and entry.address or entry end
  table.sort(out)
  return out
end

describe("apply", function()
  after_each(stacks.stop)

  it("makes what is declared, with what is known only then, and once", function()
    local stack = stacks.start()
    local result = stack:apply(TWO)
    assert.same({ 3, 0, 0, 0 }, { result.done, #result.failed, #result.unknown, #result.skipped })
    stack:is(TWO, { "hubs Main", "lines A", "lines B" })
    local there = stack:there()
    assert.equal("of " .. there["hubs Main"].id, there["lines B"].to)
    assert.equal(0, stack:apply(TWO).done)
  end)

  it("changes in place, replaces and deletes, in an order that holds", function()
    local stack = stacks.start()
    stack:apply(TWO)
    local changed = TWO:gsub('"the first"', '"the second"')
    assert.equal(1, stack:apply(changed).done)
    assert.equal("the second", stack:there()["hubs Main"].about)
    stack:is(changed, { "hubs Main", "lines A", "lines B" })
    -- A fixed field: the hub goes first, as its key stays, and its lines with it.
    local replaced = changed:gsub('about = "the second"', 'site = "elsewhere"')
    local before = stack:there()["hubs Main"].id
    local result, plan = stack:apply(replaced)
    assert.same({ {}, {} }, { result.failed, result.unknown })
    assert.equal("delete", plan.step["acme.hubs.main"].first)
    assert.not_equal(before, stack:there()["hubs Main"].id)
    stack:is(replaced, { "hubs Main", "lines A", "lines B" })
    local renamed = replaced:gsub('"Main"', '"Other"'):gsub("elsewhere", "here")
    result, plan = stack:apply(renamed)
    assert.same({ {}, {} }, { result.failed, result.unknown })
    assert.equal("create", plan.step["acme.hubs.main"].first)
    stack:is(renamed, { "hubs Other", "lines A", "lines B" })
    stack:apply("")
    stack:is("", {})
  end)

  it("gives a key that a vendor keeps unique away before another record takes it", function()
    local stack = stacks.start { unique = true }
    local text = 'acme.hubs("%s", { name = "%s" })\nacme.hubs("%s", { name = "%s" })\n'
    -- Whoever takes it stands first, as an older record, and as a new one.
    stack:apply(text:format("b", "B", "c", "C"))
    local handed = text:format("b", "C", "c", "D") .. 'acme.hubs("a", { name = "B" })'
    local result, plan = stack:apply(handed)
    assert.same({ 3, {}, {} }, { result.done, result.failed, plan.notes })
    stack:is(handed, { "hubs B", "hubs C", "hubs D" })
    -- Nobody can be the first of a ring.
    local ring = text:format("b", "D", "c", "C") .. 'acme.hubs("a", { name = "B" })'
    result, plan = stack:apply(ring)
    assert.same({ 0, 2 }, { result.done, #result.failed })
    assert.same({ { address = "acme.hubs.b", message = "exchanges its key with acme.hubs.c: the vendor keeps keys "
      .. "unique, and refuses that; apply another key for one of them first" } }, plan.notes)
    stack:apply((ring:gsub('"D"', '"E"')))
    assert.equal(1, stack:apply(ring).done)
    stack:is(ring, { "hubs B", "hubs C", "hubs D" })
  end)

  it("goes by the key that a record has at the vendor, where somebody has changed it there", function()
    local stack = stacks.start { unique = true }
    local text = 'acme.hubs("a", { name = "A" })\nacme.hubs("b", { name = "B" })\n'
    stack:apply(text)
    local rows = stack:rows()
    assert(stack.client.hubs:update(rows["acme.hubs.a"].id, { name = "Y" }))
    assert(stack.client.hubs:update(rows["acme.hubs.b"].id, { name = "A" }))
    local more = 'acme.hubs("c", { name = "Y" })\n' .. text
    local result = stack:apply(more, { parallel = 1 })
    assert.same({ 3, {} }, { result.done, result.failed })
    stack:is(more, { "hubs A", "hubs B", "hubs Y" })
  end)

  it("gives a key away within the parent that a record leaves", function()
    local provider = stacks.ACME:gsub('key = { "hub", "name" }', 'key = { "name" }, unique = true')
      :format("", "0.2")
    local stack = stacks.start { provider = provider }
    local text = [[local one, two = acme.hubs("one", { name = "One" }), acme.hubs("two", { name = "Two" })
      acme.lines("taker", { hub = one.id, name = "%s" })
      acme.lines("giver", { hub = %s.id, name = "X" })]]
    stack:apply(text:format("Y", "one"))
    local moved = text:format("X", "two")
    local _, plan = stack:apply(moved)
    assert.same({ "replace", "delete" }, { plan.step["acme.lines.giver"].action, plan.step["acme.lines.giver"].first })
    assert.equal("acme.lines.giver", plan.step["acme.lines.taker"].takes_key_of)
  end)

  it("keeps the order of keys that can be given away beside others that cannot, of which the plan tells", function()
    local provider = stacks.ACME:gsub('path = "/cards",', '%0 unique = true, settles_in = 0.2, text "pal" {}, '
      .. 'update = patch {}, list = get { items = "items" },'):format("unique = true,", "0.2")
    local stack = stacks.start { provider = provider }
    local text = [[acme.hubs("taker", { name = "%s" })
      acme.hubs("giver", { name = "%s" })
      local one = acme.cards("one", { name = "%s" })
      acme.cards("two", { name = "%s", pal = one.id })]]
    stack:apply(text:format("A", "B", "A", "B"))
    -- The second card is made anew with the id of the first one, which is to have its key.
    local result, plan = stack:apply(text:format("B", "C", "B", "C"), { parallel = 1 })
    assert.same({ 2, "acme.cards.one" }, { result.done, result.failed[1].address, result.failed[2] })
    assert.same({ { address = "acme.cards.one", message = "takes the key of acme.cards.two, which has to wait for it: "
      .. "the vendor keeps keys unique, and refuses that; apply another key for one of them first" } }, plan.notes)
    stack:apply(text:format("B", "C", "A", "C"))
    assert.same({}, stack:apply(text:format("B", "C", "B", "C")).failed)
  end)

  it("ends when whoever is told of it raises an error: what had begun is written down, and nothing more begins",
    function()
      local stack = stacks.start()
      local ok, why = pcall(stack.apply, stack, TWO, { on_event = function(event)
        if event.what == "done" then error("nobody hears this", 0) end
      end })
      assert.same({ false, "nobody hears this" }, { ok, why })
      assert.is_truthy(stack:there()["hubs Main"])
      assert.is_nil(stack:there()["lines A"])
    end)

  it("makes anew what the vendor has deleted with what it belonged to", function()
    local stack = stacks.start()
    local text = 'local hub = acme.hubs("h", { name = "H", site = "%s" })\n'
      .. 'acme.phones("p", { hub = hub.id, name = "P" })'
    stack:apply(text:format "here")
    local phone = stack:rows()["acme.phones.p"].id
    local result = stack:apply(text:format "there", { on_plan = function(plan, args)
      assert.equal("delete", plan.step["acme.hubs.h"].first)
      local state = args.manifest.account.acme.state
      local exchange = state.exchange
      state.exchange = function(request, what)
        if what == "delete" then assert(stack.client.phones:delete(phone)) end
        return exchange(request, what)
      end
    end })
    assert.same({ {}, {} }, { result.failed, result.unknown })
    stack:is(text:format "there", { "hubs H", "phones P" })
  end)

  it("deletes what has the key before another takes it, and says how to keep it", function()
    for _, text in ipairs {
      'acme.hubs("new", { name = "H" })',
      -- Here the line has to name the new hub before the old one can go: the vendor refuses, each time.
      'local hub = acme.hubs("new", { name = "H" })\nacme.phones("p", { hub = hub.id, name = "P" })',
    } do
      local stack = stacks.start { unique = true }
      stack:apply((text:gsub('"new"', '"old"')))
      local result, plan = stack:apply(text)
      assert.equal("acme.hubs.new", plan.notes[1].address)
      assert.matches("luaprov state mv acme.hubs.old acme.hubs.new keeps it", plan.notes[1].message)
      local has_phone = text:find "phones" ~= nil
      assert.equal(has_phone and 1 or 0, #result.failed)
      if not has_phone then stack:is(text, { "hubs H" }) end
      stacks.stop()
    end
  end)

  it("lets one that fails stop only what needs it, and picks up the rest next time", function()
    local stack = stacks.start { faults = { { fault = "status", status = 403, on = "acme hubs create",
                                              after = 1, times = 1 } } }
    local text = [[
      for _, name in ipairs { "a", "b", "c" } do
        local hub = acme.hubs(name, { name = name })
        acme.lines(name, { hub = hub.id, name = name })
      end]]
    local result = stack:apply(text)
    assert.same({ 4, 1, 0, 1 }, { result.done, #result.failed, #result.unknown, #result.skipped })
    assert.equal("refused", result.failed[1].err.outcome)
    assert.equal(result.failed[1].address:gsub("hubs", "lines"), result.skipped[1])
    assert.equal(2, stack:apply(text).done)
    stack:is(text, { "hubs a", "hubs b", "hubs c", "lines a", "lines b", "lines c" })
  end)

  for _, acts in ipairs { true, false } do
    it("loses and doubles nothing when an answer is lost; the vendor "
      .. (acts and "acted" or "did not act"), function()
      local stack = stacks.start { faults = { { fault = "drop", acts = acts, times = 2 } } }
      local result = stack:apply(TWO)
      assert.same({ 3, {}, {} }, { result.done, result.failed, result.unknown })
      stack:is(TWO, { "hubs Main", "lines A", "lines B" })
    end)
  end

  it("takes nobody else's record of the same key, and touches none", function()
    local stack = stacks.start { faults = {
      { fault = "others", on = "acme hubs", records = { { name = "Main", about = "the first" } } },
      { fault = "drop", on = "acme hubs create", times = 1 },
    } }
    local foreign = stack:there()["hubs Main"].id
    local result = stack:apply(TWO)
    assert.same({ 3, {}, {} }, { result.done, result.failed, result.unknown })
    assert.not_equal(foreign, stack:rows()["acme.hubs.main"].id)
    assert.same({ ["hubs Main"] = 2, ["lines A"] = 1, ["lines B"] = 1 }, (select(2, stack:there())))
  end)

  it("leaves open what nobody can look up, stops what needs it alone, and makes it no second time", function()
    local stack = stacks.start { faults = { { fault = "drop", on = "acme boxes create" } } }
    local text = 'acme.boxes("x", { name = "X" })\nacme.hubs("h", { name = "H" })'
    local result = stack:apply(text)
    assert.same({ 1, {}, { "acme.boxes.x" } }, { result.done, result.failed, addresses(result.unknown) })
    local again, _, settled = stack:apply(text)
    assert.same({ 0, { "acme.boxes.x" } }, { again.done, addresses(again.unknown) })
    assert.matches("no list, or no key", settled.left[1].why)
    assert.equal(1, select(2, stack:there())["boxes X"])
  end)

  it("finds by what the journal says what an earlier run could not", function()
    -- The answer is lost, and so are all lists of that run after the first.
    local stack = stacks.start { patience = 0.5, faults = {
      { fault = "drop", on = "acme hubs create", times = 1 },
      { fault = "status", status = 500, on = "acme hubs list", after = 1, times = 30 },
    } }
    local text = 'acme.hubs("h", { name = "H", pin = secret "0000" })'
    local result = stack:apply(text)
    assert.same({ 0, {}, { "acme.hubs.h" } }, { result.done, result.failed, addresses(result.unknown) })
    assert.equal(1, #select(2, stack:rows()))
    local settled, last
    for _ = 1, 40 do
      last, _, settled = stack:apply(text)
      if settled.settled[1] then break end
    end
    assert.equal("found", settled.settled[1].verdict)
    assert.same({ 0, {}, {} }, { last.done, last.failed, last.unknown })
    stack:is(text, { "hubs H" })
  end)

  it("says that a vendor takes an update and ignores it", function()
    local stack = stacks.start()
    stack:apply('acme.hubs("h", { name = "H", about = "one" })')
    stack.provider.resource.hubs.shape.by_name.about.fixed = nil
    local text = 'acme.hubs("h", { name = "H", about = "two" })'
    local result = stack:apply(text, { on_plan = function(plan, args)
      -- What is sent is lost on the way: the vendor answers with what it has.
      local client = args.manifest.account.acme.client
      local state = args.manifest.account.acme.state
      local exchange = state.exchange
      state.exchange = function(request, what)
        if what == "update" then request.body = '{"color":"red"}' end
        return exchange(request, what)
      end
      assert(client and plan)
    end })
    assert.same({ "rejected", "refused" }, { result.failed[1].err.kind, result.failed[1].err.outcome })
    assert.matches("about is as before", result.failed[1].err.message)
    assert.equal("one", stack:rows()["acme.hubs.h"].fields.about)
    assert.equal(1, stack:apply(text).done)
  end)

  it("fills in a secret that the vendor shows, and sends none that it shows no more and nobody changes", function()
    local provider = stacks.ACME:gsub('"apiKey" { computed = true', '%0, example = "FAKE-key"')
    local stack = stacks.start { provider = provider:format("", "0.2") }
    local text = 'local a = acme.hubs("a", { name = "A" })\n'
    stack:apply(text)
    text = text .. 'acme.hubs("b", { name = "B", about = "one", pin = a.apiKey })\n'
    assert.equal(1, stack:apply(text).done)
    local function unseen(plan) plan.observed["acme.hubs.a"].apiKey = nil end
    local changed = text:gsub('"one"', '"two"')
    assert.equal(1, stack:apply(changed, { on_plan = unseen }).done)
    assert.equal("two", stack:there()["hubs B"].about)
    assert.equal(0, stack:apply(changed).done)
    local result = stack:apply(changed .. 'acme.hubs("c", { name = "C", pin = a.apiKey })', { on_plan = unseen })
    assert.matches("the vendor's answer has no acme.hubs.a.apiKey", tostring(result.failed[1].err), 1, true)
  end)

  it("says what a list is that an update has left as it was", function()
    local provider = stacks.ACME:gsub('text "about" {}', 'list "about" { of = text {} }')
    local stack = stacks.start { provider = provider:format("", "0.2") }
    stack:apply('acme.hubs("h", { name = "H", about = { "one" } })')
    local result = stack:apply('acme.hubs("h", { name = "H", about = { "two" } })', { on_plan = function(_, args)
      local state = args.manifest.account.acme.state
      local exchange = state.exchange
      state.exchange = function(request, what)
        if what == "update" then request.body = '{"color":"red"}' end
        return exchange(request, what)
      end
    end })
    assert.matches('about is as before (["one"])', result.failed[1].err.message, 1, true)
  end)

  it("begins nothing more when it is told to stop, and says what is left", function()
    local stack = stacks.start()
    local done, told = 0, {}
    local text = 'for i = 1, 80 do acme.hubs("h" .. i, { name = "H" .. i }) end'
    local result = stack:apply(text, { parallel = 8,
      on_event = function(event)
        if event.what == "done" then done = done + 1 end
        if event.what == "skipped" then told[event.message] = true end
      end,
      stop = function() return done >= 5 end,
    })
    assert.same({ ["it was stopped before"] = true }, told)
    assert.equal(80, result.done + #result.skipped)
    assert.is_true(result.stopped)
    assert.is_true(#result.skipped > 0)
    assert.equal(#result.skipped, stack:apply(text).done)
  end)

  it("lets nobody else begin while a change may still be carried out", function()
    local stack = stacks.start { timeout = 60, patience = 0.5, faults = {
      { fault = "drop", on = "acme hubs update" } } }
    stack:apply 'acme.hubs("h", { name = "H", about = "one" })'
    local result = stack:apply 'acme.hubs("h", { name = "H", about = "two" })'
    assert.same({ 0, "unknown" }, { result.done, result.failed[1].err.outcome })
    local store = assert(stores.open(stack.place))
    assert.is_true(store:holder().left > 0)
    store:close()
  end)

  it("takes a record that is made anew with the id of one that it has deleted", function()
    local stack = stacks.start()
    local text = [[
      acme.numbers("new", { name = "+2" })
      acme.numbers("a", { name = "+1", site = %q })
      acme.numbers(%q, { name = "+3" })]]
    stack:apply((text:format("here", "b"):gsub("^[^\n]*\n", "")))
    -- What is there is listed for the first one, before any is deleted.
    local result, plan = stack:apply(text:format("there", "b"))
    assert.equal("delete", plan.step["acme.numbers.a"].first)
    assert.same({ 3, {} }, { result.done, result.failed })
    stack:is(text:format("there", "b"), { "numbers +1", "numbers +2", "numbers +3" })
    -- Its address is another: it is deleted and made at the same time.
    stack:apply(text:format("there", "c"))
    stack:apply(text:format("there", "c"))
    stack:is(text:format("there", "c"), { "numbers +1", "numbers +2", "numbers +3" })
  end)

  it("takes a record that has the id of one that is gone at the vendor", function()
    local stack = stacks.start()
    stack:apply 'acme.numbers("a", { name = "+1" })'
    assert(stack.client.numbers:delete "+1")
    -- Made first, so that the address that had the id has it still.
    local text = 'acme.numbers("b", { name = "+1" }) acme.numbers("a", { name = "+4" })'
    local result = stack:apply(text, { parallel = 1 })
    assert.same({ 2, {} }, { result.done, result.failed })
    stack:is(text, { "numbers +1", "numbers +4" })
  end)

  it("takes one record for one address, where the vendor answers several creates with it", function()
    local stack = stacks.start()
    local result = stack:apply('acme.boxes("a", { name = "A" }) acme.boxes("b", { name = "B" })',
      { on_plan = stacks.answers_as_first() })
    assert.same({ 1, 1 }, { result.done, #result.failed })
    assert.matches("which is not a new one: it is the record of acme.boxes.", result.failed[1].err.message)
  end)

  it("deletes nothing that the vendor answers the create of its replacement with", function()
    local stack, answers = stacks.start(), stacks.answers_as_first()
    stack:apply('acme.cards("c", { name = "A" })', { on_plan = answers })
    local result, plan = stack:apply('acme.cards("c", { name = "B" })', { on_plan = answers })
    assert.equal("create", plan.step["acme.cards.c"].first)
    assert.same({ 0, 1 }, { result.done, #result.failed })
    assert.matches("it is the record that it was to replace", result.failed[1].err.message)
    assert.truthy(stack:there()["cards A"])
  end)

  it("says that there is another with its key, which it did not make", function()
    local stack = stacks.start()
    local text = 'acme.hubs("h", { name = "H" })'
    local hub = assert(stack.client.hubs:create { name = "H" })
    local result = stack:apply(text)
    assert.equal(("the vendor had one with its key before (id %s), and has both now"):format(hub.id),
      result.notes[1].message)
    assert.equal(1, #result.notes)
  end)

  it("writes what a vendor shows once where it was told to, for nobody else to read", function()
    local stack = stacks.start()
    local text = 'acme.hubs("h", { name = "H", pin = secret "pin-0000" }, { outputs = { pin = file "key" } })'
    local result = stack:apply(text)
    assert.equal(1, result.done)
    local key = support.read(stack.folder .. "/key")
    assert.equal("pin-0000", key)
    assert.matches("^%-rw%-%-%-%-%-%-%-", io.popen("ls -l '" .. stack.folder .. "/key'"):read "*l")
    assert.is_nil(support.read(stack.place):find(key, 1, true))
  end)

  it("writes no mask over it, which an update may be answered with", function()
    local stack = stacks.start()
    local text = 'acme.hubs("h", { name = "H", about = %q }, { outputs = { about = file "key" } })'
    stack:apply(text:format "key-0000")
    local result = stack:apply(text:format "ke****00")
    assert.equal(1, result.done)
    assert.matches("the vendor does not show about", result.notes[1].message)
    assert.equal("key-0000", support.read(stack.folder .. "/key"))
  end)

  it("makes nothing whose output has no place to go", function()
    local stack = stacks.start()
    for place, why in pairs { ["no/such/key"] = "No such file or directory", ["."] = "Is a directory" } do
      local result = stack:apply(('acme.hubs("h", { name = "H" }, { outputs = { name = file %q } })'):format(place))
      assert.same({ 0, 1 }, { result.done, #result.failed })
      assert.truthy(result.failed[1].err.message:find(why, 1, true), result.failed[1].err.message)
      assert.equal("not_sent", result.failed[1].err.outcome)
    end
    stack:is("", {})
  end)

  it("goes on with others while a command takes its time with an output", function()
    local stack = stacks.start()
    local gate, taken = stack.folder .. "/gate", stack.folder .. "/taken"
    -- It ends when another record's output is there.
    local text = ([[
      acme.hubs("slow", { name = "Slow" }, { outputs = { name = command { "sh", "-c",
        "cat > %s; until [ -e %s ]; do sleep 0.01; done" } } })
      acme.hubs("fast", { name = "Fast" }, { outputs = { name = file %q } })]]):format(taken, gate, gate)
    local result = stack:apply(text)
    assert.same({ 2, 0 }, { result.done, #result.lost })
    assert.equal("Slow", support.read(taken))
    assert.equal("Fast", support.read(gate))
  end)

  it("says when a command was killed", function()
    local stack = stacks.start()
    local result = stack:apply(
      'acme.hubs("h", { name = "H" }, { outputs = { name = command { "sh", "-c", "kill -9 $PPID" } } })')
    assert.same({ 1, { "acme.hubs.h" } }, { result.done, result.lost })
  end)

  it("says when an output was not taken, or nothing is shown, and keeps the record", function()
    local stack = stacks.start()
    local text = 'acme.hubs("h", { name = "H" }, { outputs = { name = command { "false" }, apiKey = file "key" } })'
    local result = stack:apply(text)
    assert.equal(1, result.done)
    assert.same({ "acme.hubs.h" }, result.lost)
    assert.matches("the vendor does not show apiKey", result.notes[1].message)
    assert.matches("name did not get to the command false: it ended with exit status 1", result.notes[2].message)
    assert.is_nil(io.open(stack.folder .. "/key.new"))
    stack:is(text, { "hubs H" })
  end)
end)
