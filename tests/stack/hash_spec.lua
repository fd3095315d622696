local hash = require "luaprov.stack.hash"

describe("SHA-256", function()
  -- FIPS 180-4's examples, and the lengths around a block's end.
  it("is that of the standard", function()
    for text, digest in pairs {
      [""] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq
        = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
      [("a"):rep(1000000)] = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
      [("x"):rep(55)] = "d5e285683cd4efc02d021a5c62014694958901005d6f71e89e0989fac77e4072",
      [("x"):rep(56)] = "04c26261370ee7541549d16dee320c723e3fd14671e66a099afe0a377c16888e",
      [("x"):rep(64)] = "7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c",
      ["\0\255\128"] = "f742b965f156c10374bc23aea96e3a8aff8facd6fc079defeaa30219ad86f211",
    } do
      assert.equal(digest, hash.digest(text))
    end
  end)

  it("salted differs each time, and matches its text alone", function()
    local one, two = hash.salted "s3cret", hash.salted "s3cret"
    assert.not_equal(one, two)
    assert.is_nil(one:find("s3cret", 1, true))
    assert.is_true(hash.matches(one, "s3cret"))
    assert.is_true(hash.matches(two, "s3cret"))
    assert.is_false(hash.matches(one, "s3cre"))
    assert.is_false(hash.matches("no hash", "s3cret"))
    local salts = {}
    for _ = 1, 200 do salts[hash.salt()] = true end
    local count = 0
    for _ in pairs(salts) do count = count + 1 end
    assert.equal(200, count)
  end)
end)
