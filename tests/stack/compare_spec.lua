local compare = require "luaprov.stack.compare"
local json = require "luaprov.json"
local reference = require "luaprov.stack.reference"
local remember = require "luaprov.stack.remember"
local secret = require "luaprov.secret"
local stack = require "tests.stack.support"
local support = require "tests.support"

local hubs, lines = stack.acme.resource.hubs, stack.acme.resource.lines

local function changes(wanted, there, options, description)
  return stack.changes(compare.changes(description or hubs, wanted, there, options))
end

-- What the state keeps, its fields as a row has them that was opened.
local function kept(fields, secrets) return json.decode(fields), secrets end

local function is_quiet(wanted, there, options) assert.same({}, changes(wanted, there, options)) end

describe("what is wanted and what is there", function()
  it("differ field by field", function()
    assert.same({ "about: b > c", "mail.from: x > y", "name: a > " },
      changes({ name = "", about = "c", mail = { from = "y" } },
        { name = "a", about = "b", mail = { from = "x", reply = "r" }, hubId = "1" }))
  end)

  it("do not differ by what the vendor adds", function()
    is_quiet({ name = "a" }, { name = "a", about = "default", open = false, hubId = "1", seen = "now", other = {},
                               mail = { from = "x" } })
    is_quiet({ name = "a", mail = { from = "x" } }, { name = "a", mail = { from = "x", reply = "r", what = 1 } })
  end)

  it("do not differ by spelling", function()
    is_quiet({ port = 465 }, { port = "465" })
    is_quiet({ port = "465" }, { port = 465.0 })
    is_quiet({ open = true }, { open = "true" })
    is_quiet({ open = false }, { open = "0" })
    is_quiet({ name = "0AAAAAAA-0000-4000-8000-00000000000b" }, { name = "0aaaaaaa-0000-4000-8000-00000000000B" })
    is_quiet({ state = 1001 }, { state = "1001" })
    is_quiet({ state = "1001" }, { state = 1001 })
    is_quiet({ site = "https://a.b/" }, { site = "https://a.b" })
    local guid = "0AAAAAAA-0000-4000-8000-00000000000b"
    assert.same({}, changes({ hub = guid }, { hub = guid:lower() }, nil, lines))
    -- Ids that are no GUIDs and differ in case are two, in a path as everywhere.
    assert.equal(1, #changes({ hub = "AB-1" }, { hub = "ab-1" }, nil, lines))
    assert.same({ "name: AB > ab" }, changes({ name = "ab" }, { name = "AB" }))
    assert.same({ "open: true > false" }, changes({ open = false }, { open = true }))
  end)

  it("do not differ by the many forms of nothing", function()
    for _, nothing in ipairs { json.null, "", {}, json.array {} } do
      is_quiet({ about = nothing }, {})
      is_quiet({ about = nothing }, { about = json.null })
      is_quiet({ about = nothing }, { about = "" })
    end
    assert.same({ "about: x > " }, changes({ about = "" }, { about = "x" }))
    assert.equal(1, #changes({ about = json.null }, { about = "x" }))
  end)

  it("do not differ by the order of a list that has none", function()
    is_quiet({ tags = { "a", "b", "b" } }, { tags = { "b", "a", "b" } })
    assert.equal(1, #changes({ tags = { "a", "b", "b" } }, { tags = { "b", "a", "a" } }))
    assert.equal(1, #changes({ tags = { "a" } }, { tags = { "a", "b" } }))
    is_quiet({ steps = { "a", "b" } }, { steps = { "a", "b" } })
    assert.equal(1, #changes({ steps = { "a", "b" } }, { steps = { "b", "a" } }))
  end)

  it("differ by what is fixed", function()
    assert.same({ "kind: sms > call fixed" }, changes({ kind = "call" }, { kind = "sms" }, nil, lines))
    assert.same({ "hub: 1 > 2 fixed" }, changes({ hub = "2" }, { hub = "1" }, nil, lines))
    assert.equal("ignored", compare.changes(hubs, { site = "https://b" }, { site = "https://a" })[1].fixed)
  end)

  it("do not differ by what is ignored", function()
    is_quiet({ about = "a", mail = { from = "x", reply = "1" } }, { about = "b", mail = { from = "x", reply = "2" } },
      { ignore = { about = true, ["mail.reply"] = true } })
    is_quiet({ mail = { from = "x" } }, { mail = { from = "y" } }, { ignore = { mail = true } })
  end)

  it("all of it is new where nothing is there", function()
    assert.same({ "about: nil > b", "mail.password: secret changed", "name: nil > a" },
      changes({ name = "a", about = "b", mail = { password = secret "p" } }, nil, { ignore = { about = true } }))
  end)
end)

describe("a secret", function()
  -- What the state keeps of a hub that was made with this password, of which the vendor shows `shown`.
  local function row(password, shown)
    local wanted = { name = "a", mail = { from = "x", password = password } }
    local record = { id = "1", name = "a", mail = { from = "x", password = shown } }
    local fields, secrets = kept(remember.of(hubs, wanted, record))
    return fields, secrets, record
  end

  local function differ(password, shown, wanted, shown_now)
    local fields, secrets, record = row(password, shown)
    local there = record
    if shown_now == "nobody looked" then there = fields
    elseif shown_now ~= nil then there.mail.password = shown_now end
    return changes({ name = "a", mail = { from = "x", password = wanted } }, there, { secrets = secrets })
  end

  local CHANGED = { "mail.password: secret changed" }

  it("that the vendor shows, masks or hides is known by its hash", function()
    for _, shown in ipairs { secret "pw-0000", secret "****", json.null } do
      assert.same({}, differ(secret "pw-0000", shown, secret "pw-0000"))
      assert.same({}, differ(secret "pw-0000", shown, "pw-0000", "nobody looked"))
      assert.same(CHANGED, differ(secret "pw-0000", shown, secret "pw-1111"))
      assert.same(CHANGED, differ(secret "pw-0000", shown, secret "pw-1111", "nobody looked"))
    end
  end)

  it("that was changed at the vendor is changed back, a mask of it too", function()
    assert.same(CHANGED, differ(secret "pw-0000", secret "pw-0000", secret "pw-0000", secret "pw-2222"))
    assert.same(CHANGED, differ(secret "pw-0000", secret "***0", secret "pw-0000", secret "***2"))
    -- The manifest has been changed to what the vendor has already.
    assert.same({}, differ(secret "pw-0000", secret "pw-0000", secret "pw-2222", secret "pw-2222"))
  end)

  it("of which the state knows nothing is sent", function()
    local wanted = { mail = { from = "x", password = secret "pw-0000" } }
    assert.same({ "mail.password: secret unknown" }, changes(wanted, { mail = { from = "x" } }, { secrets = {} }))
    assert.same({}, changes(wanted, { mail = { from = "x", password = secret "pw-0000" } }, { secrets = {} }))
  end)

  it("stands in no state and in no change, wherever somebody puts it", function()
    local wanted = { name = secret "n-0000", about = "plain", mail = { from = "x", password = "p-0000" },
                     people = { { name = "a", pin = "i-0000" } }, tags = { secret "t-0000" } }
    local record = { id = "1", name = "n-0000", about = "plain", mail = { from = "x", password = secret "p-0000" },
                     people = { { name = "a", pin = secret "i-0000" } }, tags = { "t-0000" }, apiKey = secret "k-0000" }
    local fields, secrets = kept(remember.of(hubs, wanted, record))
    assert.same({ id = "1", about = "plain", mail = { from = "x" } }, fields)
    assert.is_nil(json.encode { fields, secrets }:find("-0000", 1, true))
    is_quiet(wanted, record, { secrets = secrets })
    is_quiet(wanted, fields, { secrets = secrets })
    local other = { name = secret "n-1111", mail = { password = "p-1111" }, people = { { name = "a", pin = "i-1111" } },
                    tags = { secret "t-1111" } }
    local list = compare.changes(hubs, other, record, { secrets = secrets })
    assert.equal(4, #list)
    for _, change in ipairs(list) do assert.equal("changed", change.secret) end
    assert.is_nil(support.shown(list):find("-0000", 1, true))
    assert.is_nil(support.shown(list):find("-1111", 1, true))
    assert.is_nil(support.shown(compare.changes(hubs, wanted)):find("-0000", 1, true))
    -- A plain value where a secret was: the old one is not shown for that.
    list = compare.changes(hubs, { name = "plain" }, { name = "n-0000" }, { secrets = secrets })
    assert.is_nil(support.shown(list):find("-0000", 1, true))
  end)

  it("of a record that is read again keeps what was sent", function()
    local _, secrets, record = row(secret "pw-0000", secret "**00")
    record.mail.password, record.about = secret "**22", "new"
    local fields, again = kept(remember.again(hubs, { secrets = secrets }, record))
    assert.equal("new", fields.about)
    assert.is_nil(fields.mail.password)
    assert.equal(secrets["mail.password"].sent, again["mail.password"].sent)
    assert.not_equal(secrets["mail.password"].shown, again["mail.password"].shown)
    is_quiet({ mail = { from = "x", password = secret "pw-0000" } }, record, { secrets = again })
  end)
end)

it("a plain field that the vendor never shows is known by its hash", function()
  local fields, secrets = kept(remember.of(hubs, { name = "a", about = "hidden" }, { id = "1", name = "a" }))
  assert.same({ id = "1", name = "a" }, fields)
  is_quiet({ name = "a", about = "hidden" }, { name = "a" }, { secrets = secrets })
  assert.same({ "about: nil > other unseen" }, changes({ about = "other" }, { name = "a" }, { secrets = secrets }))
  is_quiet({ about = "shown" }, { about = "shown" }, { secrets = secrets })
end)

describe("what is known later", function()
  local wanted = stack.manifest('acme.hubs("x", { name = acme.hubs.h.id }) acme.hubs("h", { name = "h" })')
    .record["acme.hubs.x"].fields

  it("is a change, unless nothing that it refers to changes", function()
    assert.same({ "name: a > acme.hubs.h.id later" }, changes(wanted, { name = "a" }))
    local asked = {}
    local function pending(deferred)
      asked[#asked + 1] = reference.shown(deferred)
      return false
    end
    is_quiet(wanted, { name = "a" }, { pending = pending })
    assert.same({ "acme.hubs.h.id" }, asked)
    assert.equal(1, #changes(wanted, {}, { pending = pending }))
    assert.equal(1, #changes(wanted, { name = "a" }, { pending = function() return true end }))
  end)
end)

describe("drift", function()
  local function drift(known, there, options) return stack.changes(compare.drift(hubs, known, there, options)) end

  it("is what was set at the vendor, declared or not", function()
    assert.same({ "about: a > b", "open: nil > true", "voice.number: 1 > nil" }, drift(
      { name = "a", about = "a", voice = { number = "1" }, seen = "1", other = 1 },
      { name = "a", about = "b", open = true, voice = {}, seen = "2", other = 2 }))
  end)

  it("is no other spelling", function()
    assert.same({}, drift({ port = "1", tags = { "a", "b" }, about = json.null }, { port = 1, tags = { "b", "a" } }))
    assert.same({}, drift({ about = "a" }, { about = "b" }, { ignore = { about = true } }))
  end)

  it("shows no secret", function()
    local fields, secrets = kept(remember.of(hubs, { name = secret "n-0000" }, { name = "n-0000" }))
    local list = compare.drift(hubs, fields, { name = "n-1111" }, { secrets = secrets })
    assert.same({ "name: secret changed" }, stack.changes(list))
    assert.is_nil(support.shown(list):find("-1111", 1, true))
  end)
end)

describe("an update", function()
  local function input(wanted, there, ignore)
    local step = { description = hubs, fields = wanted, there = there, record = { ignore = ignore } }
    step.changes = compare.changes(hubs, wanted, there, { ignore = ignore })
    return compare.input(step)
  end

  it("sends what changes", function()
    assert.same({ about = "b", voice = { number = "2" } }, input(
      { name = "a", about = "b", voice = { number = "2", greeting = "g" } },
      { name = "a", about = "a", voice = { number = "1", greeting = "g" } }))
    assert.same({ open = false }, input({ open = false }, { open = true }))
    assert.same({ voice = { number = "2" } }, input({ voice = { number = "2" } }, {}))
  end)

  it("sends a group whole that is replaced whole, with what is not declared in it as it is", function()
    assert.same({ mail = { from = "new", reply = "r" } }, input({ name = "a", mail = { from = "new" } },
      { name = "a", mail = { from = "old", reply = "r", stray = 1, password = secret "mask" } }))
    assert.same({ mail = { from = "new", reply = "theirs" } }, input({ mail = { from = "new", reply = "ours" } },
      { mail = { from = "old", reply = "theirs" } }, { ["mail.reply"] = true }))
  end)
end)
