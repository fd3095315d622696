-- The text of a provider that has a secret wherever one can stand.
return [[
return provider {
  base_url = "https://api.acme.invalid/v1",
  auth = {
    token_request { url = "{base_url}/login", encoding = "way", secret "key" { required = true },
                    secret "refresh" { required = true }, token = "token", rotates = "refresh" },
    bearer "token",
  },
  choice "way" { default = "form", values = { "form", "json", "query" } },
  secret "tenant" { required = true }, secret "place" { required = true },
  headers = { ["X-Tenant"] = "{tenant}" },
  errors = { message = "message", code = "code", trace_id = "trace_id", strip = "^x+" },
  limits = { { 1000000, per = 1 }, headers = { ["X-RateLimit-Remaining"] = "{remaining}" } },

  resource "things" {
    path = "/places/{place}/things", key = { "name" },
    text "name" {}, choice "kind" { required = true, fixed = true, values = { "a", "b" } },
    secret "plain" {},
    group "group" { secret "inner" {}, by "kind" { a = { secret "either" {} }, b = { text "either" {} } } },
    list "keys" { of = secret {} }, list "groups" { of = group { secret "within" {} } },
    secret "private" { computed = true, example = "made" },
    create = post { id = location }, get = get {}, update = patch { returns = "nothing" }, delete = delete {},
    list = get { items = "items", query = { "q" } },
  },
}
]]
