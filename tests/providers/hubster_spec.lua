local control = require "tests.contract.control"
local http = require "luaprov.http"
local luaprov = require "luaprov"
local support = require "tests.support"

describe("Hubster", function()
  local listener

  setup(function() listener = control.start() end)
  teardown(function() listener:stop() end)
  before_each(function() listener:reset() end)

  local function connect(more)
    local options = { token = "tok-0000", attempts = 1, base_url = listener.url }
    for name, value in pairs(more or {}) do options[name] = value end
    return assert(luaprov.client("hubster", options))
  end

  local function by_secret()
    return assert(luaprov.client("hubster", { client_id = "hubster.portal.api.0000", base_url = listener.url,
      attempts = 1, client_secret = luaprov.secret "cs-0000", identity_url = listener.url .. "/identity" }))
  end

  local function failed(status, ...)
    local errors = {}
    for i, code in ipairs { ... } do
      errors[i] = { code = code, description = ("Message %d. (code: PRT%06d)"):format(code, code) }
    end
    return { status = status, json = { status = status, errors = errors } }
  end

  local function integration(channel, configuration, more)
    local answer = { integrationId = "i-1", hubId = "h-1", integrationTypeId = "Customer", channelId = channel,
                     name = "n",
                     statusId = 3000, configuration = configuration }
    for name, value in pairs(more or {}) do answer[name] = value end
    return { status = 200, json = answer }
  end

  local function sent(count)
    local list = {}
    for i, request in ipairs(listener:requests(count)) do list[i] = request.method .. " " .. request.path end
    return list
  end

  local twilio = { authToken = luaprov.secret "at-0000", accountSid = "AC0000", numberSid = "PN0000" }

  describe("errors:", function()
    it("the names that must be unique are conflicts", function()
      local client = connect()
      for _, code in ipairs { 600, 700, 701 } do
        listener:script(failed(400, code))
        local record, err = client.hubs:create { name = "n", description = "d" }
        support.is_error({ kind = "conflict", outcome = "refused", status = 400, message = "Message " .. code .. "." },
          err, record)
        assert.same({ ("PRT%06d"):format(code) }, err.codes)
      end
    end)

    it("keep the vendor's code in their details, though a secret field has its name", function()
      listener:script(failed(400, 600))
      local _, err = connect().hubs:create { name = "n", description = "d" }
      assert.equal(600, err.details.errors[1].code)
    end)

    it("read as the documentation's example", function()
      listener:script { status = 400, json = { status = 400,
        errors = { { code = 600, description = "Hub name exists. (code: PRT000600)" } } } }
      local _, err = connect().hubs:create { name = "n", description = "d" }
      assert.equal("hubster hubs create: conflict: Hub name exists. (400, PRT000600)", tostring(err))
    end)

    it("several codes in one answer all reach the codes and the message", function()
      listener:script(failed(400, 301, 302, 305))
      local record, err = connect().hubs:create { name = "n", description = "d" }
      support.is_error({ kind = "invalid", outcome = "refused", message = "Message 301.; Message 302.; Message 305.",
                         has = { "PRT000301", "PRT000302", "PRT000305" } }, err, record)
      assert.same({ "PRT000301", "PRT000302", "PRT000305" }, err.codes)
    end)

    it("a conflict among several codes is a conflict", function()
      listener:script(failed(400, 301, 700))
      assert.equal("conflict", select(2, connect().hubs:create { name = "n", description = "d" }).kind)
    end)

    it("have the kind and outcome of their status", function()
      local client = connect()
      for _, case in ipairs {
        { 404, 699, "not_found", "refused" }, { 404, 799, "not_found", "refused" },
        { 403, 101, "forbidden", "refused" },
        { 401, 102, "unauthorized", "refused" }, { 408, 108, "timeout", "unknown" },
        { 409, 106, "conflict", "refused" },
        { 410, 104, "not_found", "refused" }, { 417, 109, "rejected", "refused" },
        { 500, 100, "unavailable", "unknown" },
        { 501, 103, "unsupported", "unknown" },
      } do
        listener:script(failed(case[1], case[2]))
        local record, err = client.hubs:get "h-1"
        support.is_error({ status = case[1], kind = case[3], outcome = case[4] }, err, record)
        assert.same({ ("PRT%06d"):format(case[2]) }, err.codes)
      end
    end)
  end)

  describe("reads", function()
    it("PascalCase and numeric enums in the documented spelling", function()
      for channel, case in pairs {
        TwilioSMS = { 102, { AuthToken = "at-0000", AccountSid = "AC0000", NumberSid = "PN0000", PhoneNumber = "+1" },
                      { accountSid = "AC0000", numberSid = "PN0000", phoneNumber = "+1" } },
        Messenger = { 101, { PageAccessToken = "at-0000", AppId = "a", PageId = "p" }, { appId = "a", pageId = "p" } },
        WebChat = { 106, { AllowedOrigins = { "https://a.invalid" }, Echo = false, Start = { "hi" } },
                    { allowedOrigins = { "https://a.invalid" }, echo = false, start = { "hi" } } },
        Direct = { 1, { IntegrationType = 3, WebhookUrl = "w", PrivateSigningKey = "at-0000", PublicSigningKey = "k" },
                   { integrationType = "Agent", webhookUrl = "w", publicSigningKey = "k" } },
        System = { 3, { WebhookUrl = "w", Events = { "message" } }, { webhookUrl = "w", events = { "message" } } },
        Slack = { 1001, { Code = "at-0000", BotAccessToken = "at-0000", TeamId = "t" }, { teamId = "t" } },
      } do
        listener:script(integration(case[1], case[2], { integrationTypeId = 2 }))
        local record = assert(connect().integrations:get "i-1")
        assert.equal("i-1", record.id)
        assert.equal(channel, record.channelId)
        assert.equal("Customer", record.integrationTypeId)
        for name, value in pairs(case[3]) do assert.same(value, record.configuration[name], channel .. "." .. name) end
        for name in pairs(case[2]) do assert.is_nil(record.configuration[name]) end
        assert.is_nil(support.shown(record):find("at-0000", 1, true))
      end
    end)

    it("the documented spelling as it is", function()
      listener:script(integration("TwilioSMS", { authToken = "at-0000", accountSid = "AC0000",
                                                 capabilities = { mms = true, sms = true, voice = false } }))
      local record = assert(connect().integrations:get "i-1")
      assert.equal("TwilioSMS", record.channelId)
      assert.equal("at-0000", record.configuration.authToken:reveal())
      assert.same({ mms = true, sms = true, voice = false }, record.configuration.capabilities)
    end)
  end)

  it("creates an integration below its hub", function()
    listener:script(integration("TwilioSMS", {}))
    local record = assert(connect().integrations:create { hubId = "h/1", channelId = "TwilioSMS", name = "n",
                                                          configuration = twilio })
    assert.equal("i-1", record.id)
    local request = listener:requests(1)[1]
    assert.equal("POST /api/v1/integrations/hubs/h%2F1", request.method .. " " .. request.path)
    assert.equal('{"channelId":"TwilioSMS","configuration":{"accountSid":"AC0000","authToken":"at-0000",'
      .. '"numberSid":"PN0000"},"name":"n"}', request.body)
  end)

  it("names every fault of a configuration", function()
    local record, err = connect().integrations:create { channelId = "TwilioSMS", name = "n",
                                                        configuration = { accontSid = "x" } }
    support.is_error({ kind = "invalid", outcome = "not_sent", has = {
      "hubId is required", "configuration.authToken is required", "configuration.accountSid is required",
      "configuration.accontSid is unknown (did you mean 'accountSid'?)" } }, err, record)
    record, err = connect().integrations:create { hubId = "h", channelId = "System", name = "n",
                                                  configuration = { webhookUrl = "w",
                                                                    events = { "message", "massage" } } }
    support.is_error({ kind = "invalid", has = "configuration.events[2] must be one of" }, err, record)
    record, err = connect().hubs:create { name = "n", description = "d", statusId = "Activ" }
    support.is_error({ kind = "invalid",
                       has = "statusId must be one of 2000 (Active), 2001 (Canceled), 2002 (Paused)" },
      err, record)
    assert.equal(0, #listener:requests())
  end)

  it("reads nested PascalCase, and numbers that came as text", function()
    listener:script(integration(102, { AuthToken = "at-0000", AccountSid = "AC0000", NumberSid = "PN0000",
      PhoneNumber = "+10000000000", Capabilities = { Mms = true, Sms = true, Voice = false } }, { statusId = "3000" }))
    local record = assert(connect().integrations:get "i-1")
    assert.same({ mms = true, sms = true, voice = false }, record.configuration.capabilities)
    assert.equal(3000, record.statusId)
    assert.equal("at-0000", record.configuration.authToken:reveal())
  end)

  describe("changes a configuration", function()
    it("of TwilioSMS, Messenger and Slack never: unsupported, before it is sent", function()
      for channel, changes in pairs {
        TwilioSMS = { { authToken = "at-1111" }, twilio, {} },
        Messenger = { { pageAccessToken = "at-1111" }, {} },
        Slack = { { code = "c", nonce = "n" }, { code = "c" }, {} },
      } do
        for _, configuration in ipairs(changes) do
          listener:reset()
          listener:script(integration(channel, {}))
          local record, err = connect().integrations:update("i-1", { name = "m", configuration = configuration })
          support.is_error({ kind = "unsupported", outcome = "not_sent", operation = "update", has = "is fixed" }, err,
            record)
          assert.same({ "GET /api/v1/integrations/i-1" }, sent(1))
        end
      end
    end)

    it("of these neither when the vendor names the channel by number", function()
      listener:script(integration(102, {}))
      local record, err = connect().integrations:update("i-1", { configuration = { authToken = "at-1111" } })
      support.is_error({ kind = "unsupported", outcome = "not_sent" }, err, record)
    end)

    it("of the others whole", function()
      for channel, configuration in pairs {
        WebChat = { allowedOrigins = { "https://a.invalid" } },
        Direct = { integrationType = "Bot", regenerateKeys = true },
        System = { webhookUrl = "https://a.invalid", events = { "message:agent" } },
      } do
        listener:reset()
        listener:script { integration(channel, {}), integration(channel, configuration) }
        assert(connect().integrations:update("i-1", { configuration = configuration }))
        assert.same({ configuration = configuration }, control.json.decode(listener:requests(2)[2].body))
      end
    end)

    it("of the others not in parts, because the vendor replaces it whole", function()
      listener:script(integration("System", { webhookUrl = "w", events = { "message" } }))
      local record, err = connect().integrations:update("i-1", { configuration = { webhookUrl = "x" } })
      support.is_error({ kind = "invalid", outcome = "not_sent", has = "configuration.events is required" }, err,
        record)
      assert.equal(1, #listener:requests(1))
    end)
  end)

  it("changes the rest of an integration without asking, by the documented path unless told otherwise", function()
    for how, path in pairs { post = "POST /api/v1/integrations/hubs/i-1", put = "PUT /api/v1/integrations/i-1" } do
      listener:reset()
      listener:script { integration("TwilioSMS", {}), integration("TwilioSMS", {}) }
      assert(connect({ integration_update = how }).integrations:update("i-1", { name = "m", statusId = 3002 }))
      if how == "post" then assert(connect().integrations:update("i-1", { name = "m" })) end
      local list = sent(1)
      assert.equal(path, list[1])
      assert.equal(path, list[how == "post" and 2 or 1])
      assert.equal('{"name":"m","statusId":3002}', listener:requests()[1].body)
    end
    local client, err = luaprov.client("hubster", { token = "t", integration_update = "patch" })
    support.is_error({ kind = "invalid", has = "integration_update must be one of" }, err, client)
  end)

  it("cannot move an integration or change its channel", function()
    local record, err = connect().integrations:update("i-1", { hubId = "h-2", channelId = "Slack" })
    support.is_error({ kind = "unsupported", outcome = "not_sent", has = { "hubId is fixed", "channelId is fixed" } },
      err, record)
    assert.equal(0, #listener:requests())
  end)

  it("keeps hubs", function()
    local hub = { hubId = "h-1", tenantId = "t", name = "n", description = "d", statusId = 2000 }
    local client = connect()
    listener:script { { status = 200, json = hub }, { status = 200, json = hub }, { status = 200, json = hub },
                      { status = 200 },
                      { status = 200, json = { pageNumber = 0, pageSize = 100, total = 1, results = { hub } } } }
    assert.equal("h-1", assert(client.hubs:create { name = "n", description = "d", closeDormantConversation = 5 }).id)
    assert.equal("h-1", assert(client.hubs:get "h-1").id)
    assert(client.hubs:update("h-1", { description = "e" }))
    assert.is_true(client.hubs:delete "h-1")
    assert.equal("h-1", assert(client.hubs:list())[1].id)
    assert.same({ "POST /api/v1/hubs", "GET /api/v1/hubs/h-1", "PUT /api/v1/hubs/h-1", "DELETE /api/v1/hubs/h-1",
                  "GET /api/v1/hubs?pageNumber=0&pageSize=100" }, sent(5))
    assert.equal('{"closeDormantConversation":5,"description":"d","name":"n"}', listener:requests()[1].body)
    assert.equal('{"description":"e"}', listener:requests()[3].body)
  end)

  it("lists the integrations of a hub, and removes one", function()
    listener:script { { status = 200, json = { total = 1, results = { { integrationId = "i-1", channelId = 102 } } } },
                      { status = 200 } }
    assert.equal("TwilioSMS", assert(connect().integrations:list { hubId = "h-1" })[1].channelId)
    assert.is_true(connect().integrations:delete "i-1")
    assert.same({ "GET /api/v1/integrations?hubId=h-1&pageNumber=0&pageSize=100", "DELETE /api/v1/integrations/i-1" },
      sent(2))
  end)

  describe("a token", function()
    local function token(value)
      return { match = { path = "/identity/connect/token" }, status = 200,
               json = { access_token = value, expires_in = 2592000, token_type = "Bearer",
                        scope = "hubster-portal-api" } }
    end

    it("is asked for with a form", function()
      listener:script { token "tok-1", { status = 200, json = { hubId = "h-1" } } }
      assert(by_secret().hubs:get "h-1")
      local requests = listener:requests(2)
      assert.equal("client_id=hubster.portal.api.0000&client_secret=cs-0000&grant_type=client_credentials",
        requests[1].body)
      assert.equal("application/x-www-form-urlencoded", requests[1].headers["content-type"])
      assert.equal("Bearer tok-1", requests[2].headers.authorization)
    end)

    it("that expires in mid-run is renewed once, the calls are repeated, and all callers share it", function()
      local list = {}
      listener:script { token "tok-1", token "tok-2" }
      for i = 1, 5 do
        list[i] = "h-" .. i
        local path = "/api/v1/hubs/" .. list[i]
        listener:script { { match = { path = path }, status = 401, json = {}, hold = true },
                          { match = { path = path }, status = 200, json = { hubId = list[i] } } }
      end
      local client = by_secret()
      list[6] = "release"
      local records, errors = luaprov.map(list, function(id)
        if id ~= "release" then return client.hubs:get(id) end
        local deadline = http.now() + 20
        assert(http.exchange { method = "GET", url = listener.url .. "/-/requests?wait=6", deadline = deadline })
        assert(http.exchange { method = "POST", url = listener.url .. "/-/release", body = "", deadline = deadline })
      end)
      assert.is_nil(next(errors))
      for i = 1, 5 do assert.equal("h-" .. i, records[i].id) end
      assert.equal(12, #listener:requests(12))
    end)

    it("that is refused says why, and nothing was sent", function()
      listener:script { status = 400, json = { error = "invalid_client", error_description = "No such client." } }
      local record, err = by_secret().hubs:create { name = "n", description = "d" }
      support.is_error({ kind = "unauthorized", outcome = "not_sent", status = 400,
                         has = "no token: No such client." }, err, record)
      assert.equal(1, #listener:requests(1))
    end)
  end)
end)
