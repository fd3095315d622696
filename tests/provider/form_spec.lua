local form = require "luaprov.provider.form"
local json = require "luaprov.json"
local secret = require "luaprov.secret"
local support = require "tests.support"

local PARTS = [[
  text    "name"     { required = true, min = 2, max = 5 },
  choice  "channel"  { values = { sms = "SMS", mail = "e-mail" } },
  url     "callback" {},
  integer "priority" { min = -3, max = 9 },
  boolean "enabled"  { default = true },
  text    "zone"     { default = "eu" },
  text    "state"    { computed = true }]]

local function shape_of(parts)
  return support.description(support.provider(parts .. ",\n" .. support.operations)).resource.things.shape
end

describe("the quick way of a new record", function()
  local shape = shape_of(PARTS)

  it("writes what is right, with its defaults, in the order of the names' bytes", function()
    assert.equal('{"callback":"https://a.example/x","channel":"sms","enabled":false,"name":"änö\\"","priority":-3,'
      .. '"zone":"eu"}', form.body(shape, {
        name = 'änö"', channel = "sms", callback = "https://a.example/x", priority = -3, enabled = false }))
    assert.equal('{"enabled":true,"name":"ab","zone":"eu"}', form.body(shape, { name = "ab" }))
  end)

  it("says nothing of what somebody else has to look at", function()
    local no = {
      { }, { name = "a" }, { name = "äöüäöü" }, { name = 5 }, { name = "ab\255" }, { name = secret "abc" },
      { name = "abc", channel = "fax" }, { name = "abc", channel = 1 }, { name = "abc", callback = "ftp://a" },
      { name = "abc", callback = "https://u@a.example" }, { name = "abc", callback = "https://a.example/?q" },
      { name = "abc", callback = "https://a.example/" }, { name = "abc", callback = "https://" },
      { name = "abc", callback = "http:///x" }, { name = "abc", callback = "https://a b" },
      { name = "abc", priority = 10 }, { name = "abc", priority = -4 }, { name = "abc", priority = 1.5 },
      { name = "abc", priority = "1" }, { name = "abc", priority = 0 / 0 }, { name = "abc", enabled = "true" },
      { name = "abc", state = "up" }, { name = "abc", nmae = "abc" }, { name = "abc", [1] = 2 },
      { name = json.null }, { name = "abc", zone = json.null }, setmetatable({ name = "abc" }, {}),
    }
    for i, input in ipairs(no) do assert.is_nil(form.body(shape, input), "number " .. i) end
  end)

  it("is for tables of plain fields alone", function()
    for _, parts in ipairs {
      [[group "settings" { text "a" {} }]], [[text "a" { pattern = "^x" }]], [[secret "a" {}]],
      [[integer "a" { sent_as = "string" }]], [[list "a" { of = text {} }]],
    } do
      assert.falsy(form.body(shape_of(parts), { a = "x" }), parts)
    end
  end)

  it("holds more fields, and longer texts, than it begins with room for", function()
    local names, input, long = {}, {}, ("x"):rep(5000)
    for i = 1, 200 do
      names[i] = ('text "field_%03d" {}'):format(i)
      input[("field_%03d"):format(i)] = i % 2 == 0 and "v" .. i or nil
    end
    input.field_007 = long
    assert.equal(json.encode(input), form.body(shape_of(table.concat(names, ",\n")), input))
  end)

  it("is there for any number of fields, and with names that have no JSON form", function()
    local names = {}
    for i = 1, 1500 do names[i] = ('text "field_%04d" {}'):format(i) end
    assert.equal('{"field_1500":"x"}', form.body(shape_of(table.concat(names, ",\n")), { field_1500 = "x" }))
    local odd = shape_of [[text "a" {}, text "b\255" {}]]
    assert.equal('{"a":"x"}', form.body(odd, { a = "x" }))
    assert.is_nil(form.body(odd, { a = "x", ["b\255"] = "y" }))
  end)
end)
