local adopt = require "luaprov.stack.adopt"
local collect = require "luaprov.stack.collect"
local export = require "luaprov.stack.export"
local find = require "luaprov.stack.fields_of"
local json = require "luaprov.json"
local observe = require "luaprov.stack.observe"
local plans = require "luaprov.stack.plan"
local reference = require "luaprov.stack.reference"
local secret = require "luaprov.secret"
local support = require "tests.support"
local vendors = require "tests.stack.vendors"

local ODD = {
  'two "quotes" and \\ a backslash', "a\nnew line\r\n\ttab", "snowman ☃ žluťoučký 日本", "]] --[[ ]=]", "end", "local",
  "a/b", "a b", "A-B", "nil", "..", "-", "🙂", "\226\128\174turned", " ends with a space ", "\1\0\0312",
  ("long "):rep(60), "%d %s", "${x}", "1", "-1", "hubs", "_", "<secret", "use", "\127", "\194\133",
}

describe("A manifest of what a vendor has", function()
  local box

  after_each(function()
    if box then box:stop() end
    box = nil
  end)

  -- Exports, and gives every secret that the manifest asks for what `sent` says (by id), as its owner would.
  local function exported(provider, client, options)
    options = options or {}
    local description = box:provider(provider)
    local records, notes, errors = collect.records { client = client, provider = description,
                                                     parents = options.parents }
    assert.same({}, errors)
    local out = {}
    local summary = export.manifest {
      client = client, provider = description, records = records, alias = options.alias,
      emit = function(text) out[#out + 1] = text end,
    }
    local id_of = {}
    for _, item in ipairs(summary.records) do id_of[item.address] = item.record.id end
    for _, entry in ipairs(summary.secrets) do
      if entry.address then
        local kind = entry.address:match("^[^.]*%.([^.]*)")
        local fields = (options.sent or {})[id_of[entry.address]]
        local value = fields and reference.at(fields, find.keys(description.resource[kind], entry.path))
        box.environment[entry.name] = secret.is(value) and value:reveal() or value or "FAKE"
      end
    end
    return table.concat(out), summary, notes
  end

  -- The plan of the manifest when its records are taken over; also the rows.
  local function planned(text, summary)
    local manifest, err = box:read(text)
    assert(manifest, err and err.message)
    assert.equal(#manifest.records, #summary.records)
    local rows = {}
    for _, item in ipairs(summary.records) do
      local node = manifest.record[item.address]
      rows[#rows + 1] = adopt.row(node, item.record, {
        rows = rows, base_url = manifest.account[node.alias].state.base_url,
      })
    end
    local observed, errors, unseen = observe.rows { manifest = manifest, rows = rows }
    assert.same({ {}, {} }, { errors, unseen })
    for _, item in ipairs(summary.records) do assert(observed[item.address], item.address) end
    return assert(plans.make { manifest = manifest, rows = rows, observed = observed }), manifest
  end

  local function assert_unchanged(text, summary)
    local plan, manifest = planned(text, summary)
    local out = {}
    require("luaprov.stack.render").text(plan, function(line) out[#out + 1] = line end)
    assert(plans.is_empty(plan), table.concat(out, "\n"))
    assert.same({ {}, {}, {} }, { plan.faults, plan.drift, plan.notes })
    return manifest
  end

  -- What the vendor documents as creates, each with a name of its own.
  local function documented(provider)
    local list = {}
    for _, folder in ipairs { "pages", "sheets" } do
      local all = assert(json.decode(support.read(("tests/contract/fixtures/%s/%s.json"):format(folder, provider))))
      for _, exchange in ipairs(all.exchanges) do
        if exchange.operation == "create" and not exchange.error and exchange.request.json and exchange.variant then
          local fields = {}
          for name, value in pairs(exchange.request.json) do
            if value ~= json.null then fields[name] = value end
          end
          list[#list + 1] = { exchange.resource, fields, exchange.variant }
        end
      end
    end
    return list
  end

  local function sample(provider, name_field, more)
    box = vendors.start { provider }
    local client = assert(box:client(provider, {}))
    local sent, variants, count = {}, {}, 0
    if provider == "hubster" then
      more.hubId = assert(client.hubs:create { name = "Support", description = "d" }).id
    end
    for i, item in ipairs(documented(provider)) do
      local fields = item[2]
      fields[name_field] = "sample " .. i
      for name, value in pairs(more) do fields[name] = value end
      local record = assert(client[item[1]]:create(fields))
      sent[record.id], variants[item[3]], count = fields, true, count + 1
    end
    return client, sent, variants, count
  end

  for provider, about in pairs {
    onebox = { "UserId", {}, 6 }, ocamba = { "name", {}, 6 }, hubster = { "name", {}, 6 },
    myreports = { "name", { tenantId = "tenant-1" }, 2 },
  } do
    it("plans to no change: " .. provider .. "'s documented records", function()
      local client, sent, variants, count = sample(provider, about[1], about[2])
      local text, summary = exported(provider, client, { sent = sent, parents = { tenantId = { "tenant-1" } } })
      local kinds = 0
      for _ in pairs(variants) do kinds = kinds + 1 end
      assert.is_true(kinds >= about[3], kinds .. " variants")
      assert.same({ count + (provider == "hubster" and 1 or 0), {} }, { summary.count, summary.left_out })
      assert_unchanged(text, summary)
      -- No secret stands in it, also where the vendor shows it.
      for _, value in pairs(box.environment) do
        assert.is_nil(#value > 3 and text:find('"' .. value .. '"', 1, true), value)
      end
    end)
  end

  it("has names of any kind, equal ones and references", function()
    box = vendors.start { "hubster" }
    local client = assert(box:client("hubster", {}))
    local hubs = {}
    for i, name in ipairs(ODD) do
      hubs[i] = assert(client.hubs:create { name = name, description = name .. "\n" .. i })
    end
    for i = 1, 300 do
      assert(client.hubs:create { name = ("same"):gsub(".", function(c) return c .. ("/"):rep(i % 2) end)
        .. (" "):rep(i), description = "]]" })
    end
    for _, hub in ipairs(hubs) do
      assert(client.integrations:create { hubId = hub.id, channelId = "WebChat", name = "chat",
        configuration = { allowedOrigins = { "https://a", "]]", '"' },
                          start = { "\n", { x = 1.5, ["end"] = true } } } })
    end
    local text, summary = exported("hubster", client, { alias = "file" })
    local manifest = assert_unchanged(text, summary)
    assert.same({ 2 * #ODD + 300, {} }, { summary.count, summary.left_out })
    for i, hub in ipairs(hubs) do
      local declared = manifest.record[summary.records[i].address].fields
      assert.same({ hub.name, hub.description }, { declared.name, declared.description })
    end
    -- Every integration names its hub.
    for _, node in ipairs(manifest.records) do
      assert.equal(node.resource == "integrations", node.needs[1] ~= nil)
    end
    assert.is_not_nil(manifest.record["file.hubs.a-b-3"])
    assert.is_nil(manifest.record["file.hubs.a-b-4"])
    assert.matches('hubId = account_file.hubs["end"].id', text, 1, true)
  end)

  it("declares a key once, and says what it leaves out", function()
    box = vendors.start { "ocamba" }
    local client = assert(box:client("ocamba", {}))
    for _ = 1, 300 do
      assert(client.integrations:create { name = "same", provider_id = "1004",
                                          settings = { api_key = "FAKE", sender_name = "s" } })
    end
    local text, summary = exported("ocamba", client)
    assert.same({ 1, 299 }, { summary.count, #summary.left_out })
    assert.equal("has the key of same: a manifest declares each key once", summary.left_out[1].why)
    assert.equal(299, select(2, text:gsub("%-%- integrations %d+ is left out: ", "")))
    assert.matches("-- providers: 6, not declared here, because they cannot be created", text, 1, true)
    assert_unchanged(text, summary)
  end)

  local ACME = [[
return provider {
  base_url = "https://api.acme.invalid", auth = bearer "token", choice "zone" { default = "a", values = { "a", "b" } },
  resource "lines" { path = "/hubs/{hub}/lines", key = { "hub", "name" },
    text "hub" { required = true, path = true, fixed = true, parent = "hubs" }, text "name" { required = true },
    text "next" { parent = "lines" }, create = post {}, get = get {}, list = get { items = "items" } },
  resource "hubs" { path = "/hubs", key = { "name" }, ids = "number", text "name" { required = true },
    integer "big" {}, integer "port" { max = 99, sent_as = "string" }, list "any" {}, boolean "live" { default = true },
    choice "state" { values = { "on", "off" } }, text "mail" { required = true },
    secret "pin" {}, group "voice" { text "number" {}, secret "code" { required = true },
      list "people" { of = group { text "name" {}, secret "key" {} } } },
    create = post {}, get = get {}, update = patch {}, delete = delete {}, list = get { items = "items" } },
  resource "pets" { path = "/people/{person}/pets", text "person" { required = true, path = true },
    text "name" {}, create = post {}, list = get { items = "items" } },
  resource "cards" { path = "/cards", text "name" {}, create = post {} },
}
]]

  local function acme(records)
    local others = records and 'return { { fault = "others", on = "acme hubs", records = { ' .. records .. " } } }"
    box = vendors.start({}, { acme = ACME }, others)
    return assert(box:client(box:provider "acme", { zone = "b" }))
  end

  it("says of a secret that there is one, and leaves out what a create would not take", function()
    local client = acme [[
      { name = "a", mail = "m", port = "100", state = "gone", pin = "FAKE-pin", live = true, about = "unknown",
        voice = { number = "5", people = { { name = "x", key = "FAKE-key" } } } },
      { name = "b", mail = "m", port = "7", live = false, pin = "", any = {}, state = "" },
      { name = "c" },
      { name = "d", mail = "holds <secret> in it" }]]
    local text, summary = exported("acme", client)
    assert.matches([[
acme.hubs("a", {
  name = "a",
  -- port is left out: it is more than 99
  -- state is left out: it must be one of]], text, 1, true)
    assert.matches('mail = "m",\n  -- pin is a secret, and not written here\n  voice = {\n    number = "5",\n'
      .. '    code = secret.env "ACME_HUBS_A_VOICE_CODE", -- a secret, which the vendor does not show\n', text, 1, true)
    assert.matches("-- voice.people is a secret, and not written here", text, 1, true)
    assert.matches('acme.hubs("b", { name = "b", port = "7", live = false, mail = "m" })', text, 1, true)
    assert.matches("is left out: mail is not shown by the vendor\n", text, 1, true)
    assert.matches('zone = "b",', text, 1, true)
    assert.is_nil(text:find("FAKE", 1, true))
    assert.is_nil(text:find("about", 1, true))
    assert.same({ 2, 2 }, { summary.count, #summary.left_out })
    assert(box:read(text))
  end)

  it("writes numbers, lists and tables as they are", function()
    local any = [[{ 1, 1.0, -0.1, 1e300, 123456789012345, false, null, "", {}, { ["a b"] = { "x" }, ["end"] = 2 } }]]
    local client = acme('{ name = "n", mail = "m", any = ' .. any:gsub("null", '"null"') .. " }")
    local there = assert(client.hubs:list())[1]
    local text, summary = exported("acme", client)
    local manifest = assert_unchanged(text, summary)
    assert.equal(json.encode(there.any), json.encode(manifest.record["acme.hubs.n"].fields.any))
  end)

  it("refers to what is declared, before or after it, and says what cannot be listed", function()
    local client = acme()
    local hub = assert(client.hubs:create { name = "h", mail = "m" })
    local one = assert(client.lines:create { hub = tostring(hub.id), name = "one" })
    assert(client.lines:create { hub = tostring(hub.id), name = "two", next = one.id })
    assert(client.pets:create { person = "p1", name = "rex" })
    local text, summary, notes = exported("acme", client)
    assert.matches('acme.lines("h-two", { hub = acme.hubs.h.id, name = "two", next = acme.lines["h-one"].id })',
      text, 1, true)
    assert.same({
      { resource = "pets", message = "cannot be listed: whose they are has to be said: person", parent = "person" },
      { resource = "cards", message = "cannot be listed: the provider has no list of them" },
    }, notes)
    assert.equal(3, summary.count)
    assert_unchanged(text, summary)
    assert.same({ "person" }, collect.to_say(client, box:provider "acme"))
    text = exported("acme", client, { parents = { person = { "p1" } } })
    assert.matches('acme.pets("pets", { person = "p1", name = "rex" })', text, 1, true)
  end)

  it("has what belongs to records that cannot be listed, where these are said", function()
    box = vendors.start({}, { acme = [[
return provider { base_url = "https://api.acme.invalid", auth = bearer "token",
  resource "hubs" { path = "/hubs", text "name" { required = true }, create = post {}, get = get {} },
  resource "lines" { path = "/hubs/{hub}/lines", key = { "hub", "name" },
    text "hub" { required = true, path = true, fixed = true, parent = "hubs" }, text "name" { required = true },
    create = post {}, get = get {}, list = get { items = "items" } },
  resource "tones" { path = "/hubs/{hub}/lines/{line}/tones",
    text "hub" { required = true, path = true, fixed = true, parent = "hubs" },
    text "line" { required = true, path = true, fixed = true, parent = "lines" }, text "name" { required = true },
    create = post {}, get = get {}, list = get { items = "items" } },
}]] })
    local client = assert(box:client(box:provider "acme", {}))
    local ids = {}
    for i = 1, 2 do
      ids[i] = assert(client.hubs:create { name = "h" .. i }).id
      local line = assert(client.lines:create { hub = ids[i], name = "l" })
      assert(client.tones:create { hub = ids[i], line = line.id, name = "t" .. i })
    end
    assert.same({ "hub" }, collect.to_say(client, box:provider "acme"))
    local _, summary, notes = exported("acme", client)
    assert.equal(0, summary.count)
    local parents = {}
    for _, note in ipairs(notes) do parents[note.resource] = note.parent or "none" end
    assert.same({ hubs = "none", lines = "hub", tones = "hub" }, parents)
    local text
    text, summary = exported("acme", client, { parents = { hub = { ids[1] } } })
    assert.equal(2, summary.count)
    assert.matches('"t1"', text, 1, true)
    assert.is_nil(text:find('"t2"', 1, true))
    assert.equal(4, select(2, exported("acme", client, { parents = { hub = ids } })).count)
  end)

  it("is read by LuaJIT however many records there are", function()
    local client = acme '{ name = "n", mail = "m" }'
    local records = { hubs = {}, lines = {
      { id = "L", hub = 1, name = "x", next = "elsewhere" }, { id = "M", hub = "9999", name = "y", next = "M" },
    } }
    for i = 1, 1201 do records.hubs[i] = { id = i, name = "n" .. i, mail = "m" .. i } end
    local out = {}
    export.manifest { client = client, provider = box:provider "acme", records = records,
                      emit = function(text) out[#out + 1] = text end }
    local text = table.concat(out)
    local manifest = box:manifest(text)
    assert.equal(1203, #manifest.records)
    -- What is not declared, and a record itself, stand there by their ids.
    for _, line in ipairs { 'acme.lines("n1-x", { hub = acme.hubs.n1.id, name = "x", next = "elsewhere" })',
                            'acme.lines("9999-y", { hub = "9999", name = "y", next = "M" })' } do
      assert.is_truthy(text:find(line, 1, true), line)
    end
    assert.equal(3, select(2, text:gsub("\npart%(", "")))
  end)
end)
