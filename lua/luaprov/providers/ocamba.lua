-- Ocamba Hood. The names are those of its API reference: Integrations.

local function of_type(name) return text "type" { computed = true, example = name } end

return provider {
  title    = "Ocamba Hood",
  base_url = "https://api.ocamba.com/v1/hood",
  auth     = bearer "token",
  limits   = { { 10, per = 1 }, { 150, per = 60 }, headers = {
    ["X-RateLimit-Limit"] = "{limit}", ["X-RateLimit-Remaining"] = "{remaining}", ["X-RateLimit-Reset"] = "{reset}",
  } },
  errors   = {
    message = { "message", "title" }, trace_id = "trace_id",
    body = { code = "{status}", title = "{reason}.", message = "{message}", trace_id = "{trace_id}" },
  },

  resource "integrations" {
    path = "/integrations",
    key  = { "name" },

    text   "name"        { required = true, min = 1, max = 100 },
    choice "provider_id" { required = true, fixed = true, values = {
      ["1000"] = "twilio", ["1001"] = "custom SMTP", ["1002"] = "mailchimp",
      ["1003"] = "sendgrid", ["1004"] = "mitto", ["1005"] = "mailgun",
    } },
    group  "settings"    { required = true, unknown = "ignored",
      by "provider_id" {
        ["1000"] = {
          text   "account_sid"          { required = true, about = "AC and 32 characters" },
          secret "auth_token"           { required = true },
          text   "default_phone_number" { required = true, about = "E.164" },
        },
        ["1001"] = {
          text    "default_sender_email" { required = true },
          text    "default_sender_name"  { required = true },
          text    "sending_domain"       { required = true },
          integer "port"                 { required = true, sent_as = "string", min = 1, max = 65535 },
          text    "username"             { required = true },
          secret  "password"             { required = true },
        },
        ["1002"] = {
          secret "api_key"                { required = true, about = "md-…" },
          text   "default_sender_name"    { required = true },
          text   "default_sender_email"   { required = true },
          text   "default_reply_to_email" { required = true },
        },
        ["1003"] = {
          secret "api_key"                { required = true, about = "SG.…" },
          text   "default_sender_name"    { required = true },
          text   "default_sender_email"   { required = true },
          text   "default_reply_to_email" { required = true },
        },
        ["1004"] = {
          secret "api_key"     { required = true },
          text   "sender_name" { required = true },
        },
        ["1005"] = {
          secret "api_key"      { required = true },
          text   "domain"       { required = true },
          text   "sender_email" { required = true },
          text   "sender_name"  { required = true },
        },
      },
    },
    text    "status"     { example = "active" },
    text    "company_id" { computed = true, example = "6197120" },
    boolean "is_default" { computed = true, example = false },
    by "provider_id" {
      ["1000"] = { of_type("sms") },   ["1001"] = { of_type("email") }, ["1002"] = { of_type("email") },
      ["1003"] = { of_type("email") }, ["1004"] = { of_type("sms") },   ["1005"] = { of_type("email") },
    },

    create = post   { expect = 201 },
    get    = get    { record = { "items.1", "." } },  -- an older page shows a list of one
    update = patch  { expect = 204, returns = "nothing" },
    delete = delete { expect = 204 },
    list   = get    { items = "items", pages = numbered { query = "page={page},{size}", first = 1, size = 100,
                                                          total = "total" },
                      query = { "type", "name", "status", "provider_id", "sort", "q" } },
  },

  resource "providers" {
    path = "/providers",

    records = {
      { id = "1000", name = "twilio", type = "sms" },      { id = "1001", name = "custom SMTP", type = "email" },
      { id = "1002", name = "mailchimp", type = "email" }, { id = "1003", name = "sendgrid", type = "email" },
      { id = "1004", name = "mitto", type = "sms" },       { id = "1005", name = "mailgun", type = "email" },
    },

    text "type" { computed = true },
    text "name" { computed = true },
    list "settings" { computed = true, example = {} },

    list = get { items = { "items", "." } },  -- its envelope is not documented
  },
}
