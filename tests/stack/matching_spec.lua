local matching = require "luaprov.stack.matching"
local support = require "tests.support"

describe("Which listed records may be the wanted one", function()
  local description = support.description(support.provider([[
    path = "/things", key = { "name", "kind" }, text "name" {}, choice "kind" { values = { "sms", "call" } },
    create = post {}, list = get { items = "items" },]])).resource.things

  local function found(records, wanted)
    for i, record in ipairs(records) do record.id = i end
    local ids = {}
    for i, record in ipairs(matching.index(description, records):find(wanted)) do ids[i] = record.id end
    table.sort(ids)
    return ids
  end

  it("are those with its key, however it is spelled", function()
    local records = { { name = "Acme Ltd.", kind = "sms" }, { name = "acme ltd", kind = "sms" },
                      { name = "acme ltd", kind = "call" }, { name = "acme", kind = "sms" } }
    assert.same({ 1, 2 }, found(records, { name = "acme ltd", kind = "sms" }))
    -- Of what is not declared nothing is known.
    assert.same({ 1, 2, 3 }, found(records, { name = "ACME LTD" }))
    assert.same({ 1, 2, 3, 4 }, found(records, {}))
    assert.same({}, found({}, { name = "acme" }))
  end)

  it("are those of which the list shows the beginning", function()
    local records = { { name = "a long na", kind = "sms" }, { name = "a long", kind = "sms" },
                      { name = "a lo…", kind = "sms" }, { name = "a long na", kind = "call" },
                      { name = "b", kind = "sms" } }
    -- One that is shorter than another is not cut, unless it says so.
    assert.same({ 1, 3 }, found(records, { name = "A long name", kind = "sms" }))
    assert.same({ 2, 3 }, found(records, { name = "a long", kind = "sms" }))
    assert.same({}, found(records, { name = "an", kind = "sms" }))
  end)

  it("are those that do not show their key, or in a spelling that nobody knows", function()
    local records = { { kind = "sms" }, { name = "a" }, { name = "a", kind = "17" }, { name = "b", kind = "17" },
                      { name = "a", kind = "call" } }
    assert.same({ 1, 2, 3 }, found(records, { name = "a", kind = "sms" }))
    assert.same({ true, false }, { matching.shows_key(description, records[5]),
      matching.shows_key(description, records[3]) })
  end)

  it("are looked for among few, however many there are", function()
    local records = {}
    for i = 1, 3000 do records[i] = { name = ("name %04d"):format(i), kind = "sms" } end
    local index, looked = matching.index(description, records), 0
    local fits = matching.fits
    matching.fits = function(...) -- luacheck: ignore 122
      looked = looked + 1
      return fits(...)
    end
    for i = 1, 3000 do index:find { name = ("name %04d"):format(i), kind = "sms" } end
    matching.fits = fits -- luacheck: ignore 122
    assert.equal(3000, looked)
  end)
end)
