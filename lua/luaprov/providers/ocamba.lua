-- Ocamba Hood. The names are those of its API reference: Integrations.

return provider {
  title    = "Ocamba Hood",
  base_url = "https://api.ocamba.com/v1/hood",
  auth     = bearer "token",
  limits   = { { 10, per = 1 }, { 150, per = 60 } },
  errors   = { message = { "message", "title" }, trace_id = "trace_id" },

  resource "integrations" {
    path = "/integrations",
    key  = { "name" },

    text   "name"        { required = true, min = 1, max = 100 },
    choice "provider_id" { required = true, fixed = true, values = {
      ["1000"] = "twilio", ["1001"] = "custom SMTP", ["1002"] = "mailchimp",
      ["1003"] = "sendgrid", ["1004"] = "mitto", ["1005"] = "mailgun",
    } },
    group  "settings"    { required = true,
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
    text    "status" {},
    text    "company_id" { computed = true },
    text    "type"       { computed = true },
    boolean "is_default" { computed = true },

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

    text "type" { computed = true },
    text "name" { computed = true },
    list "settings" { computed = true },

    list = get { items = { "items", "." } },  -- its envelope is not documented
  },
}
