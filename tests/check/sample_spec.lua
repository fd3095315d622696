-- The values that records are made of.
local sample = require "luaprov.check.sample"
local support = require "tests.support"
local values = require "luaprov.provider.values"

local function shape_of(fields)
  return support.description(support.provider(support.operations .. fields)).resources[1].shape
end

local function field_of(field) return shape_of(field).fields[1] end

describe("A sample", function()
  it("fits its field, and so does another, which is another value", function()
    for _, text in ipairs {
      'text "a" {}', 'text "a" { max = 2 }', 'text "a" { min = 40 }', 'text "a" { pattern = "^https://." }',
      'text "a" { pattern = "^%d%d:%d%d:%d%d$" }', 'secret "a" { pattern = "^%l[%w_]*$", min = 12 }',
      'text "a" { pattern = "^[^%d%s]+@[%w%-]+%.%a%a+$" }', 'text "a" { pattern = "^%+?(%d+)$", max = 3 }',
      'text "a" { pattern = "x%-y%.?z" }', 'text "a" { pattern = "^[]x]$" }',
      'integer "a" {}', 'integer "a" { min = 7, max = 8 }', 'integer "a" { max = -3 }', 'url "a" {}',
      'integer "a" { min = 1, sent_as = "string" }', 'boolean "a" {}', 'boolean "a" { sent_as = "string" }',
      'choice "a" { values = { "x", "y" } }', 'choice "a" { values = { [10] = "x", [20] = "y" } }',
    } do
      local field = field_of(text)
      local first, second = sample.value(field, 1), sample.value(field, 2)
      for _, value in ipairs { first, second } do
        assert.equal(value, values.check(field, value, {}), text)
      end
      assert.is_not_nil(first, text)
      -- Some have but one.
      local one = text:find("max = -3", 1, true) or text:find("x%-y", 1, true) or text:find("[]x]", 1, true)
      if not one then assert.are_not.equal(first, second, text) end
    end
  end)

  it("is the example, where that is a value, and the default where nothing else is known", function()
    assert.equal("Zagreb", sample.value(field_of 'text "a" { example = "Zagreb" }', 1))
    assert.equal("check-a-1", sample.value(field_of 'text "a" { example = "{uuid}" }', 1))
    assert.equal("abab", sample.value(field_of 'text "a" { pattern = "^%f[%a]abab$", default = "abab" }', 1))
  end)

  it("is unknown where no value is", function()
    assert.is_nil(sample.value(field_of 'text "a" { pattern = "^%d%d%d$", max = 2 }', 1))
    local record, missing = sample.record(shape_of [[
      group "a" { required = true, list "b" { required = true, of = group {
        text "c" { required = true, pattern = "^%f[%a]x$" } } } },]])
    assert.is_nil(record)
    assert.equal("a.b.c", missing)
  end)

  it("of a record has what is required, in a variant that goes with itself", function()
    assert.same({ kind = "a", mode = 10, x = "check-x-1", inner = { kind_of = 1, y = "check-y-1" } },
      sample.record(shape_of [[
        choice "kind" { required = true, values = { "b", "a" } },
        choice "mode" { required = true, values = { [10] = "in", [20] = "out" } },
        group "inner" { required = true, by "kind" {
          b = { text "z" { required = true } }, a = { integer "kind_of" { required = true } } },
          by { "kind", "mode" } { ["b 10"] = {}, ["a 10"] = { text "y" { required = true } } } },
        text "optional" {}, text "made" { computed = true, required = true },
        by { "kind", "mode" } { ["a 10"] = { text "x" { required = true } }, ["b 20"] = {} },]]))
  end)

  it("of a change is of what was sent before what was not, and never of what cannot change", function()
    local shape = shape_of [[
      text "early" {}, text "fixed" { required = true, fixed = true }, secret "pin" { required = true },
      choice "kind" { required = true, values = { "a", "b" } }, by "kind" { a = {}, b = {} },
      integer "level" { required = true }, list "tags" { of = text {} },]]
    assert.same({ "level", 2 }, { sample.change(shape, sample.record(shape)) })
    assert.same({ "early", "check-early-2" }, { sample.change(shape_of 'text "early" {},', {}) })
    assert.is_nil((sample.change(shape_of 'text "only" { fixed = true },', { only = "x" })))
  end)
end)
