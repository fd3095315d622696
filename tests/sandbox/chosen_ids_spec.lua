-- Ids that whoever creates a record chooses: the sandbox takes them as they are sent.
local boxes = require "tests.sandbox.boxes"
local luaprov = require "luaprov"
local support = require "tests.support"

local BUCKETS = [[
return provider {
  base_url = "https://api.odd.invalid/v1", auth = bearer "token", errors = { message = "message" },
  resource "buckets" {
    path = "/buckets", id = "name", key = { "name" }, unique = true,
    text "name" { required = true, fixed = true, path = true },
    text "note" {},
    create = put { path = "/buckets/{name}", expect = 201 },
    get = get {}, update = patch {}, delete = delete { expect = 204 }, list = get {},
  },
  resource "keys" {
    path = "/keys", id = "key",
    text "key" { required = true },
    create = post { expect = 201, id = location, returns = "nothing" }, get = get {}, list = get {},
    update = patch {},
  },
  resource "slots" {
    path = "/slots", id = "number", ids = "number",
    integer "number" {},
    create = post { expect = 201 }, get = get {}, list = get {},
  },
  resource "items" {
    path = "/items",
    text "id" { computed = true }, text "name" {},
    create = post { expect = 201 }, get = get {}, list = get {},
  },
}
]]

describe("An id that the client chooses", function()
  local box, odd
  before_each(function() box, odd = boxes.of(BUCKETS, nil, "odd") end)
  after_each(boxes.stop)

  it("is the record's, where it is a part of the path", function()
    local made = assert(odd.buckets:create { name = "a/b%2Fc", note = "one" })
    assert.same({ "a/b%2Fc", "a/b%2Fc" }, { made.id, made.name })
    assert.equal("one", assert(odd.buckets:get "a/b%2Fc").note)
    assert.equal("two", assert(odd.buckets:update("a/b%2Fc", { note = "two" })).note)
    assert.same({ { name = "a/b%2Fc", note = "two" } }, box:records("odd", "buckets"))
    assert(odd.buckets:delete "a/b%2Fc")
    assert.same({}, box:records("odd", "buckets"))
  end)

  it("is the record's, where it is a part of the body", function()
    assert.equal("k/1 ü", assert(odd.keys:create { key = "k/1 ü" }).id)
    assert.equal("k/1 ü", assert(odd.keys:get "k/1 ü").key)
    assert.equal(7, assert(odd.slots:create { number = 7 }).id)
    assert.equal(7, assert(odd.slots:get(7)).number)
  end)

  it("is refused the second time", function()
    assert(odd.buckets:create { name = "one" })
    local again, err = odd.buckets:create { name = "one" }
    support.is_error({ kind = "conflict", status = 409, outcome = "refused", has = "name" }, err, again)
    assert(odd.keys:create { key = "one" })
    again, err = odd.keys:create { key = "one" }
    support.is_error({ kind = "conflict", status = 409, outcome = "refused", has = "key" }, err, again)
    assert.same({ 1, 1 }, { #box:records("odd", "buckets"), #box:records("odd", "keys") })
  end)

  it("is another in another case, unless it is a GUID", function()
    assert(odd.keys:create { key = "one" })
    assert(odd.keys:create { key = "One" })
    assert.equal("One", assert(odd.keys:get "One").key)
    assert(odd.keys:create { key = "0a1b2c3d-0000-4000-8000-00000000000a" })
    local again, err = odd.keys:create { key = "0A1B2C3D-0000-4000-8000-00000000000A" }
    support.is_error({ kind = "conflict" }, err, again)
  end)

  it("is made where none is sent, and cannot be empty", function()
    assert.equal(1001, assert(odd.slots:create {}).id)
    assert(odd.slots:create { number = 1002 })
    assert.equal(1003, assert(odd.slots:create {}).id)
    local made, err = odd.keys:create { key = "" }
    support.is_error({ kind = "invalid", status = 400, has = "key is empty" }, err, made)
  end)

  it("is the vendor's, where it cannot be sent", function()
    assert.equal("1001", assert(odd.items:create { name = "one" }).id)
    local raw = boxes.send(box, "POST", "/odd/v1/items", { body = { id = "mine", name = "two" } })
    assert.equal(400, raw.status)
  end)

  it("cannot change", function()
    assert(odd.keys:create { key = "one" })
    local changed, err = odd.keys:update("one", { key = "two" })
    support.is_error({ outcome = "refused", status = 400, has = "key cannot change" }, err, changed)
    assert(odd.keys:update("one", { key = "one" }))
    assert.same({ { key = "one" } }, box:records("odd", "keys"))
  end)

  it("is kept in a file of records", function()
    local path = support.folder() .. "/records"
    local file = support.file("odd.lua", BUCKETS)
    local first = assert(boxes.start { file, data = path })
    assert(assert(luaprov.client(file, first:options "odd")).buckets:create { name = "a/b" })
    first:stop()
    local second = assert(boxes.start { file, data = path })
    assert.equal("a/b", assert(assert(luaprov.client(file, second:options "odd")).buckets:get "a/b").name)
  end)
end)
