-- luaprov import, adopt and export: what exists already is taken over, and nothing is changed at the vendor.
local json = require "luaprov.json"
local stacks = require "tests.cli.stack.stacks"
local support = require "tests.support"

local UNCHANGED = "no changes; 2 unchanged\n"

describe("what exists at a vendor", function()
  local stack, hub, line, before
  before_each(function()
    stack = stacks.start()
    local client = stack.vendor:client { settle = false }
    hub = assert(client.hubs:create { name = "Desk", about = "front", pin = "FAKE-pin" })
    line = assert(client.lines:create { hub = hub.id, name = "One" })
    before = json.encode((stack.vendor:records()))
    stack:write(stacks.TWO)
  end)
  after_each(function()
    assert.equal(before, json.encode((stack.vendor:records())))
    stacks.stop()
  end)

  it("is imported by its id", function()
    assert.equal(("acme.hubs.desk is the record with the id %s\n"):format(hub.id),
      (stack:done("import acme.hubs.desk " .. hub.id)))
    stack:done("import acme.lines.one " .. line.id)
    assert.equal(UNCHANGED, (stack:done "plan"))
  end)

  it("is imported only where it is declared, there, and not in the state yet", function()
    stack:done("import acme.hubs.desk " .. hub.id)
    for said, words in pairs {
      ["the manifest declares no record acme.hubs.dsk (did you mean 'acme.hubs.desk'?)"] =
        { "import acme.hubs.dsk " .. hub.id, 64 },
      ["acme.hubs.desk is in the state already, with the id " .. hub.id] = { "import acme.hubs.desk 99", 1 },
      ["there is no 99"] = { "import acme.lines.one 99", 1 },
    } do
      local out, err, code = stack:run(words[1])
      assert.same({ "", words[2] }, { out, code })
      assert.truthy(err:find(said, 1, true), err)
    end
    local _, _, code = stack:run "import acme.hubs.desk"
    assert.equal(64, code)
  end)

  it("is found by its key", function()
    local out = stack:done "adopt"
    assert.truthy(out:find("acme.hubs.desk +" .. hub.id .. " +equal\n"), out)
    assert.truthy(out:find("note: acme.lines.one: hub is that of acme.hubs.desk, which the state does not know yet", 1,
      true), out)
    local first = json.decode((stack:done("adopt --json"):match("^[^\n]+")))
    assert.same({ "candidate", "acme.hubs.desk", hub.id, true }, { first.type, first.address, first.id, first.equal })
    assert.is_nil(io.open(stack.folder .. "/.luaprov/state.db"))
  end)

  it("is taken over where it is named, what is needed first", function()
    local out = stack:done "adopt acme.lines.one acme.hubs.desk"
    assert.equal(("acme.hubs.desk is the record with the id %s\nacme.lines.one is the record with the id %s\n")
      :format(hub.id, line.id), out)
    assert.equal(UNCHANGED, (stack:done "plan"))
    assert.equal("nothing: the vendors have no record with a key that is declared\n", (stack:done "adopt"))
    local _, err, code = stack:run "adopt acme.hubs.desk"
    assert.equal(1, code)
    assert.truthy(err:find("the state has it already", 1, true), err)
  end)

  it("is taken over with the id that is named", function()
    stack:done(("adopt acme.hubs.desk=%s acme.lines.one=%s"):format(hub.id, line.id))
    assert.equal(UNCHANGED, (stack:done "plan"))
  end)

  it("is not taken over where it is not sure which one is meant", function()
    local other = assert(stack.vendor:client { settle = false }.hubs:create { name = "Desk" })
    before = json.encode((stack.vendor:records()))
    local _, err, code = stack:run "adopt acme.hubs.desk"
    assert.equal(1, code)
    assert.truthy(err:find("luaprov: acme.hubs.desk: 2 records may be it: name one of them (acme.hubs.desk=ID): ", 1,
      true), err)
    assert.truthy(err:find(other.id, 1, true), err)
    stack:write 'acme.hubs("x", { name = "X" })'
    _, err, code = stack:run "adopt acme.hubs.x"
    assert.same({ "luaprov: acme.hubs.x: the vendor has no record with its key\n", 1 }, { err, code })
    _, err, code = stack:run "adopt acme.hubs.y"
    assert.equal(64, code)
    assert.truthy(err:find("the manifest declares no record acme.hubs.y", 1, true), err)
  end)

  it("says which outputs it lacks, and which fields are taken as declared", function()
    stack:write 'acme.hubs("desk", { name = "Desk" }, { outputs = { site = file "site" } })'
    local out = stack:done("import acme.hubs.desk " .. hub.id)
    assert.truthy(out:find("note: acme.hubs.desk: the vendor does not show site any more: its output has nothing", 1,
      true), out)
    assert.is_nil(io.open(stack.folder .. "/site"))
  end)

  describe("is exported", function()
    before_each(function() os.remove(stack.folder .. "/luaprov.lua") end)

    it("as a manifest that plans to no change", function()
      local out = stack:done { "export", stack.vendor.file }
      assert.truthy(out:find("luaprov.lua: 2 records, all of them in the state\n", 1, true), out)
      local text = support.read(stack.folder .. "/luaprov.lua")
      assert.truthy(text:find('"Desk"', 1, true), text)
      assert.is_nil(text:find("FAKE", 1, true), text)
      assert.equal(UNCHANGED, (stack:done "plan"))
    end)

    it("alone, without the state", function()
      stack:done { "export", stack.vendor.file, "--no-state", "--as", "eu", "--out", "eu.lua" }
      assert.truthy(support.read(stack.folder .. "/eu.lua"):find('as = "eu"', 1, true))
      assert.is_nil(io.open(stack.folder .. "/.luaprov/state.db"))
    end)

    it("over no file that is there, and beside no other records", function()
      stack:write "-- mine"
      local _, err, code = stack:run { "export", stack.vendor.file }
      assert.same({ "luaprov: luaprov.lua is there already, and stays as it is\n", 1 }, { err, code })
      assert.equal(stack.head .. "-- mine", support.read(stack.folder .. "/luaprov.lua"))
      stack:write(stacks.TWO)
      stack:done "adopt acme.hubs.desk"
      _, err, code = stack:run { "export", stack.vendor.file, "--as", "eu", "--out", "eu.lua" }
      assert.equal(1, code)
      assert.truthy(err:find("the state has acme.hubs.desk, which the new manifest would not declare", 1, true), err)
      assert.is_nil(io.open(stack.folder .. "/eu.lua"))
    end)

    it("of a provider that there is, with options that it has", function()
      for said, words in pairs {
        ["there is no provider 'acm'"] = { "export", "acm" },
        ["--set: there is no option 'tken' (did you mean 'token'?)"] =
          { "export", stack.vendor.file, "--set", "tken=x" },
        ["--as takes a name"] = { "export", stack.vendor.file, "--as", "a b" },
      } do
        local _, err, code = stack:run(words)
        assert.equal(64, code)
        assert.truthy(err:find(said, 1, true), err)
      end
    end)
  end)
end)
