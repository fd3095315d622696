local json = require "luaprov.json"
local literal = require "luaprov.stack.literal"
local slug = require "luaprov.stack.slug"

describe("Lua text of values", function()
  local function again(text) return assert(load("local null = ... return " .. text))(json.null) end

  it("is the same value again, byte by byte", function()
    local every = {}
    for byte = 0, 255 do every[#every + 1] = string.char(byte) .. "1" end
    for _, text in ipairs { table.concat(every), "☃ ]] \\ \" '", "\226\128\174x", "\r\n\t", "" } do
      local written = literal.text(text)
      assert.equal(text, again(written))
      assert.is_nil(written:find("%c"))
      assert.is_nil(written:find("\226\128\174", 1, true))
    end
    -- What can be read stays readable.
    assert.equal('"Žluť ☃"', literal.text "Žluť ☃")
  end)

  it("is the same number again, of the same type", function()
    local kind = math.type or type
    local numbers = { 0, -1, 0.1, 1 / 3, 1e300, -5e-324, 2 ^ 53, 123456789012345, 1.5e10 }
    if math.type then for _, n in ipairs { math.maxinteger, math.mininteger, 1.0 } do table.insert(numbers, n) end end
    for _, number in ipairs(numbers) do
      local read = again(literal.number(number))
      assert.same({ number, kind(number) }, { read, kind(read) })
    end
  end)

  it("is the same list and table again", function()
    local value = json.array { 1, json.null, "x", { ["a b"] = true, ["end"] = json.array {}, b = {}, ["goto"] = 1 } }
    assert.same(value, json.array(again(literal.value(value))))
    assert.equal('{ a = "x", ["goto"] = 1 }', literal.value { a = "x", ["goto"] = 1 })
    assert.is_nil(literal.value { print })
    assert.is_nil(literal.value { setmetatable({}, {}) })
  end)
end)

describe("Readable names", function()
  it("are what people would write, once each", function()
    local names = slug.new()
    local function take(...) return names:take("hubs", { ... }, { "more" }) end
    assert.equal("sales-eu-desk", take("Sales / EU", "Desk"))
    assert.equal("sales-eu-desk-more", take("sales eu", "desk"))
    assert.equal("sales-eu-desk-more-2", take("sales EU", "desk"))
    assert.equal("sales-eu-desk-more-3", take("sales.EU", "desk"))
    assert.equal("more", take("...", "\1", ""))
    assert.equal("12-škoda", take(12, "škoda"))
    assert.equal("a-b", take("a\226\128\174b"))
    assert.equal("hubs", slug.new():take("hubs", { "//" }))
    assert.equal(("ž"):rep(30), take(("ž"):rep(31)))
  end)

  it("are never given twice, whatever stands for a number", function()
    local names, seen = slug.new(), {}
    for _ = 1, 50 do
      for _, text in ipairs { "a", "a-2", "a-2-2", "a-3" } do
        local name = names:take("x", { text })
        assert.is_nil(seen[name], name)
        seen[name] = true
      end
    end
  end)
end)
