-- A vendor that wants one call at once.
return provider {
  title = "Single",
  base_url = "https://api.acme.invalid",
  auth = bearer "token",
  limits = { at_once = 1 },

  resource "things" {
    path = "/things",
    text "name" { required = true },
    create = post { expect = 201 },
    get = get {},
    list = get { items = "items" },
  },
}
