local control = require "tests.contract.control"
local luaprov = require "luaprov"
local support = require "tests.support"

describe("OneBox", function()
  local listener

  setup(function() listener = control.start() end)
  teardown(function() listener:stop() end)
  before_each(function() listener:reset() end)

  local function with_token() return assert(luaprov.client("onebox",
    { token = "jwt-0000", attempts = 1, base_url = listener.url })) end

  local function with_login(more)
    local options = { email = "me@example.invalid", password = "pw-0000", site_id = "12", base_url = listener.url,
                      attempts = 1 }
    for name, value in pairs(more or {}) do options[name] = value end
    return assert(luaprov.client("onebox", options))
  end

  local function said(message, code)
    return { _meta = { status = "ERROR", count = 1 },
             records = { errorCode = code or 401, userMessage = message, devMessage = control.null } }
  end

  local function login(token)
    return { match = { path = "/api/authenticate" }, status = 200,
             json = { response_code = "200", response_status = "Success", token = token } }
  end

  local inbound = { MediaId = "EMAIL", ProviderId = "PVD9", Name = "in", UserId = "me", Password = "pw-1111",
                    Host = "imap.example.invalid", Port = 993, From = "me@example.invalid" }

  it("knows the channel's no in every form, and believes no update without its record", function()
    local client = assert(luaprov.client("onebox", { token = "tok-0000", attempts = 1, base_url = listener.url }))
    for _, body in ipairs { { error = { message = "(#200) no permission", code = 200 } }, { error = true },
                            { error = "no" } } do
      listener:script { status = 200, json = body }
      local record, err = client.connections:update("4", { Name = "n" })
      support.is_error({ kind = "rejected", outcome = "unknown", status = 200 }, err, record)
    end
    listener:script { status = 200, json = { a = 1 } }
    local record, err = client.connections:update("4", { Name = "n" })
    support.is_error({ kind = "protocol", outcome = "unknown" }, err, record)
  end)

  describe("refuses with success:", function()
    it("a 200 with an error is rejected", function()
      listener:script { status = 200, json = { error = "(#200) User does not have sufficient permission" } }
      local record, err = with_token().connections:create(inbound)
      support.is_error({ kind = "rejected", outcome = "unknown", status = 200, operation = "create",
                         has = ": (#200) User does not have sufficient permission; " }, err, record)
    end)

    it("in every operation", function()
      local client = with_token()
      for _, call in ipairs {
        function() return client.connections:get "7" end, function() return client.connections:list() end,
        function() return client.connections:update("7", { Name = "n" }) end,
      } do
        listener:script { status = 200, json = { error = "no" } }
        local value, err = call()
        support.is_error({ kind = "rejected", message = "no" }, err, value)
      end
    end)

    it("but a null or absent error is none", function()
      listener:script { status = 200, json = { Id = "7", Error = "x", error = control.null } }
      assert.equal("7", assert(with_token().connections:get "7").id)
    end)
  end)

  describe("its 401 is read by its body:", function()
    local function get(body)
      listener:script { login "jwt-1", { match = { path = "/api/connection/7" }, status = 401, json = body } }
      return with_login().connections:get "7"
    end

    it("an expired token leads to one new login, and the call is repeated", function()
      for _, code in ipairs { 401, "401" } do
        listener:reset()
        listener:script { login "jwt-1", { match = { path = "/api/connection/7" }, status = 401,
                                           json = said("Expired token", code) },
                          login "jwt-2", { match = { path = "/api/connection/7" }, status = 200, json = { Id = "7" } } }
        assert.equal("7", assert(with_login().connections:get "7").id)
        local requests = listener:requests(4)
        assert.equal(4, #requests)
        assert.equal("Bearer jwt-1", requests[2].headers.authorization)
        assert.equal("/api/authenticate", requests[3].path)
        assert.equal("Bearer jwt-2", requests[4].headers.authorization)
      end
    end)

    it("once only", function()
      local expired = { match = { path = "/api/connection/7" }, status = 401, json = said "Expired token" }
      listener:script { login "jwt-1", expired, login "jwt-2", expired }
      local record, err = with_login().connections:get "7"
      support.is_error({ kind = "unauthorized", outcome = "refused", status = 401, message = "Expired token" }, err,
        record)
      assert.same({ "401" }, err.codes)
      assert.equal(4, #listener:requests(4))
    end)

    it("the quota is quota_exceeded and leads to no login", function()
      local record, err = get(said "time limit reached please try again tomorrow at 18:00 - 06:00")
      support.is_error({ kind = "quota_exceeded", outcome = "refused", status = 401, has = "time limit reached" }, err,
        record)
      assert.equal(2, #listener:requests(2))
    end)

    it("what the channel refuses is rejected and leads to no login", function()
      local record, err = get { error = "Unsupported post request. Object with ID '5' does not exist" }
      support.is_error({ kind = "rejected", outcome = "refused", status = 401, has = "Object with ID '5'" }, err,
        record)
      assert.equal(2, #listener:requests(2))
    end)

    it("the code may be a number or a string", function()
      for _, code in ipairs { 401, "401" } do
        listener:script { status = 401, json = said("Expired token", code) }
        local record, err = with_token().connections:get "7"
        support.is_error({ kind = "unauthorized" }, err, record)
        assert.same({ "401" }, err.codes)
      end
    end)
  end)

  it("logs in with a form, JSON or a query", function()
    for encoding, wanted in pairs {
      form = { "/api/authenticate", "email=me%40example.invalid&password=pw-0000&siteId=12" },
      json = { "/api/authenticate", '{"email":"me@example.invalid","password":"pw-0000","siteId":"12"}' },
      query = { "/api/authenticate?email=me%40example.invalid&password=pw-0000&siteId=12", "" },
    } do
      listener:reset()
      listener:script { { match = { path = wanted[1] }, status = 200, json = { token = "jwt-1" } },
                        { status = 200, json = { Id = "7" } } }
      assert(with_login({ login_encoding = encoding }).connections:get "7")
      assert.equal(wanted[2], listener:requests(2)[1].body)
    end
  end)

  it("logs in with a form unless told otherwise, and says when it may not", function()
    listener:script { match = { path = "/api/authenticate" }, status = 401, json = said("Wrong e-mail or password",
      "401") }
    local record, err = with_login().connections:create(inbound)
    support.is_error({ kind = "unauthorized", outcome = "not_sent", status = 401, operation = "create",
                       has = "no token: Wrong e-mail or password" }, err, record)
    assert.equal("application/x-www-form-urlencoded", listener:requests(1)[1].headers["content-type"])
    assert.equal(1, #listener:requests())
  end)

  describe("takes every channel:", function()
    local account = { Name = "n", UserId = "u", Password = luaprov.secret "pw-1111" }
    local more = {
      ["EMAIL PVD9"] = { Host = "h", Port = 993, From = "f" },
      ["EMAIL PVD7"] = { Host = "h", Port = "465", From = "f", ParentId = "5" },
      ["FCBK PVD12"] = { Token = luaprov.secret "tk-1111" },
      ["INST PVD28"] = { Token = "tk-1111", From = "f", TargetId = "t" },
      ["TWTR PVD10"] = { Token = "tk-1111", From = "f", TargetId = "t" },
      ["WHATP PVD30"] = { Anything = "at all", Password = luaprov.secret "pw-1111" },
    }
    for channel, fields in pairs(more) do
      it(channel, function()
        local media, provider = channel:match "^(%S+) (%S+)$"
        local input = { MediaId = media, ProviderId = provider }
        for _, list in ipairs { media ~= "WHATP" and account or {}, fields } do
          for name, value in pairs(list) do input[name] = value end
        end
        listener:script { status = 200, json = { Id = "7", MediaId = media, Password = "pw-1111", Token = "tk-1111",
                                                 Port = "993" } }
        local record = assert(with_token().connections:create(input))
        assert.equal("7", record.id)
        assert.equal("7", record.Id)
        assert.equal("pw-1111", record.Password:reveal())
        assert.is_nil(support.shown(record):find("1111", 1, true))
        local request = listener:requests(1)[1]
        assert.equal("POST /api/connection", request.method .. " " .. request.path)
        local sent = control.json.decode(request.body)
        for name, value in pairs(input) do
          assert.equal(luaprov.secret.is(value) and value:reveal() or tostring(value), sent[name])
          sent[name] = nil
        end
        assert.is_nil(next(sent))
      end)
    end

    it("and refuses what does not belong to one", function()
      local client = with_token()
      for has, change in pairs {
        ["'EMAIL PVD12' is none of"] = { ProviderId = "PVD12" },
        ["Token is no field of this variant"] = { Token = "t" },
        ["Port is more than 65535"] = { Port = 70000 }, ["Host is required"] = { Host = false },
        ["MediaId must be one of"] = { MediaId = "MAIL" },
      } do
        local input = {}
        for name, value in pairs(inbound) do input[name] = value end
        for name, value in pairs(change) do input[name] = value or nil end
        local record, err = client.connections:create(input)
        support.is_error({ kind = "invalid", outcome = "not_sent", has = has }, err, record)
      end
      assert.equal(0, #listener:requests())
    end)
  end)

  it("changes by PATCH, without what cannot change", function()
    listener:script { status = 200, json = { Id = "7", Name = "m" } }
    local client = with_token()
    assert.equal("m", assert(client.connections:update("7", { Name = "m", Password = luaprov.secret "pw-2222" })).Name)
    local request = listener:requests(1)[1]
    assert.equal("PATCH /api/connection/7", request.method .. " " .. request.path)
    assert.equal('{"Name":"m","Password":"pw-2222"}', request.body)
    for _, name in ipairs { "MediaId", "ProviderId", "SiteId" } do
      local record, err = client.connections:update("7", { [name] = name == "MediaId" and "EMAIL" or "PVD9" })
      support.is_error({ kind = "unsupported", outcome = "not_sent", has = name .. " is fixed" }, err, record)
    end
    assert.equal(1, #listener:requests())
  end)

  it("sends a changed port as text", function()
    listener:script { { status = 200, json = { Id = "7", MediaId = "EMAIL", ProviderId = "PVD9" } },
                      { status = 200, json = { Id = "7" } } }
    assert(with_token().connections:update("7", { Port = 143 }))
    assert.equal('{"Port":"143"}', listener:requests(2)[2].body)
  end)

  it("lists by offset, whether its numbers are numbers or text", function()
    listener:script { { status = 200, json = { limit = "20", offset = "0", count = 2, total = "3",
                                               data = { { Id = "1" }, { Id = "2" } } } },
                      { status = 200, json = { limit = 20, offset = 2, count = 1, total = 3,
                                               data = { { Id = "3" } } } } }
    local records = assert(with_token().connections:list { sinceId = 0 })
    assert.equal(3, #records)
    local requests = listener:requests(2)
    assert.equal("/api/connection?sinceId=0&limit=100&offset=0", requests[1].path)
    assert.equal("/api/connection?sinceId=0&limit=100&offset=2", requests[2].path)
  end)

  it("has no way to delete", function()
    local done, err = with_token().connections:delete "7"
    support.is_error({ kind = "unsupported", outcome = "not_sent", operation = "delete" }, err, done)
  end)
end)
