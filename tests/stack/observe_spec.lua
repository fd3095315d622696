local observe = require "luaprov.stack.observe"
local plans = require "luaprov.stack.plan"
local vendors = require "tests.stack.vendors"

-- Boxes show a part of themselves in lists, and cannot be read one by one; cards can be made only; lines belong to hubs
-- and are listed by them; ports are numbered by each hub, and listed of all; notes have a get alone.
local ACME = [[
return provider {
  base_url = "https://api.acme.invalid", auth = bearer "token",
  resource "hubs" { path = "/hubs", key = { "name" }, text "name" { required = true }, text "about" {},
    text "seen" { computed = true, example = "{now}" },
    create = post {}, get = get {}, update = patch {}, delete = delete {},
    list = get { items = "items", shows = { "id", "name" }, pages = numbered { query = "page={page}", size = 10 } } },
  resource "lines" { path = "/hubs/{hub}/lines", key = { "hub", "name" },
    text "hub" { required = true, path = true, fixed = true, parent = "hubs" }, text "name" { required = true },
    create = post {}, get = get {}, delete = delete {}, list = get { items = "items" } },
  resource "ports" { path = "/hubs/{hub}/ports", key = { "hub", "number" }, id = "number",
    text "hub" { required = true, path = true, fixed = true, parent = "hubs" },
    text "number" { required = true, fixed = true }, text "color" {},
    create = post {}, get = get {}, delete = delete {}, list = get "/ports" { items = "items" } },
  resource "boxes" { path = "/boxes", key = { "name" }, text "name" { required = true }, text "color" {},
    create = post {}, delete = delete {}, list = get { items = "items", shows = { "id", "name" } }, settles_in = 0 },
  resource "cards" { path = "/cards", key = { "name" }, text "name" {}, create = post {} },
  resource "notes" { path = "/notes", key = { "name" }, text "name" {}, create = post {}, get = get {},
    delete = delete {} },
}
]]

local HEAD = 'local acme = use("acme")\n'

describe("Looking at what the vendors have", function()
  local box

  after_each(function()
    if box then box:stop() end
    box = nil
  end)

  local function start(faults)
    box = vendors.start({}, { acme = ACME }, faults)
  end

  local function many(count, resource, fields)
    return HEAD .. ("for i = 1, %d do acme.%s('n' .. i, { name = 'n' .. i%s }) end"):format(count, resource,
      fields or "")
  end

  local function look(manifest, rows, more)
    local args = { manifest = manifest, rows = rows }
    for name, value in pairs(more or {}) do args[name] = value end
    return observe.rows(args)
  end

  it("tells records of several parents apart that have one id in one list", function()
    start()
    local manifest = box:manifest(HEAD .. [[
      for i = 1, 2 do
        local hub = acme.hubs("h" .. i, { name = "H" .. i })
        for j = 1, 2 do
          acme.ports("p" .. i .. j, { hub = hub.id, number = tostring(j), color = "c" .. i .. j })
        end
      end]])
    local rows = box:create(manifest)
    local observed, errors = look(manifest, rows)
    assert.same({}, errors)
    for _, row in ipairs(rows) do
      if row.resource == "ports" then
        assert.same({ row.fields.hub, row.id, row.fields.color }, { observed[row.address].hub,
          observed[row.address].number, observed[row.address].color })
      end
    end
    assert.equal(3, box:counted())
  end)

  it("reads many by their list, and gives what the client gives", function()
    start()
    local manifest = box:manifest(many(25, "hubs"))
    local rows, records = box:create(manifest)
    local told = {}
    local observed, errors, unseen = look(manifest, rows, {
      on_progress = function(done, total) told[#told + 1] = done .. "/" .. total end,
    })
    -- Three pages; the computed field that the list does not show is the state's.
    assert.equal(3, box:counted())
    assert.same({ {}, {} }, { errors, unseen })
    for address, record in pairs(records) do assert.same(record, observed[address]) end
    assert.same({ 25, "1/25", "25/25" }, { #told, told[1], told[25] })
    assert.is_true(plans.is_empty(assert(plans.make { manifest = manifest, rows = rows, observed = observed })))
  end)

  it("leaves a list that would take more calls than what is still to be found", function()
    start [[return { { fault = "others", on = "acme hubs", count = 200, records = { { name = "other {n}" } } } }]]
    local manifest = box:manifest(many(5, "hubs"))
    local rows, records = box:create(manifest)
    local observed = look(manifest, rows)
    assert.same(records, observed)
    -- Six pages in vain, and five records.
    assert.equal(11, box:counted())
  end)

  it("reads one by one what the list shows a part of, and what is few", function()
    start()
    local manifest = box:manifest(many(6, "hubs", ", about = 'a' .. i"))
    local rows, records = box:create(manifest)
    local observed = look(manifest, rows)
    assert.same({ 6, records }, { box:counted(), observed })
    -- Declared since: the list cannot tell.
    local more = box:manifest(many(6, "hubs"))
    rows = box:create(box:manifest(many(6, "hubs"):gsub("'n' ", "'m' ")))
    for i, row in ipairs(rows) do row.address = "acme.hubs.n" .. i end
    look(more, rows)
    assert.equal(2, box:counted())
    look(manifest, rows)
    assert.equal(6, box:counted())
    look(more, { rows[1], rows[2], rows[3] })
    assert.equal(3, box:counted())
  end)

  it("sees for itself what a list leaves out, where the provider file does not say", function()
    start()
    box.own.acme = assert(require("luaprov.provider.load").compile(ACME:gsub("shows = {[^}]*},?", ""), "a.lua", "acme"))
    local manifest = box:manifest(many(6, "hubs", ", about = 'a' .. i"))
    local rows, records = box:create(manifest)
    -- A page, and all of its records.
    assert.same({ records, 7 }, { look(manifest, rows), box:counted() })
    -- Declared since, and not known.
    for i, row in ipairs(rows) do
      row.fields.about = nil
      records[row.address].about = "a" .. i
    end
    assert.same({ records, 7 }, { look(manifest, rows), box:counted() })
    -- What is of no interest is not asked for.
    look(box:manifest(many(6, "hubs")), rows)
    assert.equal(1, box:counted())
  end)

  it("knows what is gone from the record's own address", function()
    start()
    local manifest = box:manifest(many(12, "hubs"))
    local rows, records = box:create(manifest)
    local client = manifest.account.acme.client
    assert(client.hubs:delete(records["acme.hubs.n3"].id))
    box:counted()
    local observed, errors = look(manifest, rows)
    assert.same({ false, {} }, { observed["acme.hubs.n3"], errors })
    assert.same(records["acme.hubs.n4"], observed["acme.hubs.n4"])
    -- Two pages, an empty one, and the one that is missing.
    assert.equal(4, box:counted())
  end)

  it("takes no record for gone because a list is late", function()
    start [[return { { fault = "unlisted", on = "acme hubs", seconds = 1000 } }]]
    local manifest = box:manifest(many(8, "hubs"))
    local rows, records = box:create(manifest)
    local observed, errors = look(manifest, rows)
    assert.same({ records, {} }, { observed, errors })
  end)

  it("reads what belongs to others by its parent", function()
    start()
    local manifest = box:manifest(HEAD .. [[
      for h = 1, 3 do
        local hub = acme.hubs("h" .. h, { name = "h" .. h })
        for i = 1, 5 do acme.lines(h .. "-" .. i, { hub = hub.id, name = "l" .. i }) end
      end]])
    local rows, records = box:create(manifest)
    for i, row in ipairs(rows) do row.parents = i % 2 == 0 and row.parents or nil end
    local observed = look(manifest, rows)
    -- Three hubs one by one, and a list of each.
    assert.same({ 6, records }, { box:counted(), observed })
  end)

  it("does with the list alone what has no get: what is not shown is the state's", function()
    start()
    local manifest = box:manifest(many(2, "boxes", ", color = 'red'"))
    local rows, records = box:create(manifest)
    assert(manifest.account.acme.client.boxes:delete(records["acme.boxes.n2"].id))
    box:counted()
    local observed, errors = look(manifest, rows)
    assert.same({ "red", false, {} }, { observed["acme.boxes.n1"].color, observed["acme.boxes.n2"], errors })
    -- Looked at twice before it is gone.
    assert.equal(2, box:counted())
    for _, row in ipairs(rows) do row.created = os.time() + 100 end
    observed, errors = look(manifest, rows)
    assert.is_nil(observed["acme.boxes.n2"])
    assert.matches("may appear later", errors["acme.boxes.n2"].message)
  end)

  it("says what nobody can look at, and asks no other account", function()
    start()
    local manifest = box:manifest(HEAD .. "acme.cards('a', { name = 'a' })\nacme.notes('b', { name = 'b' })")
    local rows = box:create(manifest)
    local function row(address, more)
      local made = { address = address, provider = "acme", resource = "hubs", id = "1", fields = {} }
      for name, value in pairs(more) do made[name] = value end
      rows[#rows + 1] = made
    end
    row("old.hubs.a", {})
    row("acme.hubs.else", { base_url = "https://else.invalid" })
    row("acme.hubs.theirs", { account = "a" })
    row("acme.doors.a", { resource = "doors" })
    row("acme.hubs.other", { provider = "other" })
    row("acme.hubs.nobody", { id = false })
    rows[#rows].id = nil
    local observed, errors, unseen = look(manifest, rows, { accounts = { acme = { account = "b" } } })
    assert.same({ "b", {} }, { observed["acme.notes.b"].name, errors })
    assert.equal(1, box:counted())
    for address, why in pairs {
      ["acme.cards.a"] = "acme has neither get nor list for cards: it cannot be looked at",
      ["old.hubs.a"] = "the manifest uses no account 'old'",
      ["acme.hubs.else"] = "it is at https://else.invalid, and the client at ",
      ["acme.hubs.theirs"] = "it belongs to another account than today's credentials (--same-account acme)",
      ["acme.doors.a"] = "acme has no resource 'doors'",
      ["acme.hubs.other"] = "'acme' is an account of acme, and the record one of other",
      ["acme.hubs.nobody"] = "the state has no id of it",
    } do
      assert.equal(why, unseen[address]:sub(1, #why))
      assert.is_nil(observed[address])
    end
  end)

  it("asks a vendor that does not answer three times, and the others all the same", function()
    start()
    local text = HEAD .. [[
      local far = use("acme", { base_url = "http://127.0.0.1:1", token = secret "t" }, { as = "far" })
      for i = 1, 40 do far.notes("f" .. i, { name = "f" }, { ignore = { "name" } }) end
      for i = 1, 9 do acme.notes("n" .. i, { name = "n" .. i }) end]]
    local near = box:manifest(HEAD .. 'for i = 1, 9 do acme.notes("n" .. i, { name = "n" .. i }) end')
    local rows, records = box:create(near)
    local manifest, err = box:read((text:gsub('"f" }', '"f" .. i }')))
    assert(manifest, tostring(err))
    for i = 1, 40 do
      rows[#rows + 1] = { address = "far.notes.f" .. i, provider = "acme", resource = "notes", id = i, fields = {} }
    end
    local observed, errors = look(manifest, rows, { concurrency = 1 })
    assert.same({ records, 9 + 3 }, { observed, box:counted() })
    for i = 1, 40 do assert.equal("network", errors["far.notes.f" .. i].kind) end
  end)

  it("has the error of a list for what has no get, and asks for the rest where the list is refused", function()
    start [[return { { fault = "status", on = "acme hubs list", status = 403 },
                     { fault = "status", on = "acme boxes list", status = 403 } }]]
    local manifest = box:manifest(many(5, "hubs") .. "\n" .. many(5, "boxes"):sub(#HEAD + 1))
    local rows, records = box:create(manifest)
    local observed, errors = look(manifest, rows)
    assert.equal("forbidden", errors["acme.boxes.n1"].kind)
    assert.same({ records["acme.hubs.n1"] }, { observed["acme.hubs.n1"] })
    assert.is_nil(errors["acme.hubs.n1"])
  end)
end)
