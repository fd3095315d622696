-- A made-up vendor and what it has: for the specs of creates whose answer is lost.
local M = {}

--- The text of a vendor that lists what is new at once, unless it is told otherwise.
function M.acme(options)
  options = options or {}
  return ([[return provider { title = "Acme", base_url = "https://acme.invalid", auth = bearer "token",
    errors = { message = "message" },
    resource "things" {
      path = "/things", %s %s settles_in = %s,
      text "name" { required = true }, text "colour" {}, list "tags" {}, secret "pin" {},
      create = post { expect = 201 }, get = get {}, delete = delete { expect = 204 },
      %s
    } }]]):format(options.key == false and "" or 'key = { "name" },', options.unique and "unique = true," or "",
      options.settles_in or 0.2, options.list == false and "" or [[list = get { items = "items",
        pages = numbered { query = "page={page}&size={size}", first = 1, size = 100, total = "total" } },]])
end

local THING = { name = "n", colour = "red", tags = { "a", "b" }, pin = "0000" }

--- One of its things, with other fields.
function M.thing(more)
  local fields = {}
  for _, part in ipairs { THING, more or {} } do
    for name, value in pairs(part) do fields[name] = value end
  end
  return fields
end

return M
