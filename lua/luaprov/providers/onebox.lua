-- OneBox. The names are those of its API reference: Connection. Every value is text, numbers too.

local account = { text "Name" { required = true }, text "UserId" { required = true },
                  secret "Password" { required = true } }
local mailbox = { account, text "Host" { required = true },
                  integer "Port" { required = true, sent_as = "string", min = 1, max = 65535 },
                  text "From" { required = true } }

local function failure(code)
  return { _meta = { status = "ERROR", count = 1 }, records = { errorCode = code, userMessage = "{message}",
           devMessage = null, more = null, applicationCode = null } }
end

return provider {
  title    = "OneBox",
  base_url = "https://cloud.onebox.co.id",

  -- How the three parameters of the token request travel is not documented.
  choice "login_encoding" { default = "form", values = { "form", "json", "query" } },

  auth = {
    bearer "token",
    token_request {
      url = "{base_url}/api/authenticate", encoding = "login_encoding",
      text "email" { required = true }, secret "password" { required = true },
      text "site_id" { required = true, as = "siteId" },
      token = "token", lifetime = 900, envelope = { response_code = "200", response_status = "Success" },
    },
  },

  errors = {
    {
      message = "records.userMessage", code = "records.errorCode", says = { ["limit reached"] = "quota_exceeded" },
      body = failure "{status}",
      when = { expired = { message = "Expired token" }, credentials = { status = 401, body = failure "401" } },
    },
    -- The channel said no, with 401 or even with 200.
    { message = { "error", "error.message" }, kind = "rejected", in_success = true, body = { error = "{message}" } },
  },

  resource "connections" {
    path = "/api/connection", id = "Id",
    key  = { "MediaId", "ProviderId", "UserId" },
    example = {
      Id = null, LastActivity = null, ActivityDate = null, Position = null, SiteId = "169", MediaId = null,
      ProviderId = null, Code = null, Name = null, UserId = null, Password = null, Host = null, Database = null,
      Port = "0", Url = null, From = null, Token = null, StartDate = null, EndDate = null, Priority = "1",
      Enabled = "1", StatusId = "CNS1", TargetId = null, TypeId = null, ParentId = null, Incoming = null,
      Outgoing = null, CreateDate = "{date}", ModifyDate = "{changed_date}", Error = "0", Remarks = null,
      AgentId = null,
    },

    text   "SiteId"     { fixed = true },
    choice "MediaId"    { required = true, fixed = true, values = {
      EMAIL = "e-mail", FCBK = "Facebook page", INST = "Instagram", TWTR = "Twitter", WHATP = "WhatsApp" } },
    choice "ProviderId" { required = true, fixed = true, values = {
      PVD9 = "e-mail in", PVD7 = "e-mail out", PVD12 = "Facebook", PVD28 = "Instagram", PVD10 = "Twitter",
      PVD30 = "WhatsApp" } },
    choice "Enabled"    { values = { ["0"] = "off", ["1"] = "on" }, about = "the switch is not documented" },
    by { "MediaId", "ProviderId" } {
      ["EMAIL PVD9"] = { mailbox },
      ["EMAIL PVD7"] = { mailbox, text "ParentId" { about = "the inbound connection" } },
      -- Password and Token swap their meaning between Facebook and Instagram.
      ["FCBK PVD12"] = { account, text "From" { about = "page id" },
                         secret "Token" { required = true, about = "user token; Password is the page's" } },
      ["INST PVD28"] = { account, text "From" { required = true },
                         secret "Token" { required = true, about = "page token; Password is the user's" },
                         text "TargetId" { required = true } },
      ["TWTR PVD10"] = { account, text "From" { required = true }, secret "Token" { required = true },
                         text "TargetId" { required = true } },
      -- Its other fields are not documented.
      ["WHATP PVD30"] = { unknown = "pass", secret "Password" {}, secret "Token" {} },
    },

    create = post  {},
    get    = get   {},
    update = patch {},
    list   = get   { items = "data", pages = offsets { query = "limit={size}&offset={offset}", size = 100, default = 20,
                                                       total = "total" },
                     envelope = { limit = "{size}", offset = "{offset}", count = "{count}" },
                     query = { "sinceId", "since", "lastUpdate" } },
  },
}
