-- A vendor whose things are known by their names.
return provider {
  title = "Keyed",
  base_url = "https://api.acme.invalid",
  auth = bearer "token",
  limits = { at_once = 1000 },

  resource "things" {
    path = "/things", key = { "name" },
    text "name" { required = true },
    create = post { expect = 201 },
    get = get {},
    list = get { items = "items" },
  },
}
