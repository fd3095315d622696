-- Who is let in: bearer tokens, token requests of every kind, keys in headers, and nobody asked at all.
local boxes = require "tests.sandbox.boxes"
local luaprov = require "luaprov"
local support = require "tests.support"

local THINGS = '    path = "/things", text "name" {}, create = post {}, get = get {}, list = get {},\n'

local function provider(auth, before) return support.provider(THINGS, (before or "") .. auth) end

local function token_request(options, fields)
  return "auth = token_request { " .. options .. ', token = "data.token",\n'
    .. (fields or 'text "user" { required = true }, secret "key" { required = true, as = "api-key" }') .. " }"
end

describe("A token of the sandbox", function()
  after_each(boxes.stop)

  for name, auth in pairs {
    ["a literal URL"] = { token_request 'url = "https://login.acme.invalid/oauth/token"', "/acme/oauth/token" },
    ["one below the base URL"] = { token_request 'url = "{base_url}/token"', "/acme/api/token" },
    ["a setting's"] = { token_request 'url = "{login}"', "/acme" },
    ["a path on a setting's host"] = { token_request 'url = "{login}/a/b"', "/acme/a/b" },
    ["one with a setting in its path"] = { token_request 'url = "https://l.invalid/{tenant}/token"', "/acme/x/token" },
    JSON = { token_request 'url = "{base_url}/token", encoding = "json"', "/acme/api/token" },
    ["a query"] = { token_request 'url = "{base_url}/token", encoding = "query"', "/acme/api/token" },
    ["what never changes"] = { token_request
      'url = "{base_url}/token", encoding = "json", constant = { grant_type = "g", n = 1 }', "/acme/api/token" },
    ["a life that it is told"] = { token_request
      'url = "{base_url}/token", expires_in = "data.left", lifetime = 5, envelope = { data = { kind = "t" } }',
      "/acme/api/token" },
  } do
    it("is had from " .. name .. ", and renewed when it has ended", function()
      local text = provider(auth[1], 'text "tenant" {}, url "login" { default = "https://l.invalid" },\n')
      text = text:gsub("https://api.acme.invalid", "%0/api")
      local box, acme = boxes.of(text)
      assert.equal(box.url .. auth[2], box.token_url.acme)
      assert(acme.things:create { name = "n" })
      box:expire_tokens "acme"
      assert.equal(1, #assert(acme.things:list()))
      local options = box:options "acme"
      options.key = "other"
      support.is_error({ kind = "unauthorized", outcome = "not_sent", has = "invalid_client" },
        select(2, assert(luaprov.client(box.known.acme.file, options)).things:list()))
    end)
  end

  it("is refused when it is another, has ended, or is none", function()
    local box = boxes.of(provider(token_request 'url = "{base_url}/token", lifetime = 900'), { token_life = 1e-9 })
    local answer = boxes.send(box, "POST", "/acme/token", { body = "user=sandbox-user&api-key=sandbox-key" })
    assert.equal(200, answer.status)
    -- It has ended by the time that it arrives.
    for _, token in ipairs { answer.json.data.token, "sandbox-token", answer.json.data.token .. "x" } do
      assert.equal(401, boxes.send(box, "GET", "/acme/things", { token = token }).status)
    end
  end)

  it("is not had by GET, with half of what it wants, or with what is no form", function()
    local box = boxes.of(provider(token_request 'url = "{base_url}/token"'))
    assert.equal(405, boxes.send(box, "GET", "/acme/token").status)
    for body, code in pairs { [""] = "invalid_request", ["user=sandbox-user"] = "invalid_request",
                              ["user=sandbox-user&api-key="] = "invalid_client", ["user=x&api-key=sandbox-key"] =
                              "invalid_client", ["%%%&&&==="] = "invalid_request", ["[]"] = "invalid_request" } do
      for _, kind in ipairs { "application/x-www-form-urlencoded", "application/json", "" } do
        local answer = boxes.send(box, "POST", "/acme/token", { body = body, headers = { ["Content-Type"] = kind } })
        assert.equal(400, answer.status, body)
        assert.equal(kind:find("json") and "invalid_request" or code, answer.json.error, body)
      end
    end
    local good = boxes.send(box, "POST", "/acme/token", { body = { user = "sandbox-user", ["api-key"] = "sandbox-key" },
                                                          headers = { ["Content-Type"] = "application/json" } })
    assert.equal(200, good.status)
  end)

  it("is given by each of several ways that share a path", function()
    local text = provider [[auth = {
      token_request { url = "{base_url}/token", token = "t", constant = { grant_type = "client_credentials" },
        text "client_id" { required = true }, secret "client_secret" { required = true } },
      token_request { url = "{base_url}/token", token = "t", constant = { grant_type = "password" },
        text "user" { required = true }, secret "password" { required = true } },
      token_request { url = "https://other.invalid/refresh", token = "t", rotates = "refresh_token",
        secret "refresh_token" { required = true } },
    }]]
    local box = boxes.of(text)
    local file = box.known.acme.file
    for _, way in ipairs(box:environment()[1].ways) do
      local options = { base_url = box.base_url.acme }
      for _, pair in ipairs(way) do options[pair[1]:match("^LUAPROV_ACME_(.*)$"):lower()] = pair[2] end
      local acme = assert(luaprov.client(file, options))
      for _ = 1, 2 do
        assert(acme.things:list())
        box:expire_tokens "acme"
      end
    end
    local answer = boxes.send(box, "POST", "/acme/token", { body = "grant_type=password&user=x&password=y" })
    assert.equal("invalid_client", answer.json.error)
    assert.equal("unsupported_grant_type", boxes.send(box, "POST", "/acme/token", { body = "a=b" }).json.error)
  end)

  it("comes with a new credential where the file says so, and that is good for this one only", function()
    local box = boxes.of(provider [[auth = token_request { url = "{base_url}/token", token = "t", rotates = "refresh",
      secret "refresh" { required = true }, secret "key" { required = true } }]])
    local function ask(refresh, key)
      return boxes.send(box, "POST", "/acme/token", { body = "refresh=" .. refresh .. "&key=" .. key }).json
    end
    local first = ask("sandbox-refresh", "sandbox-key")
    assert.truthy(ask(first.refresh, "sandbox-key").t)
    assert.equal("invalid_client", ask("sandbox-refresh", first.refresh).error)
    assert.equal("invalid_grant", ask(first.t, "sandbox-key").error)
    for _, odd in ipairs { 1, "1", 0.5, true, {}, luaprov.array { first.refresh }, "", "next", "ring" } do
      local answer = boxes.send(box, "POST", "/acme/token", { body = { refresh = odd, key = "sandbox-key" },
                                                              headers = { ["Content-Type"] = "application/json" } })
      assert.same({ 400, "invalid_grant" }, { answer.status, answer.json.error }, tostring(odd))
    end
  end)

  it("may be a key in a header, beside settings that may be anything", function()
    local box, acme = boxes.of(provider('headers = { ["X-Key"] = "k {key}; a={account}", ["X-Plain"] = "{account}" }',
      'secret "key" { required = true }, text "account" { required = true },\n'))
    assert(acme.things:create { name = "n" })
    for header, status in pairs { ["k sandbox-key; a=sandbox-account"] = 200, ["k sandbox-key; a=other"] = 200,
                                  ["k other; a=sandbox-account"] = 401, ["sandbox-key"] = 401 } do
      local request = { token = false, headers = { ["x-key"] = header } }
      assert.equal(status, boxes.send(box, "GET", "/acme/things", request).status, header)
    end
    assert.equal(401, boxes.send(box, "GET", "/acme/things").status)
  end)

  it("is not asked for where the provider file has no way to authenticate", function()
    local box, acme = boxes.of(provider "title = 'Open'")
    assert(acme.things:create { name = "n" })
    assert.equal(200, boxes.send(box, "GET", "/acme/things", { token = false }).status)
    assert.same({}, box.token_url)
    assert.same({ base_url = box.base_url.acme }, box:options "acme")
  end)

  it("has credentials that fit their fields, whatever type they are", function()
    local _, acme = boxes.of(provider(token_request('url = "{base_url}/token", encoding = "json"',
      [[integer "site" { required = true, min = 100 }, choice "realm" { required = true, values = { "z", "y" } },
        text "long" { required = true, min = 40 }, text "short" { required = true, max = 4 },
        boolean "on" { required = true }, url "from" { required = true }, text "tail" { required = true,
        pattern = "^AC%d+$", example = "AC12" }]]), 'integer "cluster" { required = true },\n'))
    assert(acme.things:create { name = "n" })
  end)

  it("may be other than the usual one", function()
    local box, acme = boxes.of(provider 'auth = bearer "token"', { credentials = { acme = { token = "FAKE-other" } } })
    assert(acme.things:list())
    assert.equal(200, boxes.send(box, "GET", "/acme/things", { token = "FAKE-other" }).status)
    assert.equal(401, boxes.send(box, "GET", "/acme/things").status)
  end)

  it("is forgotten after a thousand others, and not before", function()
    local tokens = require "luaprov.sandbox.tokens"
    local description = support.description(provider(token_request 'url = "{base_url}/token"'))
    local now = 0
    local own = tokens.new(description, {
      credentials = tokens.credentials(description), now = function() return now end, base_path = "/acme",
      prefix = "/acme" })
    local request = { path = "/acme/token", query = "", headers = {}, body = "user=sandbox-user&api-key=sandbox-key" }
    local function check(token) return own:check { authorization = "Bearer " .. token } end
    local first = own:request(request).data.token
    for _ = 1, 999 do assert(own:request(request)) end
    assert.is_nil(check(first))
    now = 3600
    assert.equal("expired", check(first))
    assert(own:request(request))
    assert.equal("unauthorized", check(first))
    local kept = 0
    for _ in pairs(own.issued.worth) do kept = kept + 1 end
    assert.same({ 1000, 1000 }, { kept, #own.issued.ring })
  end)
end)
