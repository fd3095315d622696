local json = require "luaprov.json"
local shapes = require "luaprov.provider.shape"

local function by(selectors, ...)
  local cases = {}
  for _, key in ipairs { ... } do cases[key] = { name = key } end
  return { selectors = selectors, cases = cases }
end

-- The variant that values choose, by its key.
local function chosen(one, values)
  local case, complete, key = shapes.case(one, function(name) return values[name] end)
  return case and case.name, complete, key
end

describe("a shape's variants", function()
  it("are listed in the order of their keys, each with the values of the selectors", function()
    local function listed(one)
      local list = {}
      for i, case in ipairs(shapes.cases(one)) do
        assert.equal(case.key, case.shape.name)
        list[i] = table.concat(case.values, "|")
      end
      return list
    end
    assert.same({ "a b", "c" }, listed(by({ "kind" }, "c", "a b")))
    assert.same({ "a|b", "a|c" }, listed(by({ "one", "two" }, "a c", "a b")))
    assert.same({ "a||b" }, listed(by({ "one", "two", "three" }, "a  b")))
    assert.same({}, listed(by { "kind" }))
  end)

  it("are chosen by texts, numbers and booleans as a provider file spells them", function()
    local one = by({ "kind" }, "a b", "1000", "true", "1000000000000000", "9007199254740991", "-4", "1.5")
    for _, pair in ipairs { { "a b", "a b" }, { "1000", "1000" }, { 1000, "1000" }, { 1e3, "1000" }, { true, "true" },
                            { 1e15, "1000000000000000" }, { 9007199254740991, "9007199254740991" }, { -4, "-4" },
                            { 1.5, "1.5" } } do
      assert.same({ pair[2], true, pair[2] }, { chosen(one, { kind = pair[1] }) })
    end
    local two = by({ "a", "b" }, "x 1")
    assert.same({ "x 1", true, "x 1" }, { chosen(two, { a = "x", b = 1 }) })
  end)

  it("are not chosen by what is no value, is not all, or is none of theirs", function()
    local two = by({ "a", "b" }, "x y")
    assert.same({ nil, false }, { chosen(two, { a = "x" }) })
    assert.same({ nil, false }, { chosen(two, { a = "x", b = {} }) })
    assert.same({ nil, true, "x z" }, { chosen(two, { a = "x", b = "z" }) })
    assert.same({ nil, false }, { chosen(two, { a = "x", b = json.null }) })
    assert.same({ nil, true, "x false" }, { chosen(two, { a = "x", b = false }) })
  end)
end)
