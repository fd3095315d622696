-- A vendor that counts nothing: what is measured against it is nginx and luaprov.
return provider {
  title = "Acme",
  base_url = "https://api.acme.invalid",
  auth = bearer "token",
  limits = { at_once = 1000 },

  resource "things" {
    path = "/things",
    text "name" { required = true },
    create = post { expect = 201 },
    get = get {},
    list = get { items = "items" },
  },
}
