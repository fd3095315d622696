local changes = require "luaprov.provider.changes"
local json = require "luaprov.json"

local function body(form, changed, whole)
  local made, content_type = changes.body(form, changed, whole)
  return json.encode(made), content_type
end

describe("an update", function()
  local changed = { name = "n", note = json.null, settings = { key = "k", tags = { "a" } } }

  it("sends the changes", function()
    local text, content_type = body("changes", changed)
    assert.equal('{"name":"n","note":null,"settings":{"key":"k","tags":["a"]}}', text)
    assert.equal("application/json", content_type)
  end)

  it("sends a merge patch (RFC 7396)", function()
    local text, content_type = body("merge_patch", changed)
    assert.equal('{"name":"n","note":null,"settings":{"key":"k","tags":["a"]}}', text)
    assert.equal("application/merge-patch+json", content_type)
  end)

  it("sends a JSON Patch (RFC 6902), groups field by field", function()
    local text, content_type = body("json_patch", changed)
    assert.equal('[{"op":"replace","path":"/name","value":"n"},{"op":"remove","path":"/note"},'
      .. '{"op":"replace","path":"/settings/key","value":"k"},'
      .. '{"op":"replace","path":"/settings/tags","value":["a"]}]', text)
    assert.equal("application/json", content_type)
  end)

  it("escapes names in a JSON Patch", function()
    assert.equal('[{"op":"replace","path":"/a~1b~0c","value":1}]', (body("json_patch", { ["a/b~c"] = 1 })))
  end)

  it("replaces lists and empty tables in a JSON Patch whole", function()
    assert.equal('[{"op":"replace","path":"/a","value":[]},{"op":"replace","path":"/b","value":{}},'
      .. '{"op":"replace","path":"/c","value":[1,{"x":2}]}]',
      (body("json_patch", { a = json.array {}, b = {}, c = { 1, { x = 2 } } })))
  end)

  it("of nothing is an empty JSON Patch", function()
    assert.equal("[]", (body("json_patch", {})))
  end)

  it("sends the whole with the changes over it", function()
    local whole = { name = "old", note = "old", kept = 1,
                    settings = { key = "old", kept = 2, tags = json.array { "x", "y" } } }
    local text, content_type = body("whole", changed, whole)
    assert.equal('{"kept":1,"name":"n","settings":{"kept":2,"key":"k","tags":["a"]}}', text)
    assert.equal("application/json", content_type)
  end)

  it("of the whole replaces what is no group", function()
    assert.equal('{"a":{"x":1},"b":"text","c":{}}',
      (body("whole", { a = { x = 1 }, b = "text", c = {} }, { a = "old", b = { y = 1 }, c = { z = 1 } })))
  end)
end)
