-- Whose limits a client's calls have, and when they ask for a token.
local boxes = require "tests.sandbox.boxes"
local luaprov = require "luaprov"
local support = require "tests.support"

local ACME = support.provider(support.operations, [[
  auth = { bearer "token", token_request { url = "{base_url}/token", token = "t", expires_in = "expires_in",
                                           text "user" { required = true }, secret "key" { required = true } } },
  limits = { { 1, per = 1.1 } }, text "account" {}, boolean "loud" {}, choice "way" { values = { "a", "b" } } ]])

local function limiter(options)
  local base_url = options.base_url or "http://127.0.0.1:1"
  options.base_url = nil
  return rawget(support.client(ACME, base_url, options), 1).limiter()
end

describe("The limits of a client", function()
  after_each(boxes.stop)

  it("are its account's: its credentials', wherever they came from", function()
    local mine = limiter { token = "tok-1" }
    assert.equal(mine, limiter { token = luaprov.secret "tok-1" })
    assert.equal(mine, limiter { token = luaprov.secret.file((support.file("token", "tok-1\n"))) })
    assert.not_equal(mine, limiter { token = "tok-2" })
    local user = limiter { user = "u", key = "k" }
    assert.equal(user, limiter { user = "u", key = luaprov.secret "k" })
    assert.not_equal(user, limiter { user = "u2", key = "k" })
    assert.not_equal(mine, limiter { token = "tok-1", base_url = "http://127.0.0.1:2" })
  end)

  it("do not hang on how its calls are made", function()
    local mine = limiter { token = "tok-1", account = "7" }
    assert.equal(mine, limiter { token = "tok-1", account = "7", loud = true, way = "b", timeout = 7, attempts = 9 })
    assert.not_equal(mine, limiter { token = "tok-1", account = "8" })
  end)

  it("are not those of whoever's secret cannot be read just now", function()
    local path = support.file("token", "tok-1")
    local client = support.client(ACME, "http://127.0.0.1:1", { token = luaprov.secret.file(path) })
    os.rename(path, path .. ".gone")
    local without = rawget(client, 1).limiter()
    os.rename(path .. ".gone", path)
    local found = rawget(client, 1).limiter()
    assert.not_equal(without, found)
    assert.equal(limiter { token = "tok-1" }, found)
    assert.equal(found, rawget(client, 1).limiter())
  end)

  it("come before its token, which would have ended when the turn has come", function()
    local box = assert(boxes.start { support.file("acme.lua", ACME), token_life = 1 })
    local told = {}
    local client = support.client(ACME, box.base_url.acme, {
      token_url = box.url .. box.vendors[1].tokens:path(box.vendors[1].provider.auth[2]),
      user = box.vendors[1].credentials.user, key = box.vendors[1].credentials.key,
    })
    local off = luaprov.on("attempt", function(event) told[#told + 1] = event.status end)
    local function list() return client.things:list() end
    local _, failed = luaprov.all { list, list }
    off()
    assert.same({}, failed)
    assert.same({ 200, 200 }, told)
  end)

  it("count no request for a token", function()
    local box = assert(boxes.start { (support.file("acme.lua", ACME)) })
    local credentials = box.vendors[1].credentials
    local client = support.client(ACME, box.base_url.acme, {
      token_url = box.url .. box.vendors[1].tokens:path(box.vendors[1].provider.auth[2]),
      user = credentials.user, key = credentials.key,
    })
    local waited
    local off = luaprov.on("call", function(event) waited = event.waited end)
    assert(client.things:list())
    off()
    assert.equal(0, waited)
    assert.equal(1, #rawget(client, 1).limiter().sent)
  end)
end)
