local control = require "tests.contract.control"
local http = require "luaprov.http"
local luaprov = require "luaprov"
local support = require "tests.support"

describe("authentication", function()
  local listener

  setup(function() listener = control.start() end)
  teardown(function() listener:stop() end)
  before_each(function() listener:reset() end)

  local resource = 'text "name" {},' .. support.operations

  local function connect(request, given, options)
    local auth = ([[ auth = token_request { url = "{base_url}/token", constant = { grant_type = "client_credentials" },
      token = "access_token", expires_in = "expires_in", text "client_id" { required = true },
      secret "client_secret" { required = true }, %s } %s ]]):format(request or "", options or "")
    return support.client(support.provider(resource, auth), listener.url,
      given or { client_id = "me", client_secret = luaprov.secret "cs-0000" })
  end

  local function token(value, more)
    local answer = { match = { path = "/token" }, status = 200, json = { access_token = value } }
    for name, field in pairs(more or {}) do answer.json[name] = field end
    return answer
  end

  local function thing(id, status) return { match = { path = "/things/" .. id }, status = status or 200,
                                            json = { id = id } } end

  local function sent(count)
    local list = {}
    for i, request in ipairs(listener:requests(count)) do
      list[i] = request.method .. " " .. request.path .. " " .. (request.headers.authorization or "-")
    end
    return list
  end

  it("asks for a token at the first call and keeps it", function()
    listener:script { token("tok-1"), thing "a", thing "b" }
    local client = connect()
    assert.equal(0, #listener:requests())
    assert(client.things:get "a")
    assert(client.things:get "b")
    assert.same({ "POST /token -", "GET /things/a Bearer tok-1", "GET /things/b Bearer tok-1" }, sent(3))
  end)

  it("asks with a form, JSON or a query, as the provider file says", function()
    for encoding, wanted in pairs {
      form = { "/token", "client_id=me%20%26&client_secret=c%2Fs&grant_type=client_credentials",
               "application/x-www-form-urlencoded" },
      json = { "/token", '{"client_id":"me &","client_secret":"c/s","grant_type":"client_credentials"}',
               "application/json" },
      query = { "/token?client_id=me%20%26&client_secret=c%2Fs&grant_type=client_credentials", "" },
    } do
      listener:reset()
      listener:script { { match = { path = wanted[1] }, status = 200, json = { access_token = "tok-1" } }, thing "a" }
      assert(connect(('encoding = "%s"'):format(encoding),
        { client_id = "me &", client_secret = "c/s" }).things:get "a")
      local request = listener:requests(2)[1]
      assert.equal("POST", request.method)
      assert.equal(wanted[1], request.path)
      assert.equal(wanted[2], request.body)
      assert.equal(wanted[3], request.headers["content-type"])
    end
  end)

  it("asks as a setting says", function()
    listener:script { token("tok-1"), thing "a" }
    local client = connect('encoding = "how"', { client_id = "me", client_secret = "cs-0000", how = "json" },
      ', choice "how" { values = { "form", "json" }, default = "form" }')
    assert(client.things:get "a")
    assert.equal("application/json", listener:requests(2)[1].headers["content-type"])
  end)

  it("sends a credential by the name that the vendor has for it", function()
    listener:script { { status = 200, json = { data = { jwt = "tok-1" } } }, thing "a" }
    local auth = [[ auth = token_request { url = "{base_url}/token", token = "data.jwt",
                    text "site_id" { required = true, as = "siteId" }, text "zone" {} } ]]
    assert(support.client(support.provider(resource, auth), listener.url, { site_id = "5" }).things:get "a")
    assert.equal("siteId=5", listener:requests(2)[1].body)
  end)

  it("needs every setting in the URL of the token request", function()
    local auth = [[ url "login" {},
      auth = token_request { url = "{login}/token", token = "t", secret "key" { required = true } } ]]
    local record, err = support.client(support.provider(resource, auth), listener.url, { key = "k" }).things:get "a"
    support.is_error({ kind = "invalid", outcome = "not_sent", has = "no token: login is required" }, err, record)
    assert.equal(0, #listener:requests())
  end)

  it("renews a token at the end of its life, by the answer or by the provider file", function()
    -- A life of no length ends at once, so nothing waits here.
    listener:script { token("tok-1", { expires_in = 0 }), thing "a", token("tok-2", { expires_in = "3600" }),
                      thing "b", thing "c" }
    local client = connect()
    for _, id in ipairs { "a", "b", "c" } do assert(client.things:get(id)) end
    assert.same({ "POST /token -", "GET /things/a Bearer tok-1", "POST /token -", "GET /things/b Bearer tok-2",
      "GET /things/c Bearer tok-2" }, sent(5))
    listener:reset()
    listener:script { token("tok-1"), thing "a", token("tok-2"), thing "b" }
    client = connect "lifetime = 0"
    for _, id in ipairs { "a", "b" } do assert(client.things:get(id)) end
    assert.equal("GET /things/b Bearer tok-2", sent(4)[4])
  end)

  describe("with a clock of its own", function()
    local real, ahead = http.now, 0
    before_each(function()
      ahead = 0
      http.now = function() return real() + ahead end
    end)
    after_each(function() http.now = real end)

    -- Which token each call goes out with, where the calls are so many seconds after the first.
    local function tokens_at(seconds, life, options)
      listener:reset()
      listener:script { token("tok-1", { expires_in = life }), token("tok-2", { expires_in = life }) }
      local client, list = connect(options), {}
      for i, at in ipairs(seconds) do
        ahead = at
        listener:script(thing "a")
        assert(client.things:get "a")
        local requests = listener:requests()
        list[i] = requests[#requests].headers.authorization
      end
      return list
    end

    it("renews a token half a minute before its end, a short one a tenth of its life before", function()
      local wanted = { "Bearer tok-1", "Bearer tok-1", "Bearer tok-2" }
      assert.same(wanted, tokens_at({ 0, 3560, 3575 }, 3600))
      assert.same(wanted, tokens_at({ 0, 80, 95 }, 100))
      assert.same(wanted, tokens_at({ 0, 860, 875 }, nil, "lifetime = 900,"))
    end)

    it("keeps a token whose end nobody told", function()
      assert.same({ "Bearer tok-1", "Bearer tok-1" }, tokens_at({ 0, 1e6 }, nil))
    end)
  end)

  it("renews a refused token once and repeats the call", function()
    listener:script { token("tok-1"), { status = 401, json = {} }, token("tok-2"),
                      { match = { path = "/things" }, status = 201, json = { id = "7" } } }
    local client = connect()
    local record = assert(client.things:create { name = "n" })
    assert.equal("7", record.id)
    assert.same({ "POST /token -", "POST /things Bearer tok-1", "POST /token -", "POST /things Bearer tok-2" }, sent(4))
    assert.equal('{"name":"n"}', listener:requests()[4].body)
  end)

  it("is unauthorized when a renewed token is refused too", function()
    listener:script { token("tok-1"), thing("a", 401), token("tok-2"), thing("a", 401) }
    local client = connect()
    local record, err = client.things:get "a"
    support.is_error({ kind = "unauthorized", outcome = "refused", status = 401, operation = "get" }, err, record)
    assert.equal(4, #listener:requests(4))
  end)

  it("is unauthorized at once with a token that was given", function()
    listener:script(thing("a", 401))
    local record, err = support.client(support.provider(resource), listener.url).things:get "a"
    support.is_error({ kind = "unauthorized", outcome = "refused", status = 401 }, err, record)
    assert.equal(1, #listener:requests(1))
  end)

  it("does not repeat a call for any other refusal, nor for a 401 that the provider file reads otherwise", function()
    for status, kind in pairs { [403] = "forbidden", [404] = "not_found", [429] = "rate_limited",
                                [500] = "unavailable" } do
      listener:reset()
      listener:script { token("tok-1"), thing("a", status) }
      local record, err = connect().things:get "a"
      support.is_error({ kind = kind, status = status }, err, record)
      assert.equal(2, #listener:requests(2))
    end
    listener:reset()
    listener:script { token("tok-1"), thing("a", 401) }
    local record, err = connect(nil, nil, [[, errors = function(answer)
      return answer.status == 401 and { kind = "quota_exceeded", message = "m" } or nil
    end]]).things:get "a"
    support.is_error({ kind = "quota_exceeded", outcome = "refused", status = 401 }, err, record)
    assert.equal(2, #listener:requests(2))
  end)

  it("does not repeat a call that may have acted", function()
    for _, status in ipairs { 401, 200 } do
      listener:reset()
      listener:script { token("tok-1"), thing("a", status) }
      local record, err = connect(nil, nil, [[, errors = function(answer)
        return answer:at "id" and { kind = "unauthorized", message = "m", outcome = "unknown" } or nil
      end]]).things:get "a"
      support.is_error({ kind = "unauthorized", outcome = "unknown", status = status }, err, record)
      assert.equal(2, #listener:requests(2))
    end
  end)

  it("shows no token that was asked for", function()
    listener:script { token("tok-asked-0000"), { status = 500, text = "Authorization: Bearer tok-asked-0000" },
                      { status = 400, json = { echo = "tok-asked-0000" } } }
    local client = connect()
    for _ = 1, 2 do
      local record, err = client.things:get "a"
      assert.is_nil(record)
      assert.is_nil(support.shown(err):find("tok-asked", 1, true))
    end
    assert.is_nil(support.shown(client):find("tok-asked", 1, true))
  end)

  describe("shared by concurrent callers", function()
    local function ids(count)
      local list = {}
      for i = 1, count do list[i] = "id-" .. i end
      return list
    end

    local function get(path)
      return assert(http.exchange { method = "GET", url = listener.url .. path, deadline = http.now() + 20 })
    end

    local function release()
      assert(http.exchange { method = "POST", url = listener.url .. "/-/release", body = "",
                             deadline = http.now() + 20 })
    end

    it("asks for one token", function()
      local held = token("tok-1")
      held.hold = true
      listener:script(held)
      local list = ids(10)
      for _, id in ipairs(list) do listener:script(thing(id)) end
      list[11] = "release"
      local client = connect()
      local records, errors = luaprov.map(list, function(id)
        if id ~= "release" then return client.things:get(id) end
        get "/-/requests?wait=1"
        release()
      end)
      assert.is_nil(next(errors))
      for i = 1, 10 do assert.equal("id-" .. i, records[i].id) end
      local requests = sent(11)
      assert.equal(11, #requests)
      assert.equal("POST /token -", requests[1])
    end)

    it("renews it once when all are refused", function()
      listener:script { token("tok-1"), token("tok-2") }
      local list = ids(10)
      for _, id in ipairs(list) do
        local refused = thing(id, 401)
        refused.hold = true -- all have been sent with the first token before any is refused
        listener:script { refused, thing(id) }
      end
      list[11] = "release"
      local client = connect()
      local records, errors = luaprov.map(list, function(id)
        if id ~= "release" then return client.things:get(id) end
        get "/-/requests?wait=11"
        release()
      end)
      assert.is_nil(next(errors))
      for i = 1, 10 do assert.equal("id-" .. i, records[i].id) end
      local counts = {}
      for _, request in ipairs(sent(22)) do
        local what = request:match("^POST /token") or request:match("tok%-%d$")
        counts[what] = (counts[what] or 0) + 1
      end
      assert.same({ ["POST /token"] = 2, ["tok-1"] = 10, ["tok-2"] = 10 }, counts)
    end)

    it("is not renewed for a refusal of the one before", function()
      local late = { thing("a", 401), thing("b", 401) }
      late[1].hold, late[2].hold = true, true
      listener:script { token("tok-1"), late[1], late[2], token("tok-2"), thing "a", thing "b" }
      local client = connect()
      local function release_one()
        assert(http.exchange { method = "POST", url = listener.url .. "/-/release?count=1", body = "",
                               deadline = http.now() + 20 })
      end
      local _, errors = luaprov.all {
        function() return client.things:get "a" end, function() return client.things:get "b" end,
        function()
          get "/-/requests?wait=3"
          release_one()
          get "/-/requests?wait=5"
          release_one()
        end,
      }
      assert.is_nil(next(errors))
      local counts = { token = 0 }
      for _, request in ipairs(sent(6)) do
        if request:find("/token", 1, true) then counts.token = counts.token + 1 end
      end
      assert.equal(2, counts.token)
      assert.equal(6, #listener:requests())
    end)

    it("tells all of them when there is none, each in its own error", function()
      listener:script { match = { path = "/token" }, status = 400, json = { error = "invalid_client" } }
      local client = connect()
      local records, errors = luaprov.map({ "a", "b", "c" }, function(id) return client.things:get(id) end)
      assert.is_nil(next(records))
      for i = 1, 3 do support.is_error({ kind = "unauthorized", outcome = "not_sent" }, errors[i]) end
      assert.are_not.equal(errors[1], errors[2])
      assert.equal(1, #listener:requests(1))
    end)

    it("works from coroutines of the user within tasks", function()
      listener:script { token("tok-1"), token("tok-2"), thing "a", thing "b" }
      local client = connect()
      local records = luaprov.map({ "a", "b" }, function(id)
        return coroutine.wrap(function() return client.things:get(id) end)()
      end)
      assert.equal("a", records[1].id)
      assert.equal("b", records[2].id)
    end)
  end)

  describe("whose token request fails", function()
    for name, case in pairs {
      ["with OAuth's words"] = {
        { status = 400, json = { error = "invalid_client", error_description = "Unknown client" } },
        { kind = "unauthorized", status = 400, has = "no token: Unknown client (400, invalid_client)" } },
      ["with OAuth's word"] = {
        { status = 401, json = { error = "invalid_grant" } },
        { kind = "unauthorized", status = 401, has = "no token: invalid_grant" } },
      ["with nothing"] = { { status = 500 }, { kind = "unavailable", status = 500,
                                               has = "no token: answered with no body" } },
      ["with HTML"] = {
        { status = 503, text = "<h1>Down</h1>", headers = { ["Content-Type"] = "text/html", ["Retry-After"] = 7 } },
        { kind = "unavailable", status = 503, retry_after = 7, has = "<h1>Down</h1>" } },
      ["with a redirect"] = {
        { status = 302, headers = { Location = "https://login.invalid/" } },
        { kind = "protocol", status = 302, has = "redirects to https://login.invalid/" } },
      ["without a token"] = { { status = 200, json = {} }, { kind = "protocol", has = "has no access_token" } },
      ["with half a body"] = { { status = 200, text = '{"access_token":"tok' },
                               { kind = "protocol", has = "has no access_token" } },
      ["with a token that is none"] = { { status = 200, json = { access_token = { "x" } } }, { kind = "protocol" } },
      ["with an empty token"] = { { status = 200, json = { access_token = "" } }, { kind = "protocol" } },
      ["with a line end in the token"] = { { status = 200, json = { access_token = "a\r\nX: b" } },
                                           { kind = "protocol" } },
      ["with a lost connection"] = { { close = true }, {} },
    } do
      it(name .. " has sent nothing", function()
        case[1].match = { path = "/token" }
        listener:script(case[1])
        local record, err = connect().things:create { name = "n" }
        case[2].outcome, case[2].operation, case[2].provider, case[2].resource = "not_sent", "create", "acme", "things"
        support.is_error(case[2], err, record)
        assert.equal(1, #listener:requests(1))
      end)
    end

    it("says so for a renewal too, and tries again at the next call", function()
      listener:script { token("tok-1"), thing("a", 401), { match = { path = "/token" }, status = 500 }, token("tok-2"),
                        thing "a" }
      local client = connect()
      local record, err = client.things:get "a"
      support.is_error({ kind = "unavailable", outcome = "not_sent", has = "no token: " }, err, record)
      assert(client.things:get "a")
      assert.equal("GET /things/a Bearer tok-2", sent(5)[5])
    end)

    it("shows no secret", function()
      for _, echo in ipairs { "client_secret=cs-0000", "key cs-0000!", '{"client_secret":"cs-0000"}' } do
        for _, answer in ipairs {
          { status = 400, text = echo }, { status = 400, json = { error = echo, error_description = echo } },
          { status = 400, json = { error = "cs-0000" } }, { status = 500, json = { echo = { echo } } },
        } do
          answer.match = { path = "/token" }
          listener:script(answer)
          local record, err = connect().things:get "a"
          support.is_error({ outcome = "not_sent" }, err, record)
          assert.is_nil(support.shown(err):find("cs-0000", 1, true))
        end
      end
    end)
  end)

  it("keeps a refresh token that was replaced", function()
    listener:script { token("tok-1", { refresh_token = "ref-2", expires_in = 0 }), thing "a",
                      token("tok-2", { expires_in = 0 }), thing "b", token("tok-3"), thing "c" }
    local auth = [[ auth = token_request { url = "{base_url}/token", token = "access_token", expires_in = "expires_in",
      rotates = "refresh_token", secret "refresh_token" { required = true } } ]]
    local client = support.client(support.provider(resource, auth), listener.url,
      { refresh_token = luaprov.secret "ref-1" })
    for _, id in ipairs { "a", "b", "c" } do assert(client.things:get(id)) end
    local requests = listener:requests(6)
    assert.equal("refresh_token=ref-1", requests[1].body)
    assert.equal("refresh_token=ref-2", requests[3].body)
    assert.equal("refresh_token=ref-2", requests[5].body)
    assert.is_nil(support.shown(client):find("ref-%d"))
  end)

  it("asks again where a client is made again", function()
    listener:script { token("tok-1"), thing "a", token("tok-2"), thing "a" }
    assert(connect().things:get "a")
    assert(connect().things:get "a")
    assert.equal("GET /things/a Bearer tok-2", sent(4)[4])
  end)
end)
