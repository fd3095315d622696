-- Where credentials go, and which links mean something. "elsewhere" is a listener of its own: what came there is seen.
local control = require "tests.contract.control"
local origins = require "luaprov.provider.origins"
local support = require "tests.support"
local uri = require "luaprov.uri"

local BY_TOKEN = 'auth = token_request { url = "{base_url}/login", secret "key" { required = true }, token = "token" }'

describe("an origin", function()
  it("has one spelling", function()
    for url, origin in pairs {
      ["https://API.Acme.invalid/v1?x#y"] = "https://api.acme.invalid:443",
      ["HTTP://api.acme.invalid:80"] = "http://api.acme.invalid:80",
      ["http://api.acme.invalid."] = "http://api.acme.invalid:80", ["https://h:"] = "https://h:443",
      ["https://[::1]:8443/x"] = "https://[::1]:8443", ["https://[::1]/x"] = "https://[::1]:443",
      ["https://user:pass@h:1/"] = "https://h:1", ["https://own.invalid@evil.invalid/"] = "https://evil.invalid:443",
      ["https://own.invalid?@evil.invalid"] = "https://own.invalid:443",
      ["https://evil.invalid\\@own.invalid/"] = "https://evil.invalid:443",
    } do
      assert.equal(origin, uri.origin(url), url)
    end
    for _, url in ipairs { "", "/x", "//h/x", "ftp://h/x", "https:/h", "https://", "https://h:x/", "https://a:b:1/",
                           "javascript:x", "https:h" } do
      assert.is_nil(uri.origin(url), url)
    end
  end)

  it("is shown without what may be secret", function()
    for url, shown in pairs {
      ["https://user:pass@h/a/b?token=x#y"] = "https://h/a/b", ["//user:pass@h/a"] = "//h/a", ["/a@b/c?d"] = "/a@b/c",
      ["https://h/a@b"] = "https://h/a@b", ["https://u:p@w@h/a"] = "https://h/a", [""] = "",
    } do
      assert.equal(shown, uri.shown(url), url)
    end
  end)

  it("of a provider is that of its base URL, and of the one in use", function()
    local provider = support.description([[
return provider { base_url = "https://api.{region}.acme.invalid/v1", choice "region" { values = { "eu", "us" } },
  resource "things" { path = "/things", get = get {} } }]])
    assert.same({ ["https://api.eu.acme.invalid:443"] = true },
      origins.of(provider, { region = "eu" }, "https://api.eu.acme.invalid/v1"))
    assert.same({ ["https://api.eu.acme.invalid:443"] = true, ["https://api.us.acme.invalid:443"] = true,
                  ["http://gateway.invalid:8080"] = true },
      origins.of(provider, {}, "http://gateway.invalid:8080/acme"))
  end)

  it("is no other's because of a setting in its host", function()
    local text = 'return provider { base_url = "https://%s/v1/{path}", text "host" {}, '
      .. 'text "path" { default = "a/b?c" }, resource "things" { path = "/things", get = get {} } }'
    local function open(base, host) return pcall(support.client, text:format(base), nil, { host = host }) end
    for _, host in ipairs { "evil.invalid/", "evil.invalid?", "evil.invalid#", "u@evil.invalid", "evil.invalid\\",
                            "a b", "a%2fb" } do
      local ok, err = open("{host}.acme.invalid", host)
      assert.is_false(ok, host)
      assert.matches("host is a part of the host's name in base_url, and cannot be one", tostring(err), 1, true)
    end
    for _, host in ipairs { "pbx.invalid:8443", "[::1]:80", "a-b_c.d" } do assert.is_true((open("{host}", host))) end
  end)
end)

describe("credentials", function()
  local listener, elsewhere
  setup(function() listener, elsewhere = control.start(), control.start() end)
  teardown(function()
    listener:stop()
    elsewhere:stop()
  end)
  before_each(function()
    listener:reset()
    elsewhere:reset()
  end)

  local function client(parts, options, given)
    return support.client(support.provider(parts, options), listener.url, given)
  end

  local function stayed_at_home() assert.same({}, (elsewhere:requests())) end

  describe("and a Location for an id:", function()
    local PARTS = [[ text "name" {}, path = "/things", create = post { expect = 201, id = location }, get = get {} ]]

    it("the provider's own is read", function()
      for _, location in ipairs { "/v1/things/7", "things/7", listener.url .. "/things/7?x=1",
                                  listener.url:upper() .. "/things/7", "https://api.acme.invalid/v1/things/7",
                                  "https://API.acme.invalid:443/v1/things/7/" } do
        listener:script { { status = 201, text = "", headers = { Location = location } },
                          { status = 200, json = { id = "7", name = "n" } } }
        assert.equal("7", assert(client(PARTS).things:create { name = "n" }).id, location)
      end
    end)

    it("another's is refused, and named", function()
      local host = elsewhere.url:match("//(.*)")
      for location, shown in pairs {
        [elsewhere.url .. "/things/7"] = elsewhere.url .. "/things/7", ["//" .. host .. "/things/7"] = "//" .. host,
        ["https://api.acme.invalid@" .. host .. "/things/7"] = "https://" .. host .. "/things/7",
        ["http://api.acme.invalid/things/7"] = "http://api.acme.invalid/things/7",
        ["https://api.acme.invalid:8443/things/7"] = "https://api.acme.invalid:8443/things/7",
        ["https://api.acme.invalid.elsewhere.invalid/things/7"] = "https://api.acme.invalid.elsewhere.invalid/things/7",
        ["ftp://api.acme.invalid/things/7"] = "ftp://api.acme.invalid/things/7",
        ["\\\\" .. host .. "\\things/7"] = host,
        ["https://u:key-0000@elsewhere.invalid/things/7?token=tok-acme-0000"] = "https://elsewhere.invalid/things/7",
      } do
        listener:script { status = 201, json = { name = "n" }, headers = { Location = location } }
        local record, err = client(PARTS).things:create { name = "n" }
        support.is_error({ kind = "protocol", outcome = "unknown", status = 201,
                           has = { "its Location is not the provider's own, ", shown } }, err, record)
        for _, secret in ipairs { "tok-acme-0000", "key-0000", "token=" } do
          assert.is_nil(support.shown(err):find(secret, 1, true), secret)
        end
        listener:script { status = 201, text = "", headers = { Location = location } }
        record, err = client(PARTS).things:create { name = "n" }
        support.is_error({ kind = "protocol", outcome = "unknown", has = "not the provider's own" }, err, record)
      end
      stayed_at_home()
    end)
  end)

  it("do not follow a redirect of any operation, nor of a token request", function()
    local location = elsewhere.url:gsub("//", "//user:key-0000@") .. "/things/tok-acme-0000?key=key-0000#key-0000"
    local named = "redirects to " .. elsewhere.url .. "/things/<secret>, and redirects are not followed"
    local operations = {
      function(things) return things:create { name = "n" } end, function(things) return things:get "7" end,
      function(things) return things:update("7", { name = "n" }) end, function(things) return things:delete "7" end,
      function(things) return things:list() end,
    }
    local things = client([[ text "name" {}, ]] .. support.operations).things
    for _, status in ipairs { 301, 302, 303, 307, 308 } do
      for _, operate in ipairs(operations) do
        listener:script { status = status, headers = { Location = location } }
        local result, err = operate(things)
        support.is_error({ kind = "protocol", outcome = "unknown", status = status, has = named }, err, result)
        assert.is_nil(support.shown(err):find("key-0000", 1, true))
        assert.is_nil(support.shown(err):find("tok-acme-0000", 1, true))
      end
      listener:script { status = status, headers = { Location = elsewhere.url .. "/login?key=key-0000" } }
      local result, err = client(support.operations, BY_TOKEN, { key = "key-0000" }).things:get "7"
      support.is_error({ kind = "protocol", outcome = "not_sent", status = status,
                         has = "redirects to " .. elsewhere.url .. "/login, and" }, err, result)
      assert.is_nil(support.shown(err):find("key-0000", 1, true))
    end
    stayed_at_home()
  end)

  it("do not follow a link in the page of a list", function()
    local link = elsewhere.url .. "/things?page=2"
    listener:script {
      { status = 200, json = { items = { { id = "1" } }, total = 2, next = link, ["@odata.nextLink"] = link,
                               links = { next = link } }, headers = { Link = "<" .. link .. '>; rel="next"' } },
      { status = 200, json = { items = { { id = "2" } }, total = 2 } },
    }
    local list = assert(client([[ path = "/things",
      list = get { items = "items", pages = numbered { query = "page={page}", first = 1, total = "total" } } ]])
      .things:list())
    assert.equal(2, #list)
    assert.equal("/things?page=2", listener:requests(2)[2].path)
    stayed_at_home()
  end)

  it("for tokens go to the provider file's own token URL, and there only; tokens go to the base URL only", function()
    local auth = [[url "identity_url" {}, auth = token_request { url = "{identity_url}/login",
      secret "key" { required = true }, token = "token" }]]
    local given = { key = "key-0000", identity_url = elsewhere.url }
    elsewhere:script { status = 200, json = { token = "tok-0000", token_url = listener.url, base_url = elsewhere.url },
                       headers = { Location = listener.url } }
    listener:script { { status = 401, json = {}, headers = { Location = elsewhere.url,
                        ["WWW-Authenticate"] = 'Bearer realm="' .. listener.url .. '/login"' } },
                      { status = 200, json = { id = "7" } } }
    elsewhere:script { status = 200, json = { token = "tok-0001" } }
    assert(client(support.operations, auth, given).things:get "7")
    local asked, called = elsewhere:requests(2), listener:requests(2)
    assert.equal(2, #asked)
    assert.equal(2, #called)
    for i = 1, 2 do
      assert.equal("POST /login key=key-0000", asked[i].method .. " " .. asked[i].path .. " " .. asked[i].body)
      assert.is_nil(asked[i].headers.authorization)
      assert.equal("GET /things/7", called[i].method .. " " .. called[i].path)
      assert.equal("Bearer tok-000" .. i - 1, called[i].headers.authorization)
      assert.is_nil(support.shown(called[i]):find("key-0000", 1, true))
    end
  end)
end)
