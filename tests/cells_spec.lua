-- What a state writes of a table: the cells of a row, and values without their secrets.
local core = require "luaprov.core"
local json = require "luaprov.json"
local secret = require "luaprov.secret"

local cells, without, revealed = core.json.cells, core.json.without_secrets, core.json.revealed

describe("The cells of a row", function()
  local COLUMNS = { "name", "!", "about", "text", "more", "json" }

  it("are its columns' in their order, from a place on", function()
    local row = cells(COLUMNS, { name = "a", about = "", more = { 1, "x" }, other = "y" }, 3)
    assert.same({ [3] = "a", [4] = "", [5] = '[1,"x"]' }, row)
    assert.same({ "a" }, cells(COLUMNS, { name = "a" }, 1))
    assert.same({ "\0é", [3] = "false" }, cells(COLUMNS, { name = "\0é", more = false }, 1))
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

describe("A value without its secrets", function()
  local pin = secret "s3cret"

  it("is the same where there are none", function()
    local value = { a = { 1, { b = json.null } }, list = json.array { "x" } }
    assert.equal(value, without(value))
    assert.equal(value, without(value, { "s3cret" }))
    assert.equal("x", without "x")
    assert.is_nil(without(nil))
  end)

  it("lacks them, and shares what has none", function()
    local value = { name = "a", pin = pin, mail = { password = pin, from = "b" }, tags = json.array { "x" } }
    local open = without(value)
    assert.same({ name = "a", mail = { from = "b" }, tags = { "x" } }, open)
    assert.equal(value.tags, open.tags)
    assert.is_true(json.is_array(open.tags))
    assert.equal(pin, value.pin)
    assert.is_nil(without(pin))
  end)

  it("lacks a list with one, however deep", function()
    assert.same({ a = 1 }, without { a = 1, people = json.array { { name = "x" }, { pins = { { pin } } } } })
    assert.is_nil(without(json.array { pin }))
  end)

  it("lacks what is one of the texts", function()
    local value = { a = "s3cret", b = { "y" }, c = { d = "0th", e = 1 }, f = json.array { "0th" } }
    assert.same({ b = { "y" }, c = { e = 1 } }, without(value, { "0th", "s3cret" }))
    assert.is_nil(without("s3cret", { "s3cret" }))
    assert.equal("s3cret.", without("s3cret.", { "s3cret" }))
  end)

  it("is fresh on demand, and its lists stay", function()
    local value = { a = { b = {} }, list = json.array { {} } }
    local open = without(value, nil, true)
    assert.same(value, open)
    assert.is_true(json.is_array(open.list))
    assert.not_equal(value, open)
    assert.not_equal(value.a, open.a)
    assert.not_equal(value.a.b, open.a.b)
    assert.not_equal(value.list[1], open.list[1])
    assert.same({ list = { 1 } }, without({ list = json.array { 1 }, other = json.array { { pin } } }, nil, true))
  end)

  it("has an end", function()
    local value = {}
    value.value = value
    assert.has_error(function() without(value) end, "tables nested deeper than 512")
  end)
end)

describe("A value with its secrets revealed", function()
  local function reveal(value) return (value:reveal()) end

  it("has each in its place, also in lists, and the value keeps its own", function()
    local pin = secret "s3cret"
    local value = { pin = pin, list = json.array { "a", { pin } }, plain = { 1 } }
    local open = revealed(value, reveal)
    assert.same({ pin = "s3cret", list = { "a", { "s3cret" } }, plain = { 1 } }, open)
    assert.is_true(json.is_array(open.list))
    assert.equal(value.plain, open.plain)
    assert.equal(pin, value.list[2][1])
    assert.equal("s3cret", revealed(pin, reveal))
  end)

  it("lacks one whose source has none", function()
    assert.same({ a = 1 }, revealed({ a = 1, pin = secret.env "LUAPROV_NO_SUCH_NAME" }, reveal))
  end)

  it("raises what is raised meanwhile", function()
    assert.has_error(function() revealed({ secret "x" }, function() error("no", 0) end) end, "no")
    assert.has_error(function() revealed {} end)
  end)
end)
