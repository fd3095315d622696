-- The vendor of the benchmark: a resource with eight fields, and limits that are counted and never reached.
return provider {
  title    = "Bench",
  base_url = "https://api.bench.invalid",
  auth     = bearer "token",
  limits   = { { 1000, per = 0.02 }, at_once = 20000 },
  errors   = { message = "message", code = "code", trace_id = "trace_id" },

  resource "things" {
    path = "/things",
    key  = { "name" },

    text    "name"         { required = true, min = 1, max = 100 },
    text    "description"  { max = 500 },
    choice  "channel"      { required = true, values = { sms = "SMS", mail = "e-mail", voice = "telephony" } },
    url     "callback_url" { required = true },
    text    "language"     { min = 2, max = 5 },
    integer "priority"     { min = 0, max = 9 },
    boolean "enabled"      {},
    text    "external_id"  { required = true, max = 64 },
    text    "note"         {}, -- of the calls with large bodies alone

    create = post { expect = 201 },
  },
}
