-- JSON that is printed: there is one for every message, also for those that name a file whose name is no UTF-8.
local json = require "luaprov.json"
local secret = require "luaprov.secret"
local json_line = require "luaprov.json_line"

describe("what is printed as JSON", function()
  it("spells out what is no UTF-8, in keys, too, and leaves the rest as it is", function()
    local text = assert(json_line.encode {
      message = "caf\233/ü", list = json.array { "\255", 1 }, empty = json.array {}, ["k\254"] = true,
      token = secret "FAKE",
    })
    assert.equal([[{"empty":[],"k\\xfe":true,"list":["\\xff",1],"message":"caf\\xe9/ü","token":"<secret>"}]], text)
    assert.same("caf\\xe9/ü", json.decode(text).message)
  end)

  it("escapes what nobody could see, and says what has no JSON form at all", function()
    assert.equal([["a\u202eb"]], json_line.encode "a\226\128\174b")
    local text, why = json_line.encode { n = 0 / 0 }
    assert.is_nil(text)
    assert.matches("NaN", why)
  end)
end)
