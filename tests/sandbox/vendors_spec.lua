-- Every error that the four vendors document and a client can bring about: through the client, as a script sees it.
local boxes = require "tests.sandbox.boxes"
local luaprov = require "luaprov"
local support = require "tests.support"

local function client(name, changed, options)
  local all = { name }
  for key, value in pairs(options or {}) do all[key] = value end
  local box = assert(boxes.start(all))
  local given = box:options(name)
  given.attempts = 1
  for key, value in pairs(changed or {}) do given[key] = value end
  return assert(luaprov.client(name, given)), box
end

describe("Hubster in the sandbox", function()
  after_each(boxes.stop)

  local NO_ID = "3bc1e69f-c520-446f-ab2c-01751fd66a31"

  it("says what is missing, in its documented words", function()
    local _, box = client "hubster"
    local answer = boxes.send(box, "POST", "/hubster/api/v1/hubs", { body = { description = "d" } })
    assert.same({ 400, 400, 1 }, { answer.status, answer.json.status, #answer.json.errors })
    assert.same({ code = 301, description = "Property 'name' is required. (code: PRT000301)" }, answer.json.errors[1])
    answer = boxes.send(box, "POST", "/hubster/api/v1/hubs", { body = { name = 1, more = 2, statusId = 1 } })
    local codes = {}
    for i, item in ipairs(answer.json.errors) do codes[i] = item.code end
    assert.same({ 301, 303, 302, 206 }, codes)
    assert.equal(300, boxes.send(box, "POST", "/hubster/api/v1/hubs", { body = "" }).json.errors[1].code)
    assert.equal(102, boxes.send(box, "GET", "/hubster/api/v1/hubs", { token = "other" }).json.errors[1].code)
  end)

  it("refuses a name that is there, in a tenant and in a hub", function()
    local hubster = client "hubster"
    local hub = assert(hubster.hubs:create { name = "h", description = "d" })
    local other = assert(hubster.hubs:create { name = "i", description = "d" })
    local taken = { kind = "conflict", outcome = "refused", status = 400, message = "Hub name exists." }
    local _, twice = hubster.hubs:create { name = "h", description = "x" }
    local _, renamed = hubster.hubs:update(other.id, { name = "h" })
    for _, err in ipairs { twice, renamed } do
      support.is_error(taken, err)
      assert.same({ "PRT000600" }, err.codes)
    end
    local fields = { hubId = hub.id, channelId = "Messenger", name = "m",
                     configuration = { pageAccessToken = "FAKE" } }
    assert(hubster.integrations:create(fields))
    local _, err = hubster.integrations:create(fields)
    taken.message = "Integration name exists."
    support.is_error(taken, err)
    assert.same({ "PRT000700" }, err.codes)
    fields.hubId = other.id
    assert(hubster.integrations:create(fields))
  end)

  it("knows no hub and no integration of that id", function()
    local hubster = client "hubster"
    for code, err in pairs {
      PRT000699 = select(2, hubster.hubs:get(NO_ID)), PRT000799 = select(2, hubster.integrations:get(NO_ID)),
    } do
      support.is_error({ kind = "not_found", outcome = "refused", status = 404 }, err)
      assert.same({ code }, err.codes)
    end
    local _, err = hubster.integrations:create { hubId = NO_ID, channelId = "Messenger", name = "m",
                                                 configuration = { pageAccessToken = "FAKE" } }
    assert.same({ "PRT000699" }, err.codes)
    assert.same({ "PRT000699" }, (select(2, hubster.hubs:update(NO_ID, { name = "x" }))).codes)
    assert.same({ "PRT000799" }, (select(2, hubster.integrations:delete(NO_ID))).codes)
  end)

  it("lets nobody in without a token that it knows", function()
    local hubster = client("hubster", { token = "other" })
    local _, err = hubster.hubs:list()
    support.is_error({ kind = "unauthorized", outcome = "refused", status = 401 }, err)
    assert.same({ "PRT000102" }, err.codes)
  end)

  it("gives a token for its credentials, and says as it documents why not", function()
    local box = assert(boxes.start { "hubster" })
    local options = { base_url = box.base_url.hubster, token_url = box.token_url.hubster,
                      client_id = "sandbox-client-id", client_secret = "sandbox-client-secret" }
    local hubster = assert(luaprov.client("hubster", options))
    assert.equal(0, #assert(hubster.hubs:list()))
    options.client_secret = "other"
    support.is_error({ kind = "unauthorized", outcome = "not_sent", status = 400, has = "invalid_client" },
      select(2, assert(luaprov.client("hubster", options)).hubs:list()))
    local answer = boxes.send(box, "POST", "/hubster/connect/token", { token = false, body = "grant_type=password" })
    assert.same({ 400, "unsupported_grant_type", "string" }, { answer.status, answer.json.error,
      type(answer.json.error_description) })
  end)
end)

describe("MyReports in the sandbox", function()
  after_each(boxes.stop)

  local KAZOO = { tenantId = "t-1", _type = "KazooPbxConnectionProfile", name = "n", hostRest = "https://x.invalid",
                  hostWebsocket = "wss://x.invalid", accountId = "a", apiKey = "FAKE" }

  it("says 401 without a body", function()
    local myreports, box = client("myreports", { token = "other" })
    support.is_error({ kind = "unauthorized", outcome = "refused", status = 401 },
      select(2, myreports.pbxs:list { tenantId = "t-1" }))
    assert.equal("", boxes.send(box, "GET", "/myreports/api/v1.0/customers/t-1/pbxs", { token = false }).body)
  end)

  it("refuses with 402 what costs and is not accepted, and says what was asked", function()
    local myreports, box = client("myreports", { accept_charges = false })
    support.is_error({ kind = "payment_required", outcome = "refused", status = 402 },
      select(2, myreports.pbxs:create(KAZOO)))
    for _, charges in ipairs { "false", "", "True", "1" } do
      local answer = boxes.send(box, "POST", "/myreports/api/v1.0/customers/t-1/pbxs", {
        body = { name = "n", _type = "x" }, headers = { ["accept-charges"] = charges } })
      assert.same({ 402, { name = "n", _type = "x" } }, { answer.status, answer.json }, charges)
    end
    assert.equal(0, #box:records("myreports", "pbxs"))
  end)

  it("says 404 and 400 in its envelope", function()
    local myreports, box = client "myreports"
    support.is_error({ kind = "not_found", outcome = "refused", status = 404, message = "Not Found" },
      select(2, myreports.pbxs:get("p-1", { tenantId = "t-1" })))
    local made = assert(myreports.pbxs:create(KAZOO))
    support.is_error({ kind = "not_found" }, select(2, myreports.pbxs:get(made.id, { tenantId = "t-2" })))
    local answer = boxes.send(box, "POST", "/myreports/api/v1.0/customers/t-1/pbxs", {
      body = { _type = "KazooPbxConnectionProfile" }, headers = { ["accept-charges"] = "true" } })
    assert.same({ 400, 400, "error" }, { answer.status, answer.json.error, answer.json.status })
    assert.truthy(answer.json.message:find("hostRest is required", 1, true))
    assert.truthy(answer.json.timestamp)
  end)

  it("hands out a refresh token for a refresh token, of which each is good", function()
    local box = assert(boxes.start { "myreports" })
    local options = { base_url = box.base_url.myreports, token_url = box.token_url.myreports, client_id =
      "sandbox-client-id", client_secret = "sandbox-client-secret", refresh_token = "sandbox-refresh-token" }
    local myreports = assert(luaprov.client("myreports", options))
    for _ = 1, 3 do
      assert(myreports.pbxs:list { tenantId = "t-1" })
      box:expire_tokens "myreports"
    end
    options.refresh_token = "other"
    support.is_error({ kind = "unauthorized", outcome = "not_sent", has = "invalid_grant" },
      select(2, assert(luaprov.client("myreports", options)).pbxs:list { tenantId = "t-1" }))
  end)
end)

describe("Ocamba in the sandbox", function()
  after_each(boxes.stop)

  it("says 400 with a title, a message and a trace id", function()
    local ocamba, box = client "ocamba"
    local answer = boxes.send(box, "POST", "/ocamba/v1/hood/integrations", { body = { name = "n" } })
    assert.same({ 400, "Bad request." }, { answer.json.code, answer.json.title })
    assert.truthy(answer.json.trace_id:find("^%x+%-%x+%-%x+%-%x+%-%x+$"))
    assert.equal("provider_id is required; settings is required", answer.json.message)
    local _, err = ocamba.integrations:get("9")
    support.is_error({ kind = "not_found", outcome = "refused", status = 404 }, err)
    assert.truthy(err.trace_id)
  end)

  it("answers with nothing where it documents nothing, and knows its providers", function()
    local ocamba, box = client "ocamba"
    local made = assert(ocamba.integrations:create(boxes.mitto "n"))
    local path = "/ocamba/v1/hood/integrations/" .. made.id
    local changed = boxes.send(box, "PATCH", path, { body = { name = "m" } })
    assert.same({ 204, "" }, { changed.status, changed.body })
    local gone = boxes.send(box, "DELETE", path)
    assert.same({ 204, "" }, { gone.status, gone.body })
    assert.equal(6, #assert(ocamba.providers:list()))
  end)
end)

describe("OneBox in the sandbox", function()
  after_each(boxes.stop)

  local function login(box) return { base_url = box.base_url.onebox, email = "sandbox-email",
    password = "sandbox-password", site_id = "sandbox-site-id" } end

  it("gives a token, in each encoding, and takes a new one for an expired one", function()
    local box = assert(boxes.start { "onebox" })
    for _, encoding in ipairs { "form", "json", "query" } do
      local options = login(box)
      options.login_encoding = encoding
      local onebox = assert(luaprov.client("onebox", options))
      assert(onebox.connections:list())
      box:expire_tokens "onebox"
      assert(onebox.connections:list())
    end
  end)

  it("says that a token has expired, in its envelope", function()
    local box = assert(boxes.start { "onebox" })
    local token = boxes.send(box, "POST", "/onebox/api/authenticate", { token = false,
      body = "email=sandbox-email&password=sandbox-password&siteId=sandbox-site-id" }).json.token
    box:expire_tokens "onebox"
    local answer = boxes.send(box, "GET", "/onebox/api/connection", { token = token })
    assert.same({ 401, 401, "Expired token", "ERROR" }, { answer.status, answer.json.records.errorCode,
      answer.json.records.userMessage, answer.json._meta.status })
    local onebox = assert(luaprov.client("onebox", { base_url = box.base_url.onebox, token = token }))
    support.is_error({ kind = "unauthorized", outcome = "refused", status = 401, has = "Expired token" },
      select(2, onebox.connections:list()))
  end)

  it("says no to other credentials in the same envelope, and to what no channel has", function()
    local box = assert(boxes.start { "onebox" })
    local options = login(box)
    options.password = "other"
    support.is_error({ kind = "unauthorized", outcome = "not_sent", status = 401 },
      select(2, assert(luaprov.client("onebox", options)).connections:list()))
    local answer = boxes.send(box, "POST", "/onebox/api/connection", {
      body = { MediaId = "FCBK", ProviderId = "PVD9", Name = "n", UserId = "u", Password = "FAKE" } })
    assert.same({ 400, "ProviderId does not go with MediaId" }, { answer.status, answer.json.records.userMessage })
  end)
end)
