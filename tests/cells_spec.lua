-- What a state writes of a table: the cells of a row, and values without their secrets.
local core = require "luaprov.core"
local json = require "luaprov.json"
local secret = require "luaprov.secret"

local cells, open, revealed = core.json.cells, core.json.encode_open, core.json.encode_revealed

describe("The cells of a row", function()
  local COLUMNS = { "name", "!", "about", "text", "more", "json" }

  it("are its columns' in their order, from a place on", function()
    local row = cells(COLUMNS, { name = "a", about = "", more = { 1, "x" }, other = "y" }, 3)
    assert.same({ [3] = "a", [4] = "", [5] = '[1,"x"]' }, row)
    assert.same({ "a" }, cells(COLUMNS, { name = "a" }, 1))
    assert.same({ "\0é", [3] = "false" }, cells(COLUMNS, { name = "\0é", more = false }, 1))
  end)

  it("take fields that are a text as JSON already", function()
    local FIELDS = { "name", "!", "fields", "fields" }
    assert.same({ "a", '{"b":1}' }, cells(FIELDS, { name = "a", fields = { b = 1 } }, 1))
    assert.same({ "a", '{"b":"é"}' }, cells(FIELDS, { name = "a", fields = '{"b":"é"}' }, 1))
    assert.same({ "a" }, cells(FIELDS, { name = "a" }, 1))
    assert.equal(2, select(2, cells(FIELDS, { name = "a", fields = '"\255"' }, 1)))
    assert.equal(2, select(2, cells(FIELDS, { name = "a", fields = { print } }, 1)))
  end)

  it("hide what is secret", function()
    assert.equal('"<secret>"', cells(COLUMNS, { name = "a", more = secret "s3cret" }, 1)[3])
  end)

  it("are none where one is wrong, and the first of those is told", function()
    for _, case in ipairs {
      { 1, {} }, { 1, { name = "" } }, { 1, { name = 1 } }, { 1, { name = true } }, { 1, { name = secret "s3cret" } },
      { 1, { name = "\255" } }, { 1, { name = "a\0\192\128" } }, { 2, { name = "a", about = {} } },
      { 2, { name = "a", about = "\237\160\128" } }, { 3, { name = "a", more = 0 / 0 } },
      { 3, { name = "a", more = { print } } }, { 2, { name = "a", about = 1, more = print } },
    } do
      local row, number = cells(COLUMNS, case[2], 1)
      assert.is_nil(row)
      assert.equal(case[1], number)
    end
  end)
end)

describe("A value as JSON without its secrets", function()
  local pin = secret "s3cret"

  it("is as it is where there are none", function()
    local value = { a = { 1, { b = json.null } }, list = json.array { "x" }, empty = {}, none = json.array {} }
    assert.equal(json.encode(value), open(value))
    assert.equal(json.encode(value), open(value, { "s3cret" }, { other = true, a = { c = true } }))
    assert.equal('"x"', open "x")
    assert.equal("null", open(json.null))
  end)

  it("lacks them", function()
    local value = { name = "a", pin = pin, mail = { password = pin, from = "b" }, tags = json.array { "x" } }
    assert.equal('{"mail":{"from":"b"},"name":"a","tags":["x"]}', open(value))
    assert.equal('{"a":{"b":{}}}', open { a = { b = { pin = pin } } })
    assert.is_nil(open(pin))
  end)

  it("lacks a list with one, however deep", function()
    assert.equal('{"a":1}', open { a = 1, people = json.array { { name = "x" }, { pins = { { pin } } } } })
    assert.equal('{"a":1,"z":[[{}]]}', open { a = 1, b = json.array { "x", { { c = pin } } }, z = { { {} } } })
    assert.equal('{"list":[1]}', open { list = json.array { 1 }, other = json.array { { pin } } })
    assert.is_nil(open(json.array { pin }))
  end)

  it("lacks what is one of the texts", function()
    local value = { a = "s3cret", b = { "y" }, c = { d = "0th", e = 1 }, f = json.array { "0th" } }
    assert.equal('{"b":["y"],"c":{"e":1}}', open(value, { "0th", "s3cret" }))
    assert.is_nil(open("s3cret", { "s3cret" }))
    assert.equal('"s3cret."', open("s3cret.", { "s3cret" }))
  end)

  it("lacks what is to be left out, whatever it is", function()
    local value = { a = { b = { c = 1, d = 2 }, e = { 1 } }, f = { g = 1 }, h = 1 }
    assert.equal('{"a":{"b":{"d":2},"e":[1]}}', open(value, nil, { a = { b = { c = true } }, f = true, h = true }))
    assert.equal('{"a":{"e":[1]},"f":{},"h":1}',
      open(value, nil, { a = { b = true }, f = { g = true }, h = { i = true } }))
    local many = {}
    for i = 1, 100 do many["k" .. i] = { a = 1, b = i } end
    local text = open({ many = many, last = 1 }, nil, { many = { k7 = { b = true }, k9 = true } })
    many.k7.b, many.k9 = nil, nil
    assert.equal(json.encode { many = many, last = 1 }, text)
  end)

  it("has an end, and may have no JSON form", function()
    local value = {}
    value.value = value
    assert.is_nil(open(value))
    assert.equal("value: cycle: the table holds itself", select(2, open(value)))
    assert.equal("b: NaN has no JSON form", select(2, open { a = pin, b = 0 / 0 }))
  end)
end)

describe("A value as JSON with its secrets revealed", function()
  local function reveal(value) return (value:reveal()) end

  it("has each in its place, also in lists, and the value keeps its own", function()
    local pin = secret "s3cret"
    local value = { pin = pin, list = json.array { "a", { pin } }, plain = { 1 } }
    assert.equal('{"list":["a",["s3cret"]],"pin":"s3cret","plain":[1]}', revealed(value, reveal))
    assert.equal(pin, value.list[2][1])
    assert.equal('"s3cret"', revealed(pin, reveal))
  end)

  it("lacks one whose source has none", function()
    local none = secret.env "LUAPROV_NO_SUCH_NAME"
    assert.equal('{"a":1}', revealed({ a = 1, pin = none }, reveal))
    assert.equal('[null,1]', revealed({ none, 1 }, reveal))
    assert.is_nil(revealed(none, reveal))
  end)

  it("raises what is raised meanwhile", function()
    assert.has_error(function() revealed({ secret "x" }, function() error("no", 0) end) end, "no")
    assert.has_error(function() revealed {} end)
  end)

  it("may have no JSON form", function()
    assert.equal("a: string is not UTF-8 at byte 1", select(2, revealed({ a = secret "x\255" }, reveal)))
  end)
end)
