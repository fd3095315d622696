-- MyReports (Xarios Dimensions). The names are those of its API reference: PBX connection profiles.

local chargeable = { ["accept-charges"] = "{accept_charges}" }
local success = { status = "success", timestamp = "{now}" }
local list_of = { status = "success", timestamp = "{now}", page_size = "{count}" }

return provider {
  title    = "MyReports",
  base_url = "https://api.{region}.myreports.cloud/api/v1.0",

  choice  "region"         { values = { "na", "eu", "uk", "au" } },
  url     "identity_url"   { default = "https://login.xarios.cloud" },
  boolean "accept_charges" { default = true, about = "without it a call that costs is refused with 402" },
  text    "account"        { about = "the account's tenant id, on an enterprise portal" },

  auth = {
    bearer "token",
    token_request {
      url = "{identity_url}/connect/token",
      constant = { grant_type = "refresh_token" },
      secret "refresh_token" { required = true }, text "client_id" { required = true },
      secret "client_secret" { required = true },
      token = "access_token", expires_in = "expires_in", rotates = "refresh_token",
      envelope = { token_type = "Bearer", scope = "openid offline_access onboarding" },
    },
  },
  errors = {
    message = "message", code = "error", codes = "%d",
    body = { error = "{status}", message = "{message}", status = "error", timestamp = "{now}" },
    when = {
      unauthorized = { body = "" }, expired = { body = "" }, not_found = { message = "Not Found" },
      header = { status = 402, body = "{request}" },
    },
  },

  resource "pbxs" {
    path = "[/accounts/{account}]/customers/{tenantId}/pbxs",
    key  = { "_type", "name" }, ids = "uuid",

    text   "tenantId" { required = true, fixed = true, path = true, about = "the customer's tenant id" },
    choice "_type"    { required = true, fixed = true,
                        values = { "KazooPbxConnectionProfile", "ThreeCxConnectionProfile" } },
    text   "name"     { required = true },
    by "_type" {
      KazooPbxConnectionProfile = {
        text    "hostRest"           { required = true, pattern = "^https://.", about = "an https URI" },
        text    "hostWebsocket"      { required = true, pattern = "^wss://.", about = "a wss URI" },
        text    "accountId"          { required = true },
        secret  "apiKey"             { required = true },
        boolean "monitorSubAccounts" {},
      },
      ThreeCxConnectionProfile = {
        secret  "licenseKey"                { required = true },
        text    "username"                  { required = true },
        secret  "password"                  { required = true },
        boolean "enableRecordingArchive"    { sent_as = "string" },
        text    "recordingArchiveFrequency" { pattern = "^%d%d:%d%d:%d%d$", about = "a time, hh:mm:ss" },
      },
    },
    boolean "enabled"     { sent_as = "string", example = false,
                            about = "a new profile does nothing until it is enabled by an update" },
    text    "countryCode" { computed = true, example = "US" },

    create = post   { expect = 201, record = "data", id = location, headers = chargeable, envelope = success },
    get    = get    { record = "data", envelope = success },
    update = patch  { sends = "json_patch", returns = "nothing", headers = chargeable, envelope = success },
    delete = delete { envelope = success },
    list   = get    { items = "data", envelope = list_of, shows = { "id", "name", "_type", "tenantId" } },
  },
}
