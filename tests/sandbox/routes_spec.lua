-- Which operation a request is.
local boxes = require "tests.sandbox.boxes"
local luaprov = require "luaprov"
local routes = require "luaprov.sandbox.routes"
local support = require "tests.support"
local template = require "luaprov.provider.template"

local function provider(operations)
  return support.provider('    text "name" {}, text "box" { path = true },\n' .. operations)
end

local function found(text, method, path)
  local list = routes.find(routes.of(support.description(text), "/acme"), method, path)
  local names = {}
  for i, candidate in ipairs(list) do names[i] = candidate.route.operation.name end
  return names, list
end

describe("A route of the sandbox", function()
  after_each(boxes.stop)

  it("that is spelled out goes before one with a placeholder", function()
    local text = provider [[ create = post "/{box}/things" {}, get = get "/things/{id}" {}, list = get "/things/all" {},
      delete = post "/things/{id}/delete" {}, update = post "/{box}/things/{id}" {}, ]]
    assert.same({ "list", "get" }, (found(text, "GET", "/acme/things/all")))
    assert.same({ "get" }, (found(text, "GET", "/acme/things/other")))
    local box = boxes.of(text)
    assert.equal(200, boxes.send(box, "GET", "/acme/things/all").status)
    -- A record that is not there is not created by removing it.
    assert.equal(404, boxes.send(box, "POST", "/acme/things/5/delete", { body = {} }).status)
    assert.equal(0, #box:records("acme", "things"))
  end)

  it("that removes goes before one that creates, where both fit", function()
    local box = boxes.of(provider [[ create = post "/{box}/{other}/delete" {}, delete = post "/things/{id}/delete" {},
      text "other" { path = true }, ]])
    assert.equal(404, boxes.send(box, "POST", "/acme/things/5/delete", { body = {} }).status)
    assert.equal(0, #box:records("acme", "things"))
    assert.equal(200, boxes.send(box, "POST", "/acme/a/b/delete", { body = {} }).status)
  end)

  it("that two operations have is the one whose record is there", function()
    local box = boxes.start { "hubster" }
    local hubster = assert(luaprov.client("hubster", box:options "hubster"))
    local hub = assert(hubster.hubs:create { name = "h", description = "d" })
    local made = assert(hubster.integrations:create { hubId = hub.id, channelId = "Messenger", name = "fb",
                                                      configuration = { pageAccessToken = "FAKE" } })
    assert.equal("new", assert(hubster.integrations:update(made.id, { name = "new" })).name)
    assert.equal(1, #box:records("hubster", "integrations"))
    assert(hubster.integrations:create { hubId = hub.id:upper(), channelId = "Messenger", name = "b",
                                         configuration = { pageAccessToken = "FAKE" } })
    assert.equal(hub.id, box:records("hubster", "integrations")[2].hubId)
    local options = box:options "hubster"
    options.integration_update = "put"
    local other = assert(luaprov.client("hubster", options))
    assert.equal("put", assert(other.integrations:update(made.id, { name = "put" })).name)
    -- Neither a hub nor an integration: it is a hub that is missing.
    support.is_error({ kind = "not_found", status = 404, has = "PRT000699" },
      select(2, hubster.integrations:update("3bc1e69f-c520-446f-ab2c-01751fd66a31", { name = "x" })))
    assert(hubster.hubs:delete(hub.id:upper()))
    assert.equal(0, #box:records("hubster", "integrations"))
  end)

  it("reads what stands in a place, unescaped, whatever it is", function()
    local text = provider [[ create = post "/b/{box}/x.y-(z)" {}, get = get "/b/{id}" {}, ]]
    local _, list = found(text, "POST", "/acme/b/a%2Fb%25+c/x.y-(z)")
    assert.equal("a/b%+c", list[1].parts.box)
    assert.same({}, (found(text, "POST", "/acme/b/a/xay-(z)")))
    assert.same({}, (found(text, "GET", "/acme/b/")))
  end)

  it("has the path of its base URL, whatever is a setting in it", function()
    for url, path in pairs {
      ["https://a.invalid"] = "", ["https://a.invalid/"] = "", ["https://a.invalid/b/c/"] = "/b/c",
      ["https://{host}/b"] = "/b", ["https://{host}:{port}/b"] = "/b", ["https://{host}.a.invalid/b"] = "/b",
      ["{server}/b"] = "/b", ["{server}"] = "", ["https://a.invalid/{host}/b"] = "", ["http://a.invalid:80/b"] = "/b",
    } do
      assert.equal(path, routes.base_path(assert(template.parse(url))), url)
    end
  end)

  it("reads a query: the last of two counts, + is a blank, what is escaped is not", function()
    assert.same({ a = "2", b = "x y&z", c = "", d = "=", ["e f"] = "" },
      routes.query "a=1&a=2&b=x+y%26z&c&d==&e+f=&")
    assert.same({}, routes.query "")
  end)
end)
