-- Records that have one id: of two parents, where the route names the parent; and one after the other.
local account = require "luaprov.stack.account"
local actions = require "luaprov.stack.actions"
local adopt = require "luaprov.stack.adopt"
local identity = require "luaprov.provider.identity"
local json = require "luaprov.json"
local load = require "luaprov.provider.load"
local rows_of = require "luaprov.stack.rows"
local settle = require "luaprov.stack.settle"
local stacks = require "tests.stack.stacks"
local stores = require "luaprov.stack.store"

-- A line's number is its id, and each hub counts from 1; a leg's id says of all which it is.
local ACME = [[return provider { title = "Acme", base_url = "https://acme.invalid", auth = bearer "token",
  errors = { message = "message" },
  resource "hubs" {
    path = "/hubs", key = { "name" }, settles_in = 0.2,
    text "name" { required = true },
    create = post { expect = 201 }, get = get {}, update = patch {}, delete = delete { expect = 204 },
    list = get { items = "items" },
  },
  resource "lines" {
    path = "/hubs/{hub}/lines", id = "number", key = { "hub", "name" }, settles_in = 0.2,
    text "hub" { required = true, path = true, fixed = true, parent = "hubs" },
    text "number" { required = true, fixed = true }, text "name" { required = true }, text "to" {},
    create = post { expect = 201 }, get = get {}, update = patch {}, delete = delete { expect = 204 },
    list = get { items = "items" },
  },
  resource "doors" {
    path = "/hubs/{hub}/doors", key = { "name" }, settles_in = 0.2,
    text "hub" { required = true, path = true, fixed = true, parent = "hubs" }, text "name" { required = true },
    create = post { expect = 201 }, get = get {}, delete = delete { expect = 204 }, list = get { items = "items" },
  },
  resource "legs" {
    path = "/legs", key = { "line", "name" }, settles_in = 0.2,
    text "hub" { required = true, fixed = true, parent = "hubs" },
    text "line" { required = true, path = true, fixed = true, parent = "lines" }, text "name" { required = true },
    create = post "/lines/{line}/legs" { expect = 201 }, get = get {}, delete = delete { expect = 204 },
    list = get "/lines/{line}/legs" { items = "items" },
  },
}]]

local HUBS = 'local a = acme.hubs("a", { name = "A" })\nlocal b = acme.hubs("b", { name = "B" })\n'
local ONE = 'local one = acme.lines("one", { hub = a.id, number = "1", name = "One" })\n'
local TWO = 'local two = acme.lines("two", { hub = b.id, number = "1", name = "Two" })\n'
local LEGS = 'acme.legs("x", { hub = a.id, line = one.id, name = "X" })\n'
  .. 'acme.legs("y", { hub = b.id, line = two.id, name = "Y" })\n'

local function start() return stacks.start { provider = ACME } end

local function done(result)
  assert.same({ {}, {}, {} }, { result.failed, result.unknown, result.skipped })
  return result
end

describe("An id", function()
  local provider = assert(load.compile(ACME, "acme.lua", "acme"))

  it("is one of a parent's where every route to the record names the parent, and of all else", function()
    local function of(resource) return identity.parents(provider.resource[resource]) end
    assert.same({ {}, { "hub" }, {} }, { of "hubs", of "lines", of "legs" })
  end)

  it("tells a record from others together with the account, the base URL and the resource", function()
    local function of(resource, whose, base_url, id, hub)
      return identity.of(provider.resource[resource], { account = whose, base_url = base_url }, id, { hub = hub })
    end
    local same = of("lines", "me", "u", 1, 7)
    assert.equal(same, of("lines", "me", "u", "1", "7"))
    for _, other in ipairs { of("lines", "me", "u", 2, 7), of("lines", "me", "u", 1, 8), of("lines", "you", "u", 1, 7),
                             of("lines", "me", "v", 1, 7), of("legs", "me", "u", 1, 7) } do
      assert.not_equal(same, other)
    end
    local guid = "0aaaaaaa-0000-4000-8000-00000000000b"
    assert.equal(of("hubs", "me", "u", guid), of("hubs", "me", "u", guid:upper(), "whose it is does not matter"))
    assert.not_equal(of("hubs", "me", "u", "a"), of("hubs", "me", "u", "A"))
  end)
end)

describe("Two parents that each have a record of one id", function()
  after_each(stacks.stop)

  it("are kept apart by plan and apply", function()
    local stack = start()
    done(stack:apply(HUBS .. ONE .. TWO))
    stack:is(HUBS .. ONE .. TWO, { "hubs A", "hubs B", "lines One", "lines Two" })
    local changed = ONE:gsub('"One"', '"Uno"')
    assert.same({ 1, 0 }, { done(stack:apply(HUBS .. changed .. TWO)).done,
      select(2, stack:apply(HUBS .. changed .. TWO)).counts.update })
    stack:is(HUBS .. changed .. TWO, { "hubs A", "hubs B", "lines Two", "lines Uno" })
  end)

  it("are kept apart by what finds a create that was carried out", function()
    local stack = start()
    stack:apply(HUBS .. ONE)
    stack:apply(HUBS .. ONE .. TWO, { on_plan = stacks.dies "create" })
    local _, _, settled = stack:apply(HUBS .. ONE .. TWO)
    assert.same({ "found", "acme.lines.two" }, { settled.settled[1].verdict, settled.settled[1].address })
    stack:is(HUBS .. ONE .. TWO, { "hubs A", "hubs B", "lines One", "lines Two" })
  end)

  it("are kept apart by what ends a replaced one", function()
    for _, how in ipairs { "dies", "dies_before" } do
      local stack = start()
      stack:apply(HUBS .. ONE .. TWO)
      local other = HUBS .. ONE .. TWO:gsub('"1", name = "Two"', '"2", name = "Dos"')
      stack:apply(other, { on_plan = stacks[how] "delete" })
      local _, _, settled = stack:apply(other)
      assert.equal("deleted", settled.settled[1].verdict)
      stack:is(other, { "hubs A", "hubs B", "lines Dos", "lines One" })
      stacks.stop()
    end
  end)

  it("are kept apart where one takes the place of the other", function()
    local before, after = HUBS .. ONE, HUBS .. ONE:gsub("a%.id", "b.id")
    local there = { "hubs A", "hubs B", "lines One" }
    local stack = start()
    stack:apply(before)
    local result, plan = stack:apply(after)
    assert.same({ "create", 2 }, { plan.step["acme.lines.one"].first, done(result).done })
    stack:is(after, there)
    stacks.stop()
    for _, case in ipairs { { "dies", "delete", "deleted" }, { "dies_before", "delete", "deleted" },
                            { "dies", "create", "found", "deleted" }, { "dies_before", "create", "absent" } } do
      stack = start()
      stack:apply(before)
      stack:apply(after, { on_plan = stacks[case[1]](case[2]) })
      local _, _, settled = stack:apply(after)
      local verdicts = {}
      for i, entry in ipairs(settled.settled) do verdicts[i] = entry.verdict end
      assert.same({ case[3], case[4] }, verdicts)
      stack:is(after, there)
      stacks.stop()
    end
  end)

  it("are kept apart by adopt and import", function()
    local stack = start()
    stack:apply(HUBS .. ONE)
    local hub = stack:there()["hubs B"].id
    assert(stack.client.lines:create { hub = hub, number = "1", name = "Two" })
    local manifest, list = stack:manifest(HUBS .. ONE .. TWO), {}
    for _, row in pairs((stack:rows())) do list[#list + 1] = row end
    local accounts = { acme = { account = list[1].account, base_url = list[1].base_url } }
    local found, faults = adopt.candidates { manifest = manifest, rows = list, accounts = accounts }
    assert.same({}, faults)
    assert.same({ "acme.lines.two", 1, "1" }, { found[1].address, #found[1].candidates, found[1].candidates[1].id })
    local record = assert(adopt.read(manifest, "acme.lines.two", "1", list, accounts))
    assert.equal("Two", record.name)
    stack:put((adopt.row(manifest.record["acme.lines.two"], record, { rows = list, account = accounts.acme.account,
      base_url = accounts.acme.base_url })))
    stack:is(HUBS .. ONE .. TWO, { "hubs A", "hubs B", "lines One", "lines Two" })
    -- That of its own hub is another address's.
    list[#list + 1] = stack:rows()["acme.lines.two"]
    local third = stack:manifest(HUBS .. ONE .. TWO .. 'acme.lines("z", { hub = b.id, number = "1", name = "Z" })')
    local _, err = adopt.read(third, "acme.lines.z", "1", list, accounts)
    assert.matches("is acme.lines.two already", tostring(err))
  end)

  it("are kept apart by what goes before what", function()
    local stack = start()
    stack:apply(HUBS .. ONE .. TWO)
    local line, list = stack:rows()["acme.lines.one"], {}
    local function leg(name, hub)
      local row = { address = "acme.legs." .. name, provider = "acme", resource = "legs", id = name, fields = {
        hub = hub, line = "1", name = name }, base_url = line.base_url, account = line.account }
      list[#list + 1] = row
      return row
    end
    local x, y = leg("x", line.fields.hub), leg("y", stack:rows()["acme.lines.two"].fields.hub)
    for _, row in pairs((stack:rows())) do list[#list + 1] = row end
    local index = rows_of.index(list, stack:manifest(HUBS .. ONE .. TWO .. LEGS))
    local function needed(row)
      local names = {}
      for i, other in ipairs(index.needs(row)) do names[i] = other.address end
      table.sort(names)
      return names
    end
    assert.same({ "acme.hubs.a", "acme.lines.one" }, needed(x))
    assert.same({ "acme.hubs.b", "acme.lines.two" }, needed(y))
    assert.same({}, actions.of({ steps = {} }, index))
  end)

  it("or of one key are not taken for one that was renamed", function()
    local stack = start()
    stack:apply(HUBS .. 'acme.doors("x", { hub = a.id, name = "Door" })')
    local function notes(text)
      local list = {}
      stack:apply(HUBS .. text, { on_plan = function(plan)
        for i, note in ipairs(plan.notes) do list[i] = note.message end
      end, stop = function() return true end })
      return list
    end
    assert.same({}, notes 'acme.doors("y", { hub = b.id, name = "Door" })')
    assert.matches("has the key of acme.doors.x, which goes",
      notes('acme.doors("y", { hub = a.id, name = "Door" })')[1])
  end)

  it("are both destroyed", function()
    local stack = start()
    stack:apply(HUBS .. ONE .. TWO)
    assert.equal(4, done(stack:apply(HUBS .. ONE .. TWO, { destroy = true })).done)
    assert.same({}, (stack:there()))
    assert.same({}, (stack:rows()))
  end)
end)

describe("An id that is used again", function()
  after_each(stacks.stop)

  local OLD = 'acme.numbers("old", { name = "17", site = "here" })'
  local NEW = 'acme.numbers("new", { name = "17", site = "there" })'
  local OTHER = '\nacme.numbers("other", { name = "18" })'

  -- The vendor loses a record, and a run that makes one with its id dies before it notes that.
  local function died(text, again)
    local stack = stacks.start()
    stack:apply(text)
    assert(stack.client.numbers:delete "17")
    local result = stack:apply(again, { on_plan = stacks.dies "create", parallel = 1,
      stop = (function()
        local asked = 0
        -- Nothing begins after the create.
        return function()
          asked = asked + 1
          return asked > 1
        end
      end)() })
    assert.same({ 0, 1 }, { result.done, #result.unknown })
    return stack
  end

  it("is that of the new record, whatever the state says of the one that was gone", function()
    local stack = died(OLD .. OTHER, NEW .. OTHER)
    local made = stack:there()["numbers 17"]
    assert.equal("17", stack:rows()["acme.numbers.old"].id)
    local result, plan, settled = stack:apply(NEW .. OTHER)
    assert.same({ "found", "acme.numbers.new" }, { settled.settled[1].verdict, settled.settled[1].address })
    assert.same({ 0, {}, 0 }, { result.done, result.failed, #plan.steps })
    assert.same(made, stack:there()["numbers 17"])
    stack:is(NEW .. OTHER, { "numbers 17", "numbers 18" })
  end)

  it("is that of the new record of the same address, too", function()
    local stack = died(OLD .. OTHER, OLD .. OTHER)
    local _, _, settled = stack:apply(OLD .. OTHER)
    assert.equal("found", settled.settled[1].verdict)
    stack:is(OLD .. OTHER, { "numbers 17", "numbers 18" })
  end)

  -- A run died after the vendor had deleted a record that was replaced, and made one with its id.
  local function both_open(site)
    local stack = stacks.start()
    stack:apply(OTHER)
    assert(stack.client.numbers:create { name = "17", site = "there" })
    local row, manifest = stack:rows()["acme.numbers.other"], stack:manifest(OTHER .. "\n" .. NEW)
    local store = assert(stores.open(stack.place))
    local lease = assert(store:lease { holder = "spec", seconds = 5, wait = 60 })
    local function intent(address, operation, more)
      more.id, more.address, more.operation = store:next_id(), address, operation
      more.provider, more.resource, more.within = "acme", "numbers", 0
      more.base_url, more.account = row.base_url, row.account
      return { intent = more }
    end
    assert(store:commit { intent("acme.numbers.other", "delete", { record_id = "17" }),
      intent("acme.numbers.new", "create", { fields = { name = "17", site = site }, noted = json.array {} }) })
    local settled = assert(settle.open { manifest = manifest, store = store, lease = lease,
      rows = assert(store:records()), accounts = account.all(manifest, store) })
    lease:release()
    store:close()
    return stack, settled
  end

  it("is not deleted for what had it before", function()
    local stack, settled = both_open "there"
    assert.same({ {}, "found", "kept" }, { settled.left, settled.settled[1].verdict, settled.settled[2].verdict })
    stack:is(OTHER .. "\n" .. NEW, { "numbers 17", "numbers 18" })
  end)

  it("is not deleted either while nobody knows whose it is", function()
    local stack, settled = both_open "elsewhere"
    assert.same({ {}, 2 }, { settled.settled, #settled.left })
    assert.matches("its id may be that of the record of acme.numbers.new", settled.left[2].why)
    assert.is_table(stack:there()["numbers 17"])
  end)

  it("is its owner's, where that one was there when the create began", function()
    local stack = stacks.start()
    stack:apply(OTHER)
    stack:apply(NEW .. OTHER, { on_plan = stacks.dies_before "create" })
    local row = stack:rows()["acme.numbers.other"]
    assert(stack.client.numbers:create { name = "17", site = "there" })
    row.address, row.id = "acme.numbers.mine", "17"
    row.fields.name, row.fields.site = "17", "there"
    stack:put(row)
    local _, _, settled = stack:apply(OTHER .. NEW:gsub('"new"', '"mine"'))
    assert.not_equal("found", (settled.settled[1] or {}).verdict)
    stack:is(OTHER .. NEW:gsub('"new"', '"mine"'), { "numbers 17", "numbers 18" })
  end)
end)
