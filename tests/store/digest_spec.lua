-- SHA-256 (FIPS 180-4) and HMAC (RFC 4231), against the standards' examples and against sha256sum.
local digest = require "luaprov.digest"

describe("luaprov.digest", function()
  it("hashes as FIPS 180-4 says", function()
    assert.equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", digest.sha256 "")
    assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", digest.sha256 "abc")
    assert.equal("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
      digest.sha256 "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
    assert.equal("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", digest.sha256(("a"):rep(1000000)))
  end)

  it("hashes every length as sha256sum does", function()
    local texts, files = {}, os.tmpname()
    for length = 0, 200 do
      local bytes = {}
      for i = 1, length do bytes[i] = string.char((i * 7 + length * 13) % 256) end
      texts[length] = table.concat(bytes)
      local file = assert(io.open(("%s.%03d"):format(files, length), "wb"))
      file:write(texts[length])
      file:close()
    end
    local pipe = io.popen(("sha256sum %s.???; rm %s.??? %s"):format(files, files, files))
    local length = 0
    for line in pipe:lines() do
      assert.equal(line:match("^%x+"), digest.sha256(texts[length]), length .. " bytes")
      length = length + 1
    end
    pipe:close()
    assert.equal(201, length)
  end)

  it("makes a HMAC as RFC 4231 says", function()
    local function byte(value, count) return string.char(value):rep(count) end
    for _, case in ipairs {
      { byte(0x0b, 20), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
      { "Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
      { byte(0xaa, 20), byte(0xdd, 50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
      { byte(0xaa, 131), "Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
    } do
      local hash = digest.keyed(case[1])
      -- Again and again, whatever was hashed between.
      assert.equal(case[3], hash(case[2]))
      assert.not_equal(case[3], hash(case[2] .. "."))
      assert.equal(case[3], hash(case[2]))
    end
    assert.equal("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad", digest.keyed ""(""))
  end)

  it("salts what it is to tell apart, each with a salt of its own", function()
    for _, text in ipairs { "", "s3cret", ("long "):rep(100), "\0" } do
      local salt, hash = digest.salted(text):match("^(%x+):(%x+)$")
      assert.equal(16, #salt)
      assert.equal(digest.sha256(salt .. ":" .. text), hash)
      assert.not_equal(digest.salted(text), digest.salted(text))
    end
  end)

  it("gives bytes that nobody has seen before", function()
    local seen = {}
    for _ = 1, 1000 do
      local text = digest.random(16)
      assert.is_truthy(text:find("^%x+$"))
      assert.equal(32, #text)
      assert.is_nil(seen[text])
      seen[text] = true
    end
    assert.equal(512, #digest.random(256))
    for _, wrong in ipairs { 0, -1, 257, "x" } do
      assert.has_error(function() digest.random(wrong) end)
    end
  end)

  it("takes texts only", function()
    assert.has_error(function() digest.sha256() end)
    assert.has_error(function() digest.sha256 {} end)
    assert.has_error(function() digest.keyed() end)
    assert.has_error(function() digest.keyed "key"() end)
    assert.has_error(function() digest.salted() end)
  end)
end)
