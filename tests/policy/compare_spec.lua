local compare = require "luaprov.policy.compare"
local json = require "luaprov.json"
local secret = require "luaprov.secret"

local null = json.null

describe("A record and what was sent", function()
  -- sent, there
  local EQUAL = {
    { "red", "red" }, { "red", nil }, { "", null }, { null, "" }, { null, null },
    { 5, 5 }, { 5, "5" }, { "5", 5 }, { 5, "5.0" }, { 1.5, "1.50" }, { 17, 17.0 },
    { "12345678901234567", "12345678901234567" },
    { true, true }, { true, 1 }, { "true", "1" }, { false, "false" }, { "false", 0 }, { false, 0 },
    { "D4315495-bfd8-4000-8000-00000000000a", "d4315495-BFD8-4000-8000-00000000000A" },
    { { a = 1 }, { a = 1, b = 2 } }, { { a = 1 }, {} }, { {}, { a = 1 } },
    { { a = { b = "c" } }, { a = { b = "c", d = 1 }, e = 2 } },
    { json.array { "a", "b" }, json.array { "a", "b" } }, { json.array { "a", "b" }, json.array { "b", "a" } },
    { json.array {}, json.array {} }, { {}, json.array {} }, { json.array {}, {} },
    { json.array { { a = 1 }, { a = 2 } }, json.array { { a = 2, id = 1 }, { a = 1, id = 2 } } },
    -- What a vendor shows of a secret.
    { "sk-12345678", secret "sk-12345678" }, { "sk-12345678", secret "" },
    { secret "sk-12345678", null }, { secret "sk-12345678", "sk-****" }, { secret "sk-12345678", "sk-12345678" },
    { "sk-12345678", secret "********" }, { "sk-12345678", secret "sk-*****78" },
    { "sk-12345678", secret "****5678" }, { 12345678, secret "****5678" },
    { "sk-12345678", secret "••••••••" }, { "sk-12345678", secret "sk-••••78" },
    { "sk-12345678", secret "sk-...678" },
    { "sk-12345678", secret "xxxxxxx" }, { "sk-12345678", secret "5678" }, { "sk-12345678", secret "sk-1" },
    { "sk-12345678", secret "<hidden>" }, { "sk-12345678", secret "[REDACTED]" }, { "sk-12345678", secret "true" },
    { { key = "FAKE" }, { key = secret "***" } }, { secret "FAKE", secret "FAKE" },
  }
  for i, case in ipairs(EQUAL) do
    it("are equal: " .. i, function() assert.is_true(compare.equal(case[1], case[2])) end)
  end

  local OTHER = {
    { "red", "blue" }, { "red", "Red" }, { "red", "red " }, { "red", null }, { null, "red" }, { "red", {} },
    { {}, "red" }, { secret "red", "blue" }, { secret "red", {} },
    { 5, 6 }, { "5", "5.0" }, { "007", "7" }, { true, false }, { true, 0 }, { "true", "0" }, { true, "yes" },
    { "12345678901234567", "12345678901234568" }, { "12345678901234567", 12345678901234568 },
    { "D4315495", "d4315495" },
    { { a = 1 }, { a = 2 } }, { { a = { b = 1 } }, { a = { b = 2 } } }, { { a = 1 }, { a = null } },
    { json.array { "a" }, json.array { "a", "a" } }, { json.array { "a", "a" }, json.array { "a", "b" } },
    { json.array { "a" }, { a = 1 } },
    { { a = 1 }, json.array { "a" } },
    { "sk-12345678", secret "sk-87654321" }, { "sk-12345678", secret "****4321" },
    { "sk-12345678", secret "pk-****78" },
    { "sk-12345678", secret "4321" }, { "short", secret "shor***********tshort" },
    { "sk-12345678", secret "9f86d081884c7d659a2feaa0c55ad015" }, { { a = 1 }, secret "a" },
  }
  for i, case in ipairs(OTHER) do
    it("are not equal: " .. i, function() assert.is_false(compare.equal(case[1], case[2])) end)
  end

  it("have one id: a number and its digits, a GUID in either case", function()
    local guid = "D4315495-bfd8-4000-8000-00000000000A"
    for _, case in ipairs { { 17, "17" }, { 17.0, 17 }, { guid, guid:lower() }, { guid, guid:upper() } } do
      assert.equal(compare.id(case[1]), compare.id(case[2]))
    end
    for _, case in ipairs { { "aB", "Ab" }, { "d4315495", "D4315495" }, { 17, "17.0" }, { guid, guid .. "0" },
                            { ("g"):rep(36), ("G"):rep(36) } } do
      assert.not_equal(compare.id(case[1]), compare.id(case[2]))
    end
  end)

  local long = ("Support of the customer number one"):rep(2)
  local colour = { type = "choice", value_list = { "red", "blue" } }
  local ALIKE = {
    { nil, "n", nil }, { nil, "n", null }, { nil, "n", "n" }, { nil, " Front Desk", "front-desk" },
    { nil, "+1 500 555", "+1500555" }, { nil, "5.00", "5" }, { nil, "007", 7 }, { nil, long, long:sub(1, 50) },
    { nil, "n", secret "m" }, { nil, secret "n", "N" }, { colour, "red", "RED" }, { colour, "red", "7" },
    { nil, { 1 }, { 2 } },
    { nil, "!", "!" }, { nil, "ÄRGER", "ÄRGER " },
  }
  for i, case in ipairs(ALIKE) do
    it("are alike: " .. i, function() assert.is_true(compare.alike(case[1], case[2], case[3])) end)
  end

  it("begin alike: where the beginning is no other value", function()
    for _, there in ipairs { "F", "fro", "Front D", "Front…", "Front..." } do
      assert.is_true(compare.begins(nil, "Front Desk", there), there)
    end
    for _, there in ipairs { "", "Desk", "Front Desk", "Front Desk 2", 1, true, {} } do
      assert.is_false(compare.begins(nil, "Front Desk", there), tostring(there))
    end
    assert.is_true(compare.begins(nil, secret "Front Desk", "Front"))
    assert.is_true(compare.begins(nil, 1234, "12"))
    assert.is_false(compare.begins(colour, "red", "re"))
    assert.same({ 3, 2 }, { compare.length "äb" })
  end)

  local UNLIKE = {
    { nil, "n", "m" }, { nil, "n1", "n11" }, { nil, "n11", "n1" }, { nil, long:sub(1, 50), long }, { nil, "n", "" },
    { colour, "red", "blue" }, { nil, "n", {} }, { nil, "!", "?" },
    { nil, secret "n", "m" },
  }
  for i, case in ipairs(UNLIKE) do
    it("are not alike: " .. i, function() assert.is_false(compare.alike(case[1], case[2], case[3])) end)
  end
end)
