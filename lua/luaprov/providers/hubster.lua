-- Hubster Portal. The names are those of its API reference: Portal, Hubs and Integrations.

local created = { text "created"  { computed = true, example = "{now}" },
                  text "modified" { computed = true, example = "{changed}" } }
local signing = { text   "publicSigningKey"  { computed = true, example = "FAKE-public-key" },
                  secret "privateSigningKey" { computed = true, example = "FAKE-private-key" } }

local page = { pageNumber = "{page}", pageSize = "{size}" }

return provider {
  title    = "Hubster Portal",
  base_url = "https://portal-api.hubster.io",
  headers  = { ["Content-Type"] = "application/json" },  -- documented for calls without a body, too

  url "identity_url" { default = "https://identity.hubster.io" },
  choice "integration_update" { default = "post", values = {
    post = "POST /integrations/hubs/{integrationId}, as documented",
    put  = "PUT /integrations/{integrationId}, as the rest of the API does it",
  } },

  auth = {
    bearer "token",
    token_request {
      url = "{identity_url}/connect/token",
      constant = { grant_type = "client_credentials" },
      text "client_id" { required = true }, secret "client_secret" { required = true },
      token = "access_token", expires_in = "expires_in", lifetime = 2592000,
      envelope = { token_type = "Bearer", scope = "hubster-portal-api" },
    },
  },
  errors = {
    items = "errors", code = "code", message = "description", codes = "PRT%06d", strip = "%s?%(code: PRT%d+%)",
    kinds = { PRT000600 = "conflict", PRT000700 = "conflict", PRT000701 = "conflict" },
    body = { status = "{status}", errors = { { code = "{code}", description = "{message} (code: {spelled})" } } },
    when = {
      unauthorized = { code = 102 }, expired = { code = 102 }, not_found = { code = 105 }, body = { code = 300 },
      required = { code = 301, message = "Property '{path}' is required." },
      type = { code = 302, message = "Property '{path}' has another type." },
      unknown = { code = 303, message = "Property '{path}' is not supported." },
      value = { code = 206 }, range = { code = 207 }, fixed = { code = 303 }, exists = { code = 106 },
    },
  },

  resource "hubs" {
    path = "/api/v1/hubs", id = "hubId",
    key  = { "name" }, unique = true, ids = "uuid",
    when = { exists = { status = 400, code = 600, message = "Hub name exists." }, not_found = { code = 699 } },

    text    "name"                 { required = true },
    text    "description"          { required = true },
    integer "closeDormantConversation" { min = 0, about = "days; 0 or absent: it stays open" },
    choice  "statusId"             { values = { [2000] = "Active", [2001] = "Canceled", [2002] = "Paused" },
                                     example = 2000 },
    text    "hubId"                { computed = true },
    text    "tenantId"             { computed = true, example = "00000000-0000-0000-0000-000000000001" },
    created,

    create = post   {},
    get    = get    {},
    update = put    {},
    delete = delete { expect = { 200, 204 } },
    list   = get    { items = "results", envelope = page, pages = numbered {
                        query = "pageNumber={page}&pageSize={size}", size = 100, default = 50, max = 100,
                        total = "total" },
                      shows = { "hubId", "tenantId", "name", "description", "statusId" } },
  },

  resource "integrations" {
    path = "/api/v1/integrations", id = "integrationId",
    key  = { "hubId", "name" }, unique = true, ids = "uuid",
    when = { exists = { status = 400, code = 700, message = "Integration name exists." }, not_found = { code = 799 } },

    text   "hubId"     { required = true, fixed = true, path = true, parent = "hubs" },
    choice "channelId" { required = true, fixed = true,
      values = { "TwilioSMS", "Messenger", "WebChat", "Direct", "System", "Slack" },
      codes  = { TwilioSMS = 102, Messenger = 101, WebChat = 106, Direct = 1, System = 3, Slack = 1001 },
    },
    text   "name"      { required = true },
    choice "statusId"  { values = { [3000] = "Active", [3001] = "Canceled", [3002] = "Paused" }, example = 3000 },
    -- The vendor ignores a change of TwilioSMS, Messenger and Slack in silence: delete and create again.
    group  "configuration" { required = true, any_case = true, whole = true,
      by "channelId" {
        TwilioSMS = {
          secret "authToken"  { required = true, fixed = "ignored" },
          text   "accountSid" { required = true, fixed = "ignored" },
          text   "numberSid"  { required = true, fixed = "ignored" },
          text   "phoneNumber"  { computed = true, example = "+15005550006" },
          group  "capabilities" { computed = true, any_case = true,
                                  example = { mms = true, sms = true, voice = false },
                                  boolean "mms" {}, boolean "sms" {}, boolean "voice" {} },
        },
        Messenger = {
          secret "pageAccessToken" { required = true, fixed = "ignored" },
          text   "appId"  { computed = true, example = "100000000000001" },
          text   "pageId" { computed = true, example = "100000000000002" },
        },
        WebChat = {
          list "allowedOrigins" { required = true, any_order = true, of = text {} }, list "start" {},
          boolean "echo" { computed = true, example = false },
        },
        Direct = {
          choice "integrationType" { required = true, values = { "Customer", "Agent", "Bot", "System" },
                                     codes = { Customer = 2, Agent = 3, Bot = 4, System = 5 } },
          boolean "echo" {}, text "webhookUrl" {}, list "start" {}, boolean "regenerateKeys" {},
          signing,
        },
        System = {
          text "webhookUrl" { required = true },
          list "events" { required = true, any_order = true, of = choice {
            values = { "message", "message:customer", "message:agent", "message:bot" } } },
          boolean "regenerateKeys" {},
          signing,
        },
        Slack = {
          secret "code"  { required = true, fixed = "ignored" },
          text   "nonce" { required = true, fixed = "ignored" },
          secret "botAccessToken"       { computed = true, example = "FAKE-bot-token" },
          secret "appAccessToken"       { computed = true, example = "FAKE-app-token" },
          text   "defaultPublicChannel" { computed = true, example = "general" },
          text   "teamId"  { computed = true, example = "T00000000" },
          text   "botName" { computed = true, example = "Hubster" },
        },
      },
    },
    text   "integrationId" { computed = true },
    choice "integrationTypeId" { computed = true, values = { "Customer", "Agent", "Bot", "System" },
                                 codes = { Customer = 2, Agent = 3, Bot = 4, System = 5 }, example = "Customer" },

    create = post "/api/v1/integrations/hubs/{hubId}" {},
    get    = get {},
    update = by "integration_update" { post = post "/api/v1/integrations/hubs/{id}" {}, put = put {} },
    delete = delete { expect = { 200, 204 } },
    list   = get { items = "results", query = { "hubId" }, envelope = page,
                   pages = numbered { query = "pageNumber={page}&pageSize={size}", size = 100, default = 50, max = 100,
                        total = "total" } },
  },
}
