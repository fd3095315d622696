-- A provider file that nobody but its user has: what it says is what the sandbox does.
local boxes = require "tests.sandbox.boxes"
local luaprov = require "luaprov"
local support = require "tests.support"

local ACME = [[
return provider {
  title = "Acme", base_url = "https://{region}.acme.invalid/api/{version}", auth = bearer "token",
  choice "region" { values = { "eu", "us" } },
  text "version" { default = "v1" },
  text "account" {},
  errors = { message = "message" },

  resource "folders" {
    path = "[/accounts/{account}]/folders", ids = "number",
    text "name" { required = true, max = 5, min = 2, pattern = "^%l" },
    text "parent_id" { fixed = true, parent = "folders" },
    create = post { expect = 201, record = "data.folder", envelope = { data = { kind = "folder" }, at = "{now}" } },
    get = get { record = "data.folder" }, delete = delete { envelope = { ok = true } },
    update = patch { record = "data.folder" },
    list = get { items = "data.folders", envelope = { count = "{count}" } },
  },
  resource "lines" {
    path = "/folders/{folder}/lines", id = "line_id", ids = "digits",
    key = { "folder", "name" }, unique = true,
    text "folder" { path = true, required = true, fixed = true, parent = "folders" },
    text "name" { required = true },
    choice "kind" { required = true, fixed = true, values = { "sip", "pots" } },
    choice "mode" { required = true, values = { [10] = "in", [20] = "out" } },
    integer "port" { min = 1, max = 65535 },
    integer "weight" { sent_as = "string" },
    boolean "on" { sent_as = "string", example = "true" },
    boolean "live" {},
    url "hook" {},
    list "tags" { of = text { max = 3 }, min = 1, max = 2 },
    list "rules" { of = group { text "match" { required = true }, integer "cost" {} } },
    secret "pin" { pattern = "^%d+$" },
    by "kind" { sip = { text "realm" { required = true } }, pots = { integer "slot" { required = true } } },
    by { "kind", "mode" } { ["sip 10"] = { text "allow" {} }, ["sip 20"] = { text "proxy" { required = true } },
                            ["pots 10"] = {}, ["pots 20"] = {} },
    group "net" { whole = true,
      by "kind" { sip = { text "host" { required = true }, secret "key" { required = true },
                          text "seen" { computed = true, example = "{uuid}" } },
                  pots = { text "board" { required = true } } } },
    text "owner" { computed = true, example = "acme" },
    create = post { id = location, returns = "nothing", expect = 202 },
    get = get {}, update = put { returns = "nothing", expect = 204 }, delete = delete { expect = 204 },
    list = get {},
  },
}
]]

local LINE = { folder = 1001, name = "one", kind = "sip", mode = 10, realm = "r" }

local function line_with(more)
  local fields = {}
  for name, value in pairs(LINE) do fields[name] = value end
  for name, value in pairs(more or {}) do fields[name] = value end
  return fields
end

describe("A user's own provider in the sandbox", function()
  local box, acme
  before_each(function() box, acme = boxes.of(ACME) end)
  after_each(boxes.stop)

  it("has its records where the file says that answers have them", function()
    local folder = assert(acme.folders:create { name = "ab" })
    assert.equal(1001, folder.id)
    local raw = boxes.send(box, "POST", "/acme/folders", { body = { name = "cd" } })
    assert.equal(201, raw.status)
    assert.equal("folder", raw.json.data.kind)
    assert.same({ id = 1002, name = "cd" }, raw.json.data.folder)
    assert.truthy(raw.json.at:find("^%d%d%d%d%-%d%d%-%d%dT"))
    assert.equal("ab", assert(acme.folders:get(1001)).name)
    assert.equal(2, #assert(acme.folders:list()))
    assert.equal(2, boxes.send(box, "GET", "/acme/folders").json.count)
    local gone = boxes.send(box, "DELETE", "/acme/folders/1002")
    assert.same({ 200, { ok = true } }, { gone.status, gone.json })
  end)

  it("lets the optional part of a path be there or not", function()
    assert.equal(201, boxes.send(box, "POST", "/acme/accounts/7/folders", { body = { name = "ab" } }).status)
    local enterprise = assert(luaprov.client(box.known.acme.file, (function()
      local options = box:options "acme"
      options.account = "7"
      return options
    end)()))
    assert.equal(1, #assert(enterprise.folders:list()))
    assert.equal(404, boxes.send(box, "GET", "/acme/accounts/7").status)
  end)

  it("creates within a parent, answers with nothing but a Location, and is read back", function()
    assert(acme.folders:create { name = "ab" })
    local line = assert(acme.lines:create(line_with()))
    assert.equal("1001", line.id)
    assert.equal("acme", line.owner)
    local raw = boxes.send(box, "POST", "/acme/folders/1001/lines/", { body = {
      name = "two", kind = "sip", mode = 10, realm = "r" } })
    assert.same({ 202, "" }, { raw.status, raw.body })
    assert.equal(box.base_url.acme .. "/folders/1001/lines/1002", raw.headers.location)
    assert.equal(1001, box:records("acme", "lines")[1].folder)
  end)

  it("knows a record under its own parents only", function()
    assert(acme.folders:create { name = "ab" })
    assert(acme.folders:create { name = "cd" })
    local line = assert(acme.lines:create(line_with()))
    assert.truthy(acme.lines:get(line.id, { folder = 1001 }))
    local _, err = acme.lines:get(line.id, { folder = 1002 })
    support.is_error({ kind = "not_found", outcome = "refused", status = 404 }, err)
    assert.equal(1, #assert(acme.lines:list { folder = 1001 }))
    assert.equal(0, #assert(acme.lines:list { folder = 1002 }))
  end)

  it("wants parents to be there, and takes what belongs to them away with them", function()
    support.is_error({ kind = "not_found", status = 404 }, select(2, acme.lines:create(line_with())))
    support.is_error({ kind = "not_found" }, select(2, acme.lines:list { folder = 1001 }))
    local top = assert(acme.folders:create { name = "top" })
    local inner = assert(acme.folders:create { name = "inner", parent_id = "1001" })
    support.is_error({ kind = "not_found" }, select(2, acme.folders:create { name = "x9", parent_id = "77" }))
    assert(acme.lines:create(line_with { folder = inner.id }))
    assert(acme.folders:delete(top.id))
    assert.same({ 0, 0 }, { #box:records("acme", "folders"), #box:records("acme", "lines") })
  end)

  it("keeps unique what the file calls unique, within its parent, on create and on update", function()
    assert(acme.folders:create { name = "ab" })
    assert(acme.folders:create { name = "cd" })
    local first = assert(acme.lines:create(line_with()))
    support.is_error({ kind = "conflict", outcome = "refused", status = 409, has = "exists" },
      select(2, acme.lines:create(line_with())))
    assert(acme.lines:create(line_with { folder = 1002 }))
    local second = assert(acme.lines:create(line_with { name = "two" }))
    support.is_error({ kind = "conflict" }, select(2, acme.lines:update(second.id, { folder = 1001, name = "one" })))
    assert.equal("two", assert(acme.lines:get(second.id, { folder = 1001 })).name)
    assert(acme.lines:update(second.id, { folder = 1001, name = "two" }))
    assert(acme.lines:delete(first.id, { folder = 1001 }))
    assert(acme.lines:update(second.id, { folder = 1001, name = "one" }))
  end)

  it("takes every type as the file says that it travels", function()
    assert(acme.folders:create { name = "ab" })
    local line = assert(acme.lines:create(line_with {
      port = 5060, weight = 12, on = false, live = true, hook = "https://x.invalid/y", tags = { "a", "b" },
      rules = { { match = "m", cost = 2 } }, pin = luaprov.secret "1234", allow = "all",
      net = { host = "h", key = "k" },
    }))
    local kept = box:records("acme", "lines")[1]
    assert.same({ 5060, "12", "false", true, "https://x.invalid/y", "1234", 10, "k" },
      { kept.port, kept.weight, kept.on, kept.live, kept.hook, kept.pin, kept.mode, kept.net.key })
    assert.same({ "a", "b" }, { kept.tags[1], kept.tags[2] })
    assert.equal("1234", line.pin:reveal())
    assert.truthy(kept.net.seen:find("^%x+%-%x+%-4"))
  end)

  -- What the client would refuse, sent past it.
  local WRONG = {
    { "name", 7, "type" }, { "name", luaprov.null, "type" }, { "kind", "isdn", "value" }, { "mode", "10", "type" },
    { "mode", 3, "value" }, { "port", 0, "range" }, { "port", 65536, "range" }, { "port", "5", "type" },
    { "port", 1.5, "type" }, { "weight", 12, "type" }, { "weight", "1.5", "type" }, { "on", true, "type" },
    { "on", "yes", "type" }, { "live", "true", "type" }, { "live", 1, "type" }, { "hook", "ftp://x", "value" },
    { "tags", "a", "type" }, { "tags", {}, "type" }, { "tags", luaprov.array {}, "range" },
    { "tags", { "a", "b", "c" }, "range" }, { "tags", { "long" }, "range" }, { "tags", { 1 }, "type" },
    { "rules", { { cost = 1 } }, "required" }, { "rules", { { match = "m", extra = 1 } }, "unknown" },
    { "rules", { "m" }, "type" }, { "rules", luaprov.array { luaprov.null }, "type" }, { "pin", "12a", "value" },
    { "pin", 1234, "type" }, { "owner", "me", "unknown" }, { "slot", 1, "unknown" }, { "folder", 1001, "unknown" },
    { "proxy", "p", "unknown" }, { "net", { host = "h" }, "required" }, { "net", { host = "h", key = "k", board = "b" },
    "unknown" }, { "net", "x", "type" }, { "net", luaprov.array {}, "type" }, { "line_id", "5", "unknown" },
    { "nonsense", "x", "unknown" }, { "constructor", {}, "unknown" },
  }
  it("refuses what is no field, of another type, or out of its bounds", function()
    local check = require "luaprov.sandbox.check"
    local shape = box.known.acme.resource.lines.shape
    local json = require "luaprov.json"
    for _, case in ipairs(WRONG) do
      local body = line_with()
      body.folder = nil
      body[case[1]] = case[2]
      body = assert(json.decode(assert(json.encode(body))))
      local _, faults = check.check(shape, body, "create")
      local about = case[1] .. " = " .. json.encode(case[2])
      assert.equal(1, #faults, about)
      assert.equal(case[3], faults[1].problem, about)
      assert.equal(case[1], faults[1].path:match("^%w[%w_]*"), about)
    end
  end)

  it("asks for what the variant wants, of one selector and of two", function()
    local check = require("luaprov.sandbox.check").check
    local shape = box.known.acme.resource.lines.shape
    local function problems(body)
      local found = {}
      for _, fault in ipairs(select(2, check(shape, body, "create"))) do
        found[#found + 1] = fault.path .. " " .. fault.problem
      end
      return table.concat(found, ", ")
    end
    assert.equal("", problems { name = "n", kind = "sip", mode = 10, realm = "r", allow = "a" })
    assert.equal("proxy required", problems { name = "n", kind = "sip", mode = 20, realm = "r" })
    assert.equal("slot required", problems { name = "n", kind = "pots", mode = 20 })
    assert.equal("realm required", problems { name = "n", kind = "sip", mode = 10 })
    assert.equal("kind required", problems { name = "n", mode = 10, realm = "r", slot = 2 })
    assert.equal("kind required, mode required, name required", problems {})
  end)

  it("refuses lengths by characters, not bytes, and patterns", function()
    local names = { a = false, ab = true, ["äöüßé"] = false, ["aöüßé"] = true, aoueyx = false, ["9a"] = false }
    for name, good in pairs(names) do
      local answer = boxes.send(box, "POST", "/acme/folders", { body = { name = name } })
      assert.equal(good and 201 or 400, answer.status, name)
    end
  end)
end)
