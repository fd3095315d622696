local control = require "tests.contract.control"
local luaprov = require "luaprov"
local support = require "tests.support"

describe("Ocamba", function()
  local listener, client

  setup(function()
    listener = control.start()
    client = assert(luaprov.client("ocamba", { token = luaprov.secret "tok-0000", attempts = 1, base_url = listener.url
                                               .. "/v1/hood" }))
  end)
  teardown(function() listener:stop() end)
  before_each(function() listener:reset() end)

  local twilio = { name = "n", provider_id = "1000", settings = {
    account_sid = "AC00000000000000000000000000000000", auth_token = "at-0000", default_phone_number = "+15550100" } }

  local function sent(count)
    local list = {}
    for i, request in ipairs(listener:requests(count)) do list[i] = request.method .. " " .. request.path end
    return list
  end

  it("changes with 204 and no body, and the record is read back", function()
    listener:script { { status = 204 }, { status = 200, json = { id = "1165", name = "m", provider_id = "1000" } } }
    local record, err = client.integrations:update("1165", { name = "m" })
    assert.is_nil(err)
    assert.equal("m", record.name)
    assert.equal("1000", record.provider_id)
    assert.same({ "PATCH /v1/hood/integrations/1165", "GET /v1/hood/integrations/1165" }, sent(2))
    assert.equal('{"name":"m"}', listener:requests()[1].body)
  end)

  it("has changed, even if the record cannot be read back", function()
    listener:script { { status = 204 }, { status = 500, json = { code = 500, title = "Internal server error.",
                                                                 trace_id = "t-1" } } }
    local record, err = client.integrations:update("1165", { name = "m" })
    assert.same({ id = "1165", name = "m" }, record)
    support.is_error({ kind = "unavailable", operation = "get", trace_id = "t-1", message = "Internal server error." },
      err)
  end)

  it("reads a bare record, and a list of one", function()
    for _, body in ipairs { { id = "1165", name = "n" }, { items = { { id = "1165", name = "n" } } } } do
      listener:script { status = 200, json = body }
      local record = assert(client.integrations:get "1165")
      assert.equal("1165", record.id)
      assert.equal("n", record.name)
    end
    listener:script { status = 200, json = { items = control.array {} } }
    local record, err = client.integrations:get "1165"
    support.is_error({ kind = "protocol", status = 200 }, err, record)
  end)

  describe("takes every provider:", function()
    local sender = { api_key = luaprov.secret "md-0000", default_sender_name = "n", default_sender_email = "e",
                     default_reply_to_email = "r" }
    local settings = {
      ["1000"] = twilio.settings, ["1002"] = sender, ["1003"] = sender,
      ["1001"] = { default_sender_email = "e", default_sender_name = "n", sending_domain = "d", port = 587,
                   username = "u",
                   password = luaprov.secret "md-0000" },
      ["1004"] = { api_key = "md-0000", sender_name = "s" },
      ["1005"] = { api_key = "md-0000", domain = "d", sender_email = "e", sender_name = "n" },
    }
    for id, fields in pairs(settings) do
      it(id, function()
        listener:script { status = 201, json = { id = "1165", provider_id = id,
                                                 settings = { api_key = "md-0000", password = "md-0000" } } }
        local record = assert(client.integrations:create { name = "n", provider_id = id, settings = fields,
                                                           status = "active" })
        assert.equal("1165", record.id)
        assert.is_nil(support.shown(record):find("md-0000", 1, true))
        local body = control.json.decode(listener:requests(1)[1].body)
        assert.equal(id, body.provider_id)
        assert.equal("active", body.status)
        for name, value in pairs(fields) do
          assert.equal(luaprov.secret.is(value) and value:reveal() or tostring(value), body.settings[name])
        end
      end)
    end

    it("and refuses settings of another, which the vendor would drop in silence", function()
      local record, err = client.integrations:create { name = "n", provider_id = "1004", settings = twilio.settings }
      support.is_error({ kind = "invalid", outcome = "not_sent", has = {
        "settings.account_sid is no field of this variant", "settings.api_key is required" } }, err, record)
      assert.equal(0, #listener:requests())
      listener:script { status = 200, json = { id = "1165", provider_id = "1004" } }
      record, err = client.integrations:update("1165", { settings = { auth_token = "at-0000" } })
      support.is_error({ kind = "invalid", outcome = "not_sent",
                         has = "settings.auth_token is no field of this variant" },
        err, record)
      assert.same({ "GET /v1/hood/integrations/1165" }, sent(1))
    end)
  end)

  it("changes settings of the provider that the record has", function()
    listener:script { { status = 200, json = { id = "1165", provider_id = "1000" } }, { status = 204 },
                      { status = 200, json = { id = "1165", provider_id = "1000" } } }
    assert(client.integrations:update("1165", { settings = { auth_token = luaprov.secret "at-1111" } }))
    assert.equal('{"settings":{"auth_token":"at-1111"}}', listener:requests(3)[2].body)
  end)

  it("cannot change the provider", function()
    local record, err = client.integrations:update("1165", { provider_id = "1001" })
    support.is_error({ kind = "unsupported", outcome = "not_sent", has = "provider_id is fixed" }, err, record)
  end)

  it("limits a name to 1 to 100 characters", function()
    for has, name in pairs { ["name is empty"] = "", ["name is longer than 100 characters"] = ("ä"):rep(101) } do
      local record, err = client.integrations:update("1165", { name = name })
      support.is_error({ kind = "invalid", has = has }, err, record)
    end
    listener:script { { status = 204 }, { status = 200, json = { id = "1165" } } }
    assert(client.integrations:update("1165", { name = ("ä"):rep(100) }))
  end)

  it("removes with 204", function()
    listener:script { status = 204 }
    assert.is_true(client.integrations:delete "1165")
    assert.same({ "DELETE /v1/hood/integrations/1165" }, sent(1))
  end)

  it("lists by page from 1", function()
    listener:script { { status = 200, json = { total = 2, items = { { id = "1" } } } },
                      { status = 200, json = { total = 2, items = { { id = "2" } } } } }
    assert.equal(2, #assert(client.integrations:list { type = "in:email,sms", sort = "-id" }))
    assert.same({ "GET /v1/hood/integrations?sort=-id&type=in%3Aemail%2Csms&page=1,100",
                  "GET /v1/hood/integrations?sort=-id&type=in%3Aemail%2Csms&page=2,100" }, sent(2))
  end)

  it("lists providers, whatever the envelope", function()
    local provider = { id = "1000", type = "sms", name = "twilio",
                       settings = { { name = "auth_token", required = true } } }
    for _, body in ipairs { { provider }, { items = { provider } } } do
      listener:script { status = 200, json = body }
      local providers = assert(client.providers:list())
      assert.equal(1, #providers)
      assert.equal("auth_token", providers[1].settings[1].name)
    end
    local _, err = client.providers:create {}
    support.is_error({ kind = "unsupported", resource = "providers" }, err)
  end)

  it("says what is wrong, with the trace id", function()
    listener:script {
      { status = 400, json = { code = 400, title = "Bad request.", message = "The request is not valid.",
                               trace_id = "t-1" } },
      { status = 500, json = { code = 500, title = "Internal server error.", trace_id = "t-2" } },
      { status = 429, headers = { ["Retry-After"] = "-1" } }, { status = 429, headers = { ["Retry-After"] = "7" } },
    }
    for _, wanted in ipairs {
      { kind = "invalid", outcome = "refused", message = "The request is not valid.", trace_id = "t-1" },
      { kind = "unavailable", outcome = "unknown", has = "Internal server error.; ", trace_id = "t-2" },
      { kind = "rate_limited", outcome = "refused", retry_after = -1 },
      { kind = "rate_limited", outcome = "refused", retry_after = 7 }, -- the last: the next call would wait for it
    } do
      local record, err = client.integrations:create(twilio)
      support.is_error(wanted, err, record)
      assert.is_nil(support.shown(err):find("at-0000", 1, true))
    end
  end)
end)
