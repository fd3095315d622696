-- Lists: pages, filters, and what is in them.
local boxes = require "tests.sandbox.boxes"
local http = require "luaprov.http"
local listing = require "luaprov.sandbox.listing"
local support = require "tests.support"

local MANY = 3000

local function provider(list)
  return support.provider('    path = "/things", text "name" {}, text "size" {}, boolean "on" {},\n'
    .. '    create = post {}, delete = delete {}, get = get {}, update = patch {},\n    list = get { ' .. list .. " },")
end

local LISTS = {
  ['items = "items", pages = numbered { query = "page={page}&per={size}", first = 1, size = 70, total = "a.b" }']
    = "total",
  ['items = "items", pages = numbered { query = "page={page},{size}", first = 0, size = 100 }'] = "no total",
  ['pages = numbered { query = "p={page}", size = 999 }'] = "bare",
  ['items = "a.b", pages = offsets { query = "limit={size}&offset={offset}", size = 250, total = "n" }'] = "offsets",
  ['items = "items"'] = "one page",
}

describe("A list of the sandbox", function()
  after_each(boxes.stop)

  local function with_records(list, count, page)
    return boxes.of(provider(list), { faults = {
      { fault = "others", on = "acme things", count = count, records = { { name = "thing {n}" } } }, page,
    } })
  end

  for list, name in pairs(LISTS) do
    it("loses none of many records, and repeats none: " .. name, function()
      local _, acme = with_records(list, MANY)
      local seen, count = {}, 0
      for record, err in acme.things:each() do
        assert.is_nil(err)
        assert.is_nil(seen[record.id])
        seen[record.id], count = true, count + 1
        assert.equal("thing " .. count, record.name)
      end
      assert.equal(MANY, count)
    end)
  end

  it("loses none when the vendor gives fewer a page than were asked for", function()
    for list in pairs(LISTS) do
      local _, acme = with_records(list, 40, { fault = "short_pages", on = "acme things list", size = 7 })
      local wanted = list:find("pages", 1, true) and 40 or 7
      assert.equal(wanted, #assert(acme.things:list()), list)
      boxes.stop()
    end
  end)

  it("gives each record at most once while others are removed", function()
    local _, acme = with_records('pages = offsets { query = "limit={size}&offset={offset}", size = 10 }', 100)
    local seen = {}
    for record in acme.things:each() do
      assert.is_nil(seen[record.id])
      seen[record.id] = true
      assert(acme.things:delete(record.id))
    end
    assert.truthy(next(seen))
  end)

  it("answers 400 to a page that is none, and an empty one to a page beyond the last", function()
    local box = with_records('pages = numbered { query = "page={page},{size}", first = 1, size = 10 }', 25)
    local function page(text) return boxes.send(box, "GET", "/acme/things?page=" .. text) end
    for _, text in ipairs { "0", "-1", "x", "1,x", "1,0", "1,-5", "1,2,3", "", "1.5", "0x1", ("9"):rep(400), "1,1e3",
                            "9007199254740993", "%00", "1%2C0" } do
      assert.equal(400, page(text).status, text)
    end
    assert.same({ 10, 10, 5, 0, 0 }, { #page("1").json, #page("2,10").json, #page("3").json, #page("4").json,
                                       #page("9007199254740991").json })
    assert.same({ 10, 7, 10 }, { #page("1,1000").json, #page("1,7").json, #page("1%2C10").json })
    assert.equal("thing 8", page("2,7").json[1].name)
    assert.equal(10, #boxes.send(box, "GET", "/acme/things").json)
    assert.equal(10, #boxes.send(box, "GET", "/acme/things?other=1&page=7&page=1").json)
  end)

  it("counts all pages in its total, and a page in its envelope", function()
    local box = with_records('items = "items", envelope = { at = "{now}", got = "{count}", from = "{offset}", '
      .. 'page = "{page}", size = "{size}", said = "{count} of {total}" }, '
      .. 'pages = offsets { query = "limit={size}&offset={offset}", size = 10, total = "total" }', 25)
    local body = boxes.send(box, "GET", "/acme/things?offset=20").json
    assert.same({ 25, 5, 20, 10, "5 of 25" }, { body.total, body.got, body.from, body.size, body.said })
    assert.equal(5, #body.items)
  end)

  it("has what a filter asks for, and all where a filter means nothing to it", function()
    local box, acme = boxes.of(provider 'query = { "name", "on", "box", "size", "sort" }')
    for i = 1, 4 do assert(acme.things:create { name = "n" .. i % 2, on = i > 2, size = tostring(i) }) end
    local function count(query) return #boxes.send(box, "GET", "/acme/things?" .. query).json end
    assert.same({ 2, 0, 2, 1, 4, 4, 4 }, { count "name=n1", count "name=N1", count "on=true", count "on=true&name=n0",
                                           count "sort=-id", count "name=in:n0,n1", count "unknown=1" })
    assert.equal(1, #assert(acme.things:list { size = 3 }))
  end)

  it("is a list when it is empty, and shows what the file says that it shows", function()
    local box, acme = boxes.of(provider 'shows = { "id", "name" }')
    assert.equal("[]", boxes.send(box, "GET", "/acme/things").body)
    assert(acme.things:create { name = "n", on = true })
    assert.same({ { id = "1001", name = "n" } }, { boxes.send(box, "GET", "/acme/things").json[1] })
  end)

  it("has a new record at once, or after a while where it is told so", function()
    local box, acme = boxes.of(provider "")
    box:fault { fault = "unlisted", on = "acme * create", seconds = 1000 }
    local made = assert(acme.things:create { name = "n" })
    assert.equal(0, #assert(acme.things:list()))
    assert(acme.things:update(made.id, { name = "m" }))
    assert.equal(0, #assert(acme.things:list()))
    assert.equal("m", assert(acme.things:get(made.id)).name)
    assert.equal(1, #box:records("acme", "things"))
    local vendor = box.vendors[1]
    local operation = vendor.provider.resource.things.operations.list
    local function listed(now)
      return #listing.page(vendor.collections.things, operation, { query = {}, parents = {}, now = now })
    end
    assert.same({ 0, 1 }, { listed(http.now() + 990), listed(http.now() + 1001) })
  end)
end)
