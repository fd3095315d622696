-- A vendor that counts, and gives tokens: what the workers of one nginx keep together.
return provider {
  title = "Counting",
  base_url = "https://api.counting.invalid",
  auth = token_request {
    url = "{base_url}/token",
    text "client_id" { required = true }, secret "client_secret" { required = true },
    token = "access_token", expires_in = "expires_in",
  },
  limits = { { 5, per = 0.5 } },

  resource "things" {
    path = "/things",
    text "name" { required = true },
    list = get { items = "items" },
  },
}
