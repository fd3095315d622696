local near = require "luaprov.near"

describe("near", function()
  it("finds the name that was probably meant", function()
    local names = { "integrations", "providers", "hubs" }
    for written, meant in pairs {
      integration = "integrations", Integrations = "integrations", integartions = "integrations",
      provider = "providers", hub = "hubs", huubs = "hubs", hbus = "hubs",
    } do
      assert.equal(meant, near.match(written, names), written)
    end
  end)

  it("finds nothing where nothing is near", function()
    assert.is_nil(near.match("connections", { "hubs", "pbxs" }))
    assert.is_nil(near.match("x", {}))
    assert.is_nil(near.match("", { "hubs" }))
    assert.is_nil(near.match(5, { "hubs" }))
    assert.is_nil(near.match(("x"):rep(65), { ("x"):rep(65) }))
  end)

  it("prefers the nearest, and the first of equals", function()
    assert.equal("name", near.match("nane", { "game", "name", "nine" }))
    assert.equal("bat", near.match("cat", { "bat", "hat" }))
  end)

  it("passes over what is no text", function()
    assert.is_nil(near.match("2000", { 2000, 2002 }))
    assert.equal("two", near.match("twoo", { 2, "two" }))
  end)

  it("hints at the nearest, else at what there is, else not at all", function()
    assert.equal(" (did you mean 'hubs'?)", near.hint("hub", { "hubs", "pbxs" }))
    assert.equal(" (there is hubs, pbxs)", near.hint("connections", { "pbxs", "hubs" }))
    assert.equal("", near.hint("x", {}))
    local many = {}
    for i = 1, 13 do many[i] = "quite-another-" .. i end
    assert.equal("", near.hint("hubs", many))
  end)
end)
