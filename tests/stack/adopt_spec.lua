local adopt = require "luaprov.stack.adopt"
local plans = require "luaprov.stack.plan"
local secret = require "luaprov.secret"
local vendors = require "tests.stack.vendors"

local HEAD = 'local hubster = use("hubster")\n'

describe("Taking over what exists", function()
  local box

  after_each(function()
    if box then box:stop() end
    box = nil
  end)

  local function chat(hub, name, origins)
    return { hubId = hub.id, channelId = "WebChat", name = name,
             configuration = { allowedOrigins = { origins or "https://a" } } }
  end

  -- "ID changes" of each candidate, by address.
  local function found(args)
    local list, errors = adopt.candidates(args)
    local out = {}
    for _, item in ipairs(list) do
      out[item.address] = {}
      for i, candidate in ipairs(item.candidates) do
        assert.equal(candidate.changes == 0, candidate.equal)
        assert.equal(candidate.id, candidate.record.id)
        out[item.address][i] = candidate.id .. " " .. candidate.changes
      end
    end
    return out, errors, list
  end

  local function planned(manifest, rows)
    local observed = {}
    return assert(plans.make { manifest = manifest, rows = rows, observed = observed })
  end

  it("finds records by their key, whole ones, and what depends on them when that is known", function()
    box = vendors.start { "hubster" }
    local client = assert(box:client("hubster"))
    local hub = assert(client.hubs:create { name = "Acme", description = "d", closeDormantConversation = 3 })
    local other = assert(client.hubs:create { name = "Other", description = "d" })
    local ours = assert(client.integrations:create(chat(hub, "chat")))
    assert(client.integrations:create(chat(other, "chat")))
    local manifest = box:manifest(HEAD .. [[
      local hub = hubster.hubs("acme", { name = "ACME ", description = "d" })
      hubster.hubs("changed", { name = "Other", description = "new", closeDormantConversation = 4 })
      hubster.hubs("none", { name = "Nobody", description = "d" })
      hubster.integrations("chat", { hubId = hub.id, channelId = "WebChat", name = "chat",
        configuration = { allowedOrigins = { "https://a" } } })]])
    box:counted()
    local there, errors, list = found { manifest = manifest, rows = {} }
    assert.same(hub, list[1].candidates[1].record)
    -- "ACME " is spelled otherwise: a plan would change it.
    assert.same({
      ["hubster.hubs.acme"] = { hub.id .. " 1" }, ["hubster.hubs.changed"] = { other.id .. " 2" },
      ["hubster.hubs.none"] = {},
    }, there)
    assert.equal("hubId is that of hubster.hubs.acme, which the state does not know yet: take that over first",
      errors["hubster.integrations.chat"].message)
    -- A list of two pages, and each record that it shows a part of.
    assert.is_true(box:counted() <= 4)

    local node = manifest.record["hubster.hubs.acme"]
    local row = adopt.row(node, hub, { base_url = "u", account = "a" })
    assert.same({ "hubster.hubs.acme", "hubster", "hubs", hub.id, "u", "a", '["Acme"]', {} }, { row.address,
      row.provider, row.resource, row.id, row.base_url, row.account, row.key, row.parents })
    there, errors = found { manifest = manifest, rows = { row } }
    assert.same({ { ours.id .. " 0" }, {} }, { there["hubster.integrations.chat"], errors })
    assert.is_nil(there["hubster.hubs.acme"])
  end)

  it("leaves out what another address has, and says what it was not asked for rightly", function()
    box = vendors.start { "hubster" }
    local client = assert(box:client("hubster"))
    local hub = assert(client.hubs:create { name = "Acme", description = "d" })
    local manifest = box:manifest(HEAD .. [[
      hubster.hubs("one", { name = "Acme", description = "d" })
      hubster.hubs("two", { name = "acme", description = "d" })]])
    local base_url = manifest.account.hubster.state.base_url
    local row = adopt.row(manifest.record["hubster.hubs.one"], hub, { base_url = base_url })
    local there, errors = found { manifest = manifest, rows = { row },
                                  addresses = { "hubster.hubs.one", "hubster.hubs.two", "hubster.hubs.tow" } }
    assert.same({ ["hubster.hubs.two"] = {} }, there)
    assert.matches("the state has it already", errors["hubster.hubs.one"].message)
    assert.matches("did you mean 'hubster.hubs.two'", errors["hubster.hubs.tow"].message)
    -- Elsewhere the same id is another record.
    row.base_url = "https://else.invalid"
    assert.same({ ["hubster.hubs.two"] = { hub.id .. " 1" } }, (found { manifest = manifest, rows = { row } }))
    local record, err = adopt.read(manifest, "hubster.hubs.two", hub.id, { row })
    assert.same({ hub.id, nil }, { record.id, err })
    row.base_url = base_url
    record, err = adopt.read(manifest, "hubster.hubs.two", hub.id, { row })
    assert.same({ nil, "conflict" }, { record, err.kind })
    assert.matches("is hubster.hubs.one already", err.message)
  end)

  it("reads no more than twenty of those with one key", function()
    box = vendors.start({ "ocamba" }, nil, [[return { { fault = "others", on = "ocamba integrations", count = 45,
      records = { { name = "same", provider_id = "1004", settings = { sender_name = "s{n}" } } } } }]])
    local manifest = box:manifest [[
      use("ocamba").integrations("a", { name = "Same", provider_id = "1004",
        settings = { api_key = secret "FAKE-key", sender_name = "s7" } })]]
    local _, errors, list = found { manifest = manifest, rows = {} }
    assert.same({ {}, 20, 25 }, { errors, #list[1].candidates, list[1].more })
    -- The best first: what differs is the name alone.
    assert.same({ "s7", 1 }, { list[1].candidates[1].record.settings.sender_name, list[1].candidates[1].changes })
  end)

  local ACME = [[
return provider {
  base_url = "https://api.acme.invalid", auth = bearer "token",
  resource "hubs" { path = "/hubs", key = { "name" }, text "name" { required = true }, secret "pin" {},
    secret "code" { fixed = true }, text "unseen" {}, text "fixed" { fixed = true },
    secret "apiKey" { computed = true, example = "FAKE-api-key" },
    create = post {}, get = get {}, update = patch {},
    list = get { items = "items", shows = { "id" }, pages = numbered { query = "page={page}", size = 50 } } },
  resource "boxes" { path = "/boxes/{shelf}", key = { "name" }, text "shelf" { required = true, path = true },
    text "name" { required = true }, create = post {}, list = get { items = "items" } },
  resource "cards" { path = "/cards", key = { "name" }, text "name" {}, create = post {}, get = get {} },
  resource "notes" { path = "/notes", text "name" {}, create = post {}, get = get {}, list = get { items = "i" } },
  resource "dust" { path = "/dust", key = { "name" }, text "name" {}, create = post {} },
}
]]

  it("reads what a list does not show the key of, once", function()
    box = vendors.start({}, { acme = ACME }, [[return { { fault = "others", on = "acme hubs", count = 9,
      records = { { name = "hub {n}" } } } }]])
    local manifest = box:manifest [[
      local acme = use("acme")
      for i = 1, 9 do acme.hubs("h" .. i, { name = "hub " .. i }) end]]
    local there = found { manifest = manifest, rows = {} }
    for i = 1, 9 do assert.matches("^%d+ 0$", there["acme.hubs.h" .. i][1]) end
    -- A page, one without more, and nine hubs.
    assert.equal(11, box:counted())
  end)

  it("says what cannot be looked for, and reads by id what can", function()
    box = vendors.start({}, { acme = ACME })
    local client = assert(box:client("acme"))
    local card = assert(client.cards:create { name = "c" })
    assert(client.boxes:create { shelf = "s1", name = "b" })
    local crate = assert(client.boxes:create { shelf = "s2", name = "b" })
    local manifest = box:manifest [[
      local acme = use("acme")
      acme.cards("c", { name = "c" })
      acme.notes("n", { name = "n" })
      acme.dust("d", { name = "d" })
      local hub = acme.hubs("h", { name = "h" })
      acme.boxes("b", { shelf = "s2", name = "b" })
      acme.boxes("later", { shelf = hub.id, name = "later" })]]
    local there, errors = found { manifest = manifest, rows = {} }
    assert.matches("has no list to look for it", errors["acme.cards.c"].message)
    assert.matches("has no key to recognise it by", errors["acme.notes.n"].message)
    assert.matches("shelf is that of acme.hubs.h", errors["acme.boxes.later"].message)
    assert.same({ ["acme.hubs.h"] = {}, ["acme.boxes.b"] = { crate.id .. " 0" } }, there)

    assert.same(card, (adopt.read(manifest, "acme.cards.c", card.id)))
    -- Without a get, and in its own collection.
    assert.same(crate, (adopt.read(manifest, "acme.boxes.b", crate.id)))
    for address, want in pairs {
      ["acme.cards.c"] = "not_found: there is no 77 (for acme.cards.c)",
      ["acme.boxes.b"] = "not_found: there is no 77 (for acme.boxes.b)",
      ["acme.dust.d"] = "unsupported: the provider has neither get nor list for it",
      ["acme.boxes.later"] = "invalid: shelf is that of acme.hubs.h, which",
      ["acme.boxes.x"] = "invalid: the manifest has no record acme.boxes.x",
    } do
      local record, err = adopt.read(manifest, address, "77")
      assert.is_nil(record)
      assert.is_truthy(tostring(err):find(want, 1, true), tostring(err))
    end
  end)

  it("has the error of a list that cannot be read for all that it was to find", function()
    box = vendors.start({ "ocamba", "hubster" }, nil,
      [[return { { fault = "status", status = 403, on = "hubster hubs list" } }]])
    local manifest = box:manifest [[
      use("hubster").hubs("h", { name = "h", description = "d" })
      use("ocamba").integrations("a", { name = "a", provider_id = "1004",
        settings = { api_key = secret "FAKE-key", sender_name = "s" } })]]
    local there, errors = found { manifest = manifest, rows = {} }
    assert.same({ ["ocamba.integrations.a"] = {} }, there)
    assert.equal("forbidden", errors["hubster.hubs.h"].kind)
  end)

  it("tells what an adopted record lacks, and what is taken on trust", function()
    box = vendors.start({}, { acme = ACME })
    local manifest = box:manifest [[
      use("acme").hubs("h",
        { name = "h", pin = secret "FAKE-pin-1234", code = secret "FAKE-code", fixed = "x" },
        { outputs = { apiKey = file "key", pin = file "pin", name = file "name", code = file "code" } })]]
    local node = manifest.record["acme.hubs.h"]
    local record = { id = "7", name = "h", pin = secret.new "FAKE****", apiKey = secret.new "FAKE-api-key" }
    local row, lacking, trusted = adopt.row(node, record)
    assert.same({ { "code", "pin" }, { "code", "fixed", "pin" } }, { lacking, trusted })
    assert.is_true(plans.is_empty(planned(manifest, { row })))
    -- What the vendor shows to be another is no matter of trust, nor is a plain field that can be sent.
    record.pin, node.fields.unseen = secret.new "another", "x"
    row, lacking, trusted = adopt.row(node, record)
    assert.same({ { "code" }, { "code", "fixed" } }, { lacking, trusted })
    local plan = planned(manifest, { row })
    local changes = plan.steps[1].changes
    assert.same({ "update", 2, "pin", "unknown", "unseen", "x" }, { plan.steps[1].action, #changes, changes[1].path,
      changes[1].secret, changes[2].path, changes[2].new })
    -- On demand secrets are sent that the vendor does not show, and can be.
    record.pin, node.fields.unseen = secret.new "FAKE****", nil
    plan = planned(manifest, { (adopt.row(node, record, { resend = true })) })
    assert.same({ "update", 1, "pin" }, { plan.steps[1].action, #plan.steps[1].changes,
      plan.steps[1].changes[1].path })
    -- No secret stands in the row.
    assert.is_nil(require("luaprov.json").encode(row):find("FAKE", 1, true))
  end)
end)
