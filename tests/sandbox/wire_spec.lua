-- Requests as no client of ours sends them: the sandbox answers them as the vendor would, and keeps nothing of them.
local boxes = require "tests.sandbox.boxes"
local json = require "luaprov.json"
local luaprov = require "luaprov"
local uri = require "luaprov.uri"

local PATH = "/ocamba/v1/hood/integrations"

describe("The sandbox, past the client,", function()
  local box
  before_each(function() box = assert(boxes.start { "ocamba", limits = false }) end)
  after_each(boxes.stop)

  local function post(body) return boxes.send(box, "POST", PATH, { body = body }) end

  it("refuses a body that is none, no JSON, no object, or nested too deep", function()
    local deep = ('{"settings":'):rep(400) .. "1" .. ("}"):rep(400)
    local deeper = ("["):rep(600) .. ("]"):rep(600)
    for _, body in ipairs { "", " ", "{", "{}x", "null", "1", '"x"', "[]", '[{"name":"n"}]', "true", deep, deeper, "\0",
                            '{"name":"\255"}', '{"name":NaN}' } do
      local answer = post(body)
      assert.equal(400, answer.status, body:sub(1, 20))
      assert.truthy(answer.json.message:find("The body", 1, true), body:sub(1, 20))
      assert.truthy(answer.json.trace_id)
    end
    assert.equal(0, #box:records("ocamba", "integrations"))
  end)

  it("tells everything that is wrong with a body, in the order of its fields' names", function()
    local body = boxes.mitto(("x"):rep(101))
    body.status, body.company_id, body.extra, body.settings.sender_name = 5, "1", true, luaprov.null
    local message = post(body).json.message
    assert.equal("company_id is not supported; extra is not supported; name is longer than 100 characters; "
      .. "settings.sender_name must not be null; status must be text, not a number", message)
  end)

  it("shows no value of what it refuses", function()
    local body = boxes.mitto("n")
    body.settings.api_key, body.settings.sender_name = { "FAKE-secret" }, luaprov.null
    body.provider_id = "FAKE-secret"
    assert.is_nil(post(body).body:find("FAKE-secret", 1, true))
  end)

  it("takes what JSON can hold and gives it back as it came", function()
    local name = "a\"\\/\b\f\n\r\t\1é漢🚀 \u{2028}"
    local body = json.encode(boxes.mitto(name)):gsub("é", "\\u00e9")
    local made = post(body).json
    assert.equal(name, made.name)
    assert.equal(name, boxes.send(box, "GET", PATH .. "/" .. made.id).json.name)
  end)

  it("answers 405 in the vendor's form to another method, and 404 to another path", function()
    for method, path in pairs { PUT = PATH, DELETE = PATH, PATCH = PATH, POST = PATH .. "/5" } do
      local answer = boxes.send(box, method, path, { body = "{}" })
      assert.equal(405, answer.status, method)
      assert.equal("Method not allowed.", answer.json.title)
      assert.equal(405, answer.json.code)
    end
    for _, path in ipairs { "/ocamba", "/ocamba/", "/ocamba/v1/hood", "/ocamba/v1/hood/nothing", PATH .. "/1/2",
                            "/ocamba/V1/hood/integrations", "/ocamba" .. PATH } do
      local answer = boxes.send(box, "GET", path)
      assert.equal(404, answer.status, path)
      assert.equal("Not found.", answer.json.title, path)
    end
    for _, path in ipairs { "/ocambb", "/ocambax/v1", "/-/records/ocamba/integrations", "//", "/%6fcamba" } do
      local answer = boxes.send(box, "GET", path)
      assert.same({ 404, "text/plain" }, { answer.status, answer.headers["content-type"] }, path)
    end
    assert.same({ ocamba = box.base_url.ocamba }, boxes.send(box, "GET", "/", { token = false }).json)
  end)

  it("finds no record under an id that is only like one", function()
    local id = post(boxes.mitto("n")).json.id
    assert.equal(200, boxes.send(box, "GET", PATH .. "/" .. id).status)
    assert.equal(200, boxes.send(box, "GET", PATH .. "/" .. id .. "/").status)
    assert.equal(200, boxes.send(box, "GET", PATH .. "/%31" .. id:sub(2)).status)
    for _, other in ipairs { id .. "%00", id .. "%20", "0" .. id, id .. ".0", "..%2F" .. id, id .. "%2F", "%2f", "%",
                             "%zz", "%C3%A9", "%FF", id .. ";x", "*", "." .. id } do
      assert.equal(404, boxes.send(box, "GET", PATH .. "/" .. other).status, other)
      assert.equal(404, boxes.send(box, "DELETE", PATH .. "/" .. other).status, other)
    end
    assert.equal(1, #box:records("ocamba", "integrations"))
  end)

  it("takes any id that a path can hold, and a GUID in either case", function()
    local id = "A b/c%2F?#é&=+:1e3"
    box:fault { fault = "others", on = "ocamba integrations", records = { { id = id, name = "n" } } }
    assert.equal("n", boxes.send(box, "GET", PATH .. "/" .. uri.escape(id)).json.name)
    assert.equal(404, boxes.send(box, "GET", PATH .. "/" .. uri.escape(id:lower())).status)
    local guid = "0A000000-0000-4000-8000-000000000001"
    box:fault { fault = "others", on = "ocamba integrations", records = { { id = guid, name = "g" } } }
    assert.equal("g", boxes.send(box, "GET", PATH .. "/" .. guid:lower()).json.name)
    local ocamba = assert(luaprov.client("ocamba", box:options "ocamba"))
    assert.equal(id, assert(ocamba.integrations:get(id)).id)
    assert(ocamba.integrations:update(id, { name = "m" }))
    assert(ocamba.integrations:delete(id))
    assert.equal(1, #box:records("ocamba", "integrations"))
  end)

  it("takes a header in any case, and wants the token as a bearer", function()
    local answers = {
      ["bearer sandbox-token"] = 200, ["BEARER   sandbox-token"] = 200, ["sandbox-token"] = 401, ["Bearer"] = 401,
      ["Basic sandbox-token"] = 401, ["Bearer sandbox-token x"] = 401, ["Bearer Sandbox-token"] = 401,
    }
    for header, status in pairs(answers) do
      assert.equal(status, boxes.send(box, "GET", PATH, { token = false, headers = { AUTHORIZATION = header } }).status,
        header)
    end
    assert.equal(401, boxes.send(box, "GET", PATH, { token = false }).status)
  end)

  it("has no word of a body that is larger than it takes", function()
    local answer = boxes.send(box, "POST", PATH, { body = ("x"):rep(65 * 1024 * 1024) })
    assert.equal(413, answer.status)
  end)
end)
