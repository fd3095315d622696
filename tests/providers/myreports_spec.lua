local control = require "tests.contract.control"
local luaprov = require "luaprov"
local support = require "tests.support"

describe("MyReports", function()
  local listener

  setup(function() listener = control.start() end)
  teardown(function() listener:stop() end)
  before_each(function() listener:reset() end)

  local function connect(more)
    local options = { token = "tok-0000", attempts = 1, base_url = listener.url .. "/api/v1.0" }
    for name, value in pairs(more or {}) do options[name] = value end
    return assert(luaprov.client("myreports", options))
  end

  local function requests(count)
    local list = listener:requests(count)
    for i, request in ipairs(list) do list[i].line = request.method .. " " .. request.path end
    return list
  end

  local kazoo = { tenantId = "c-1", _type = "KazooPbxConnectionProfile", name = "n",
                  hostRest = "https://kazoo.invalid:8443/v2",
                  hostWebsocket = "wss://kazoo.invalid", accountId = "a", apiKey = luaprov.secret "ak-0000" }
  local three_cx = { tenantId = "c-1", _type = "ThreeCxConnectionProfile", name = "n",
                     licenseKey = luaprov.secret "lk-0000",
                     username = "u", password = luaprov.secret "pw-0000" }

  local function created(data, location)
    return { status = 201, json = { data = data, status = "success", timestamp = "2019-11-29T16:03:23.9251680Z" },
             headers = { Location = location } }
  end

  describe("creates", function()
    it("and takes the id from Location when the body has none", function()
      listener:script(created({ name = "n", _type = "ThreeCxConnectionProfile" },
        "https://api.na.myreports.cloud/api/v1.0/customers/c-1/pbxs/p-1"))
      local record = assert(connect().pbxs:create(three_cx))
      assert.equal("p-1", record.id)
      assert.equal("c-1", record.tenantId)
    end)

    it("and takes the id of the body when it has one", function()
      listener:script(created({ id = "p-2", name = "n", tenantId = "c-1", enabled = false, countryCode = "US",
                                apiKey = "ak-0000" },
        "/customers/c-1/pbxs/p-2"))
      local record = assert(connect().pbxs:create(kazoo))
      assert.equal("p-2", record.id)
      assert.is_false(record.enabled)
      assert.equal("ak-0000", record.apiKey:reveal())
      local request = requests(1)[1]
      assert.equal("POST /api/v1.0/customers/c-1/pbxs", request.line)
      assert.equal('{"_type":"KazooPbxConnectionProfile","accountId":"a","apiKey":"ak-0000",'
        .. '"hostRest":"https://kazoo.invalid:8443/v2","hostWebsocket":"wss://kazoo.invalid","name":"n"}', request.body)
    end)

    it("and does not know the id when neither has it", function()
      for _, location in ipairs { "", "/customers/c-1", "/elsewhere/p-1" } do
        listener:script(created({ name = "n" }, location))
        local record, err = connect().pbxs:create(three_cx)
        support.is_error({ kind = "protocol", outcome = "unknown", status = 201, has = "the answer has no id" }, err,
          record)
      end
    end)

    it("a recording archive with a string", function()
      local input = { enableRecordingArchive = true, recordingArchiveFrequency = "01:00:00" }
      for name, value in pairs(three_cx) do input[name] = value end
      listener:script(created({ id = "p-1" }, "/x"))
      assert(connect().pbxs:create(input))
      assert.equal("true", control.json.decode(requests(1)[1].body).enableRecordingArchive)
    end)

    it("nothing that is wrong", function()
      local input = {}
      for name, value in pairs(kazoo) do input[name] = value end
      input.tenantId, input.hostRest, input.hostWebsocket, input.licenseKey = nil, "http://x", "ws://x", "l"
      local record, err = connect().pbxs:create(input)
      support.is_error({ kind = "invalid", outcome = "not_sent", has = {
        "tenantId is required", "hostRest must be an https URI", "hostWebsocket must be a wss URI",
        "licenseKey is no field of this variant" } }, err, record)
      assert.equal(0, #listener:requests())
    end)
  end)

  describe("charges:", function()
    local function all_operations(client)
      listener:script {
        created({ id = "p-1" }, "/x"), { status = 200, json = { data = { id = "p-1" } } },
        { status = 200, json = { status = "success" } }, { status = 200, json = { data = { id = "p-1" } } },
        { status = 200, json = { data = { { id = "p-1" } } } }, { status = 200, json = { status = "success" } },
      }
      assert(client.pbxs:create(kazoo))
      assert(client.pbxs:get("p-1", { tenantId = "c-1" }))
      assert(client.pbxs:update("p-1", { tenantId = "c-1", name = "m" }))
      assert(client.pbxs:list { tenantId = "c-1" })
      assert(client.pbxs:delete("p-1", { tenantId = "c-1" }))
      local accepted = {}
      for i, request in ipairs(requests(6)) do
        accepted[i] = request.method .. " " .. tostring(request.headers["accept-charges"])
      end
      return accepted
    end

    it("accept-charges goes with the calls that may cost, and no other", function()
      assert.same({ "POST true", "GET nil", "PATCH true", "GET nil", "GET nil", "DELETE nil" },
        all_operations(connect()))
    end)

    it("accept-charges can be switched off", function()
      assert.same({ "POST nil", "GET nil", "PATCH nil", "GET nil", "GET nil", "DELETE nil" },
        all_operations(connect { accept_charges = false }))
    end)

    it("402 is payment_required, refused, and its echo shows no secret", function()
      for _, input in ipairs { kazoo, three_cx } do
        local echo = {}
        for name, value in pairs(input) do echo[name] = luaprov.secret.is(value) and value:reveal() or value end
        listener:script { { status = 402, json = echo },
                          { status = 402, text = (control.json.encode(echo):sub(1, -20)) } }
        for _ = 1, 2 do
          local record, err = connect({ accept_charges = false }).pbxs:create(input)
          support.is_error({ kind = "payment_required", outcome = "refused", status = 402 }, err, record)
          assert.is_nil(support.shown(err):find("%l%l%-0000"))
        end
      end
    end)

    it("402 of a change echoes a JSON Patch, which shows no secret either", function()
      listener:script { { status = 200, json = { data = { id = "p-1", _type = "KazooPbxConnectionProfile" } } },
                        { status = 402, json = { { op = "replace", path = "/apiKey", value = "ak-1111" } } } }
      local record, err = connect().pbxs:update("p-1", { tenantId = "c-1", apiKey = luaprov.secret "ak-1111" })
      support.is_error({ kind = "payment_required", outcome = "refused" }, err, record)
      assert.is_nil(support.shown(err):find("ak-1111", 1, true))
    end)
  end)

  it("a bare 401 is unauthorized", function()
    listener:script { status = 401 }
    local record, err = connect().pbxs:get("p-1", { tenantId = "c-1" })
    support.is_error({ kind = "unauthorized", outcome = "refused", status = 401, has = "no body" }, err, record)
  end)

  it("says what is wrong", function()
    listener:script { { status = 400, json = { error = 400, message = "The value 'c-1' is not valid.",
                                               status = "error" } },
                      { status = 404, json = { error = 404, message = "Not Found", status = "error" } } }
    for _, wanted in ipairs { { kind = "invalid", message = "The value 'c-1' is not valid.", status = 400 },
                              { kind = "not_found", message = "Not Found", status = 404 } } do
      wanted.outcome = "refused"
      local record, err = connect().pbxs:get("p-1", { tenantId = "c-1" })
      support.is_error(wanted, err, record)
    end
  end)

  it("changes by a JSON Patch made of a plain table, and reads back", function()
    listener:script { { status = 200, json = { status = "success" } },
                      { status = 200, json = { data = { id = "p-1", name = "m", enabled = true } } } }
    local record = assert(connect().pbxs:update("p-1", { tenantId = "c-1", name = "m", enabled = true }))
    assert.equal("m", record.name)
    local list = requests(2)
    assert.equal("PATCH /api/v1.0/customers/c-1/pbxs/p-1", list[1].line)
    assert.equal("application/json", list[1].headers["content-type"])
    assert.equal('[{"op":"replace","path":"/enabled","value":"true"},{"op":"replace","path":"/name","value":"m"}]',
      list[1].body)
    assert.equal("GET /api/v1.0/customers/c-1/pbxs/p-1", list[2].line)
  end)

  it("lists the profiles of a customer", function()
    listener:script { status = 200, json = { page_size = 2, data = { { id = "p-1", name = "a" },
                                                                     { id = "p-2", name = "b" } } } }
    local records = assert(connect().pbxs:list { tenantId = "c-1" })
    assert.equal(2, #records)
    assert.equal("c-1", records[2].tenantId)
    local none, err = connect().pbxs:list()
    support.is_error({ kind = "invalid", outcome = "not_sent", has = "tenantId is required" }, err, none)
  end)

  it("has the path of an enterprise portal as a setting", function()
    listener:script { status = 200, json = { data = { id = "p-1" } } }
    assert(connect({ account = "a/1" }).pbxs:get("p-1", { tenantId = "c-1" }))
    assert.equal("GET /api/v1.0/accounts/a%2F1/customers/c-1/pbxs/p-1", requests(1)[1].line)
  end)

  it("has a region for its address", function()
    local client = assert(luaprov.client("myreports", { token = "t", region = "uk" }))
    assert.equal("luaprov client of myreports at https://api.uk.myreports.cloud/api/v1.0", tostring(client))
    local none, err = luaprov.client("myreports", { token = "t" })
    support.is_error({ kind = "invalid", has = "region is required (or LUAPROV_MYREPORTS_REGION), or base_url" }, err,
      none)
    none, err = luaprov.client("myreports", { token = "t", region = "us" })
    support.is_error({ kind = "invalid", has = "region must be one of" }, err, none)
  end)

  it("renews a token with a refresh token, which may be replaced", function()
    local function token(value, refresh)
      return { match = { path = "/login/connect/token" }, status = 200,
               json = { access_token = value, refresh_token = refresh, expires_in = 3600 } }
    end
    local path = "/api/v1.0/customers/c-1/pbxs/p-1"
    listener:script { token("tok-1", "ref-2"), { match = { path = path }, status = 401 }, token "tok-2",
                      { match = { path = path }, status = 200, json = { data = { id = "p-1" } } } }
    local client = assert(luaprov.client("myreports", {
      refresh_token = luaprov.secret "ref-1", client_id = "me", client_secret = "cs-0000",
      attempts = 1, base_url = listener.url .. "/api/v1.0", identity_url = listener.url .. "/login",
    }))
    assert(client.pbxs:get("p-1", { tenantId = "c-1" }))
    local list = requests(4)
    assert.equal("client_id=me&client_secret=cs-0000&grant_type=refresh_token&refresh_token=ref-1", list[1].body)
    assert.equal("Bearer tok-1", list[2].headers.authorization)
    assert.equal("client_id=me&client_secret=cs-0000&grant_type=refresh_token&refresh_token=ref-2", list[3].body)
    assert.equal("Bearer tok-2", list[4].headers.authorization)
  end)
end)
