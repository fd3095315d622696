local control = require "tests.contract.control"
local pages = require "luaprov.provider.pages"
local support = require "tests.support"

local function provider(list)
  return support.provider('path = "/things", get = get {}, list = ' .. list)
end

local function items(...)
  local list = control.array {}
  for i, id in ipairs { ... } do list[i] = { id = id, name = "thing " .. id } end
  return list
end

local function ids(records)
  local list = {}
  for i, record in ipairs(records) do list[i] = record.id end
  return list
end

describe("a list", function()
  local listener

  setup(function() listener = control.start() end)
  teardown(function() listener:stop() end)
  before_each(function() listener:reset() end)

  local function script(...)
    local answers = {}
    for i, body in ipairs { ... } do answers[i] = { status = 200, json = body } end
    listener:script(answers)
  end

  -- The paths that were asked for.
  local function asked(count)
    local paths = {}
    for i, request in ipairs(listener:requests(count)) do paths[i] = request.path end
    return paths
  end

  local numbered = [[ get { items = "items", query = { "q" },
                            pages = numbered { query = "p={page}&s={size}", size = 2 } } ]]
  local totalled = [[ get { items = "items",
                            pages = numbered { query = "p={page}", first = 1, size = 2, total = "meta.total" } } ]]
  local offsets = [[ get { items = "items",
                           pages = offsets { query = "o={offset}&l={size}", size = 2, total = "total" } } ]]

  it("without pages is one call", function()
    script(items("1", "2"))
    local client = support.client(provider 'get { items = "." }', listener.url)
    assert.same({ "1", "2" }, ids(assert(client.things:list())))
    assert.same({ "/things" }, asked(1))
  end)

  it("by page from 0 ends with an empty page", function()
    script({ items = items("1", "2") }, { items = items("3") }, { items = items() })
    local client = support.client(provider(numbered), listener.url)
    assert.same({ "1", "2", "3" }, ids(assert(client.things:list())))
    assert.same({ "/things?p=0&s=2", "/things?p=1&s=2", "/things?p=2&s=2" }, asked(3))
  end)

  it("by page from 1 ends with its total", function()
    script({ items = items("1", "2"), meta = { total = 3 } }, { items = items("3"), meta = { total = 3 } })
    local client = support.client(provider(totalled), listener.url)
    assert.same({ "1", "2", "3" }, ids(assert(client.things:list())))
    assert.same({ "/things?p=1", "/things?p=2" }, asked(2))
  end)

  it("by offset goes on after what came, not after what was asked for", function()
    script({ items = items("1"), total = "4" }, { items = items("2", "3"), total = "4" },
      { items = items("4"), total = "4" })
    local client = support.client(provider(offsets), listener.url)
    assert.same({ "1", "2", "3", "4" }, ids(assert(client.things:list())))
    assert.same({ "/things?o=0&l=2", "/things?o=1&l=2", "/things?o=3&l=2" }, asked(3))
  end)

  it("does not take a short page for the last", function()
    script({ items = items("1") }, { items = items("2") }, { items = items() })
    local client = support.client(provider(numbered), listener.url)
    assert.same({ "1", "2" }, ids(assert(client.things:list())))
  end)

  it("does not trust a total that is none", function()
    script({ items = items("1"), total = "many" }, { items = items("2"), total = { 1 } },
      { items = items(), total = control.null })
    local client = support.client(provider(offsets), listener.url)
    assert.same({ "1", "2" }, ids(assert(client.things:list())))
  end)

  it("that is empty is an empty list", function()
    script({ items = items() })
    local client = support.client(provider(numbered), listener.url)
    local records = assert(client.things:list())
    assert.same({}, ids(records))
    assert.equal("[]", require("luaprov").json.encode(records))
  end)

  it("gives a record once that moves to another page meanwhile", function()
    script({ items = items("1", "2") }, { items = items("2", "3") }, { items = items() })
    local client = support.client(provider(numbered), listener.url)
    assert.same({ "1", "2", "3" }, ids(assert(client.things:list())))
  end)

  it("whose pages repeat is an error, not a loop", function()
    script({ items = items("1", "2") }, { items = items("1", "2") })
    local client = support.client(provider(numbered), listener.url)
    local records, err = client.things:list()
    support.is_error({ kind = "protocol", operation = "list", status = 200,
                       has = "page 2 repeats what earlier pages had" },
      err, records)
    assert.equal(2, #listener:requests(2))
  end)

  it("sends its filters with every page, escaped", function()
    script({ items = items("1") }, { items = items() })
    local client = support.client(provider(numbered), listener.url)
    assert(client.things:list { q = "a b&c=ä" })
    assert.same({ "/things?q=a%20b%26c%3D%C3%A4&p=0&s=2", "/things?q=a%20b%26c%3D%C3%A4&p=1&s=2" }, asked(2))
  end)

  it("takes filters of text, numbers and booleans", function()
    local client = support.client(provider 'get { items = ".", query = { "a", "b", "c" } }', listener.url)
    script(items())
    assert(client.things:list { a = "x", b = 5, c = false })
    assert.same({ "/things?a=x&b=5&c=false" }, asked(1))
  end)

  it("refuses filters that it does not know, before anything is sent", function()
    local client = support.client(provider(numbered), listener.url)
    for _, case in ipairs {
      { { qq = "x" }, "qq is unknown (there is q)" }, { { q = {} }, "q must be text, a number or a boolean" },
      { { q = control.null }, "q must be text, a number or a boolean" },
      { { q = require("luaprov").secret "x" }, "q must be text, a number or a boolean" },
      { { "x" }, "1 is unknown" },
    } do
      local records, err = client.things:list(case[1])
      support.is_error({ kind = "invalid", outcome = "not_sent", has = case[2] }, err, records)
    end
    assert.equal(0, #listener:requests())
  end)

  it("says so when it has no filters", function()
    local client = support.client(support.provider [[list = get "/things" { items = "items" } ]], listener.url)
    local records, err = client.things:list { name = "x" }
    support.is_error({ kind = "invalid", outcome = "not_sent", has = "name is unknown: this list has no filters" }, err,
      records)
    assert.is_nil(err.message:find("there is", 1, true))
    assert.equal(0, #listener:requests())
  end)

  it("can hang on a parent", function()
    local client = support.client(support.provider [[ text "team" { path = true, required = true },
      list = get "/teams/{team}/things" { items = "items" } ]], listener.url)
    script({ items = items("1") })
    local records = assert(client.things:list { team = "a/b" })
    assert.same({ "/teams/a%2Fb/things" }, asked(1))
    assert.equal("a/b", records[1].team)
    local unknown, why = client.things:list { team = "a", name = "x" }
    support.is_error({ kind = "invalid", outcome = "not_sent",
                       has = "name is unknown: this list has no filters (there is team)" }, why, unknown)
    assert.equal("unknown", why.details[1].problem)
    local none, err = client.things:list()
    support.is_error({ kind = "invalid", outcome = "not_sent", has = "team is required" }, err, none)
    assert.equal(1, #listener:requests())
  end)

  it("is an error where a list should be and is none", function()
    local client = support.client(provider(numbered), listener.url)
    for _, body in ipairs { { items = { a = 1 } }, {}, items("1"), { items = "text" }, { items = control.null } } do
      script(body)
      local records, err = client.things:list()
      support.is_error({ kind = "protocol", status = 200, has = "the answer has no list" }, err, records)
    end
    client = support.client(provider 'get { items = "." }', listener.url)
    for _, body in ipairs { { a = 1 }, "text", 5, true } do
      script(body)
      local records, err = client.things:list()
      support.is_error({ kind = "protocol", has = "the answer has no list" }, err, records)
    end
  end)

  it("is an error where an item has no id", function()
    local client = support.client(provider(numbered), listener.url)
    for _, item in ipairs { { name = "x" }, "text", 5, { id = "" }, { id = control.null }, { id = { 1 } },
                            { id = false } } do
      script({ items = { { id = "1" }, item } })
      local records, err = client.things:list()
      support.is_error({ kind = "protocol", has = "item 2 has no id" }, err, records)
    end
  end)

  it("that breaks in the middle is an error and no half list", function()
    script({ items = items("1", "2") })
    listener:script { status = 503, json = {} }
    local client = support.client(provider(numbered), listener.url)
    local records, err = client.things:list()
    support.is_error({ kind = "unavailable", status = 503, operation = "list" }, err, records)
  end)

  describe("walked through with each", function()
    it("asks for a page when it is needed", function()
      script({ items = items("1", "2") }, { items = items("3") }, { items = items() })
      local client = support.client(provider(numbered), listener.url)
      local walk = client.things:each()
      assert.equal(0, #listener:requests())
      assert.equal("1", walk().id)
      assert.equal("2", walk().id)
      assert.equal(1, #listener:requests(1))
      assert.equal("3", walk().id)
      assert.equal(2, #listener:requests(2))
      assert.is_nil(walk())
      assert.is_nil(walk())
      assert.equal(3, #listener:requests(3))
    end)

    it("passes over a page whose records all were there, if its total says so", function()
      script({ items = items("1"), total = 3 }, { items = items("2"), total = 3 }, { items = items("1"), total = 3 })
      local client = support.client(provider(offsets), listener.url)
      local seen = {}
      for record, err in client.things:each() do
        assert(record, err)
        seen[#seen + 1] = record.id
      end
      assert.same({ "1", "2" }, seen)
    end)

    it("ends a broken walk with false and the error", function()
      script({ items = items("1") })
      listener:script { { status = 500, json = {} }, { status = 200, json = { items = items("2") } } }
      local client = support.client(provider(numbered), listener.url)
      local seen, failures = {}, {}
      for record, err in client.things:each() do
        if record then seen[#seen + 1] = record.id else failures[#failures + 1] = err end
      end
      assert.same({ "1" }, seen)
      assert.equal(1, #failures)
      support.is_error({ kind = "unavailable", status = 500 }, failures[1])
      assert.equal(2, #listener:requests(2))
    end)

    it("ends a walk that cannot begin in the same way", function()
      local client = support.client(provider(numbered), listener.url)
      local turns = 0
      for record, err in client.things:each { nope = 1 } do
        turns = turns + 1
        assert.is_false(record)
        support.is_error({ kind = "invalid", has = "nope is unknown" }, err)
      end
      assert.equal(1, turns)
      assert.equal(0, #listener:requests())
    end)
  end)
end)

describe("a walk", function()
  it("writes page numbers without an exponent", function()
    local parts = require("luaprov.provider.template").parse "o={offset}&s={size}"
    local walk = pages.start { kind = "offsets", query = parts, first = 0, size = 100 }
    walk.offset = 12345678901234
    assert.equal("o=12345678901234&s=100", pages.query(walk))
  end)

  it("without pages has no query and one page", function()
    local walk = pages.start(nil)
    assert.is_nil(pages.query(walk))
    local fresh, more = pages.take(walk, { { id = "1" } })
    assert.equal(1, #fresh)
    assert.is_false(more)
  end)
end)
