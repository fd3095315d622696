-- What an update changes and what it leaves, in each of the forms that providers have.
local boxes = require "tests.sandbox.boxes"
local json = require "luaprov.json"
local luaprov = require "luaprov"
local support = require "tests.support"

local function provider(verb, sends)
  return support.provider(([[
    path = "/things", ids = "uuid",
    text "name" { required = true }, text "note" {}, text "kept" { fixed = true },
    text "odd~na/me" {}, list "tags" {},
    choice "kind" { required = true, fixed = true, values = { "a", "b" } },
    text "made" { computed = true, example = "{uuid}" },
    group "net" { text "host" {}, integer "port" {}, text "ip" { computed = true, example = "{uuid}" },
                  group "tls" { text "cert" {}, text "key" {} } },
    by "kind" { a = { group "conf" { whole = true, text "x" { required = true }, text "y" {},
                                     text "own" { computed = true, example = "{uuid}" } } },
                b = { group "conf" { text "x" {}, text "y" {} } } },
    create = post {}, get = get {}, update = %s { %s }, delete = delete {}, list = get {},
]]):format(verb, sends and ('sends = "' .. sends .. '"') or ""))
end

local FORMS = { { "patch", nil }, { "patch", "merge_patch" }, { "patch", "json_patch" }, { "put", "whole" } }

local function thing()
  return { name = "n", note = "first", kept = "k", kind = "a", net = { host = "h", port = 1, tls = { cert = "c" } },
           conf = { x = "1", y = "2" }, tags = { "t" } }
end

describe("An update in the sandbox", function()
  after_each(boxes.stop)

  for _, form in ipairs(FORMS) do
    local name = form[2] or "changes"

    it("that sends " .. name .. " changes what it names and nothing else", function()
      local box, acme = boxes.of(provider(form[1], form[2]))
      local before = assert(acme.things:create(thing()))
      local changes = { note = "second", net = { port = 2, tls = { key = "k" } }, tags = { "u" } }
      assert(acme.things:update(before.id, changes))
      local kept = box:records("acme", "things")[1]
      assert.same({ "n", "second", "k", "h", 2, "c", "k", "1", "2" }, { kept.name, kept.note, kept.kept, kept.net.host,
        kept.net.port, kept.net.tls.cert, kept.net.tls.key, kept.conf.x, kept.conf.y })
      assert.same({ before.id, before.made, before.net.ip, before.conf.own },
        { kept.id, kept.made, kept.net.ip, kept.conf.own })
      assert.same({ 1, "u" }, { #kept.tags, kept.tags[1] })
    end)

    it("that sends " .. name .. " keeps what the vendor put into a group that is replaced whole", function()
      local box, acme = boxes.of(provider(form[1], form[2]))
      local before = assert(acme.things:create(thing()))
      local other = thing()
      other.kind = "b"
      local b = assert(acme.things:create(other))
      assert(acme.things:update(before.id, { conf = { x = "3" } }))
      assert(acme.things:update(b.id, { conf = { x = "3" } }))
      local kept = box:records("acme", "things")
      assert.equal("3", kept[1].conf.x)
      assert.equal(before.conf.own, kept[1].conf.own)
      -- A JSON Patch of ours names each member; so does the whole record.
      if not form[2] or form[2] == "merge_patch" then assert.is_nil(kept[1].conf.y) end
      assert.same({ "3", "2" }, { kept[2].conf.x, kept[2].conf.y })
    end)

    it("that sends " .. name .. " refuses to change what is fixed, and takes it as it is", function()
      local box = boxes.of(provider(form[1], form[2]))
      local made = boxes.send(box, "POST", "/acme/things", { body = thing() }).json
      local function send(value)
        local body = form[2] == "whole" and thing() or {}
        body.kept = value
        if form[2] == "json_patch" then body = { { op = "replace", path = "/kept", value = value } } end
        return boxes.send(box, form[1]:upper(), "/acme/things/" .. made.id, { body = body }).status
      end
      assert.equal(200, send("k"))
      assert.equal(400, send("other"))
      assert.equal(400, send(luaprov.null))
      assert.equal("k", box:records("acme", "things")[1].kept)
    end)
  end

  it("takes null for empty, or for away, as the form has it", function()
    for _, form in ipairs(FORMS) do
      local box, acme = boxes.of(provider(form[1], form[2]))
      local before = assert(acme.things:create(thing()))
      assert(acme.things:update(before.id, { note = luaprov.null, net = { tls = { cert = luaprov.null } } }))
      local kept = box:records("acme", "things")[1]
      local wanted = not form[2] and luaprov.null or nil
      assert.equal(wanted, kept.note, form[2])
      assert.equal(wanted, kept.net.tls.cert, form[2])
      assert.equal(400, boxes.send(box, form[1]:upper(), "/acme/things/" .. before.id, {
        body = form[2] == "json_patch" and { { op = "remove", path = "/name" } } or { name = luaprov.null } }).status)
      boxes.stop()
    end
  end)

  it("wants all of a record that it replaces", function()
    local box = boxes.of(provider("put", "whole"))
    local made = boxes.send(box, "POST", "/acme/things", { body = thing() }).json
    assert.equal(400, boxes.send(box, "PUT", "/acme/things/" .. made.id, { body = { note = "x" } }).status)
    local body = thing()
    body.note, body.net, body.kept = nil, nil, nil
    local after = boxes.send(box, "PUT", "/acme/things/" .. made.id, { body = body })
    assert.equal(200, after.status)
    assert.same({ nil, "k", made.made }, { after.json.note, after.json.kept, after.json.made })
    assert.is_nil(after.json.net)
  end)

  it("reads JSON Patch: add, replace and remove, nested, and names with ~ and /", function()
    local box = boxes.of(provider("patch", "json_patch"))
    local made = boxes.send(box, "POST", "/acme/things", { body = thing() }).json
    local function send(operations)
      return boxes.send(box, "PATCH", "/acme/things/" .. made.id, { body = json.array(operations) }).status
    end
    assert.equal(200, send { { op = "add", path = "/odd~0na~1me", value = "v" },
                             { op = "replace", path = "/net/tls/cert", value = "d" },
                             { op = "remove", path = "/net/host" }, { op = "remove", path = "/note" } })
    local kept = box:records("acme", "things")[1]
    assert.same({ "v", "d", 1 }, { kept["odd~na/me"], kept.net.tls.cert, kept.net.port })
    assert.same({}, { kept.net.host, kept.note })
    assert.equal(200, send {})
    for _, wrong in ipairs { { op = "move", from = "/a", path = "/name" }, { op = "replace", path = "name", value = 1 },
                             { op = "replace", path = "", value = {} }, { op = "replace", path = "/name" },
                             { path = "/name", value = "x" }, "replace", { op = "replace", path = "/name", value = 7 },
                             { op = "replace", path = "/made", value = "x" }, { op = "add", path = "/no", value = "x" },
                             { op = "add", path = "/tags/x", value = "x" }, { op = "add", path = "/", value = "x" },
                             { op = "replace", path = "/name/x", value = "x" } } do
      assert.equal(400, send { wrong }, json.encode(wrong))
    end
    assert.equal(400, boxes.send(box, "PATCH", "/acme/things/" .. made.id, { body = { name = "x" } }).status)
    assert.equal("n", box:records("acme", "things")[1].name)
  end)

  it("does a JSON Patch one operation after the other, and judges what comes of it", function()
    local box = boxes.of((provider("patch", "json_patch"):gsub('list "tags" {}', [[
      list "tags" { of = text {}, max = 3 }, list "rules" { of = group { text "match" { required = true } } },
      group "bag" { unknown = "pass" }]])))
    local sent = thing()
    sent.tags, sent.rules, sent.bag = { "s", "t" }, { { match = "m" } }, { a = "1", b = "1" }
    local path = "/acme/things/" .. boxes.send(box, "POST", "/acme/things", { body = sent }).json.id
    local made = box:records("acme", "things")[1]
    local function send(...)
      local body = {}
      for i, operation in ipairs { ... } do
        body[i] = { op = operation[1], path = operation[2], value = operation[3] }
      end
      local answer = boxes.send(box, "PATCH", path, { body = json.array(body) })
      return answer.status, box:records("acme", "things")[1]
    end
    local function encoded(record, name) return json.encode(record[name]) end
    local status, kept = send({ "replace", "/bag", { b = "2" } })
    assert.same({ 200, '{"b":"2"}' }, { status, encoded(kept, "bag") })
    status, kept = send({ "add", "/tags/0", "r" }, { "remove", "/tags/1" }, { "replace", "/tags/1", "u" },
      { "add", "/tags/-", "v" })
    assert.same({ 200, '["r","u","v"]' }, { status, encoded(kept, "tags") })
    status, kept = send({ "replace", "/rules/0/match", "n" }, { "add", "/rules/1", { match = "o" } })
    assert.same({ 200, '[{"match":"n"},{"match":"o"}]' }, { status, encoded(kept, "rules") })
    -- Whoever replaces a group has all of it replaced but for what is the vendor's.
    status, kept = send({ "replace", "/net", { port = 9 } }, { "replace", "/conf", { x = "3" } })
    assert.same({ 200, 9, nil, nil, made.net.ip }, { status, kept.net.port, kept.net.host, kept.net.tls, kept.net.ip })
    assert.same({ "3", nil, made.conf.own }, { kept.conf.x, kept.conf.y, kept.conf.own })
    -- What comes in between does not count, and what is as it was has not changed.
    status, kept = send({ "replace", "/name", 7 }, { "replace", "/name", "m" }, { "replace", "/kept", "k" },
      { "replace", "/conf/own", made.conf.own }, { "remove", "/note" }, { "remove", "/note" })
    assert.same({ 200, "m", "k", made.conf.own }, { status, kept.name, kept.kept, kept.conf.own })
    local before = json.encode(kept)
    for _, wrong in ipairs {
      { "add", "/tags/3", "w" }, { "add", "/tags/4", "w" }, { "replace", "/tags/3", "w" }, { "remove", "/tags/3" },
      { "add", "/tags/01", "w" }, { "replace", "/tags/-", "w" }, { "replace", "/tags/0", 1 },
      { "add", "/tags/0/x", "w" }, { "remove", "/rules/0/match" }, { "remove", "/conf/x" },
      { "replace", "/conf", { y = "1" } }, { "replace", "/conf/own", "w" }, { "remove", "/conf/own" },
      { "replace", "/net", { ip = "w" } }, { "remove", "/kept" }, { "remove", "/id" }, { "remove", "/made" },
    } do
      local about = table.concat({ wrong[1], wrong[2], tostring(wrong[3]) }, " ")
      assert.equal(400, (send(wrong)), about)
      assert.equal(before, json.encode(box:records("acme", "things")[1]), about)
    end
  end)

  it("leaves what is ignored as it was in a JSON Patch, too", function()
    local box = boxes.of((provider("patch", "json_patch"):gsub('text "note" {}', 'text "note" { fixed = "ignored" }')))
    local made = boxes.send(box, "POST", "/acme/things", { body = thing() }).json
    for _, op in ipairs { "replace", "remove" } do
      assert.equal(200, boxes.send(box, "PATCH", "/acme/things/" .. made.id, { body = {
        { op = op, path = "/note", value = "other" }, { op = "replace", path = "/name", value = op } } }).status)
      assert.same({ "first", op }, { box:records("acme", "things")[1].note, box:records("acme", "things")[1].name })
    end
  end)

  it("changes nothing when a part of it is wrong", function()
    local box = boxes.of(provider("patch"))
    local made = boxes.send(box, "POST", "/acme/things", { body = thing() }).json
    assert.equal(400, boxes.send(box, "PATCH", "/acme/things/" .. made.id, {
      body = { note = "changed", net = { port = "x" } } }).status)
    assert.equal("first", box:records("acme", "things")[1].note)
    assert.same({ 1, "h" }, { box:records("acme", "things")[1].net.port, box:records("acme", "things")[1].net.host })
  end)

  it("ignores a change in silence where the file says so", function()
    local box = boxes.start { "hubster" }
    local hubster = assert(luaprov.client("hubster", box:options "hubster"))
    local hub = assert(hubster.hubs:create { name = "h", description = "d" })
    local made = assert(hubster.integrations:create { hubId = hub.id, channelId = "TwilioSMS", name = "sms",
      configuration = { accountSid = "AC1", authToken = "FAKE", numberSid = "PN1" } })
    local changed = boxes.send(box, "POST", "/hubster/api/v1/integrations/hubs/" .. made.id, { body = { name = "other",
      configuration = { accountSid = "AC2", authToken = "FAKE2", numberSid = "PN2" } } })
    assert.equal(200, changed.status)
    assert.same({ "other", "AC1", "FAKE", "+15005550006" }, { changed.json.name, changed.json.configuration.accountSid,
      changed.json.configuration.authToken, changed.json.configuration.phoneNumber })
  end)
end)
