-- luaprov import, adopt and export: what exists already is taken over, and nothing is changed at the vendor.
local json = require "luaprov.json"
local stacks = require "tests.cli.stack.stacks"
local support = require "tests.support"

local ALL = [[create = post { expect = 201 }, get = get {}, update = patch {}, delete = delete { expect = 204 },
  list = get { items = "items" } },]]
local HEAD = [[return provider { base_url = "https://acme.invalid", auth = bearer "token",
  limits = { { 1000, per = 1 } },
]]
-- A code is never shown.
local SECRETS = HEAD .. [[resource "phones" { path = "/phones", key = { "name" }, text "name" { required = true },
  secret "code" { required = true }, create = post { expect = 201 }, update = patch {},
  list = get { items = "items", shows = { "id", "name" } } } }]]
local PETS = HEAD .. [[resource "pets" { path = "/people/{person}/pets", key = { "person", "name" },
  text "person" { required = true, path = true, fixed = true }, text "name" { required = true }, ]] .. ALL .. "}"
local HUBS = [[resource "hubs" { path = "/hubs", key = { "name" }, text "name" { required = true }, ]] .. ALL

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
    assert.truthy(out:find("acme.lines.one +" .. line.id .. " +equal\n"), out)
    assert.truthy(out:find("\nthose of which there is one are taken over by: luaprov adopt acme.hubs.desk "
      .. "acme.lines.one\n", 1, true), out)
    local first = json.decode((stack:done("adopt --json"):match("^[^\n]+")))
    assert.same({ "candidate", "acme.hubs.desk", hub.id, true }, { first.type, first.address, first.id, first.equal })
    assert.is_nil(io.open(stack.folder .. "/.luaprov/state.db"))
  end)

  it("comes to one address alone", function()
    stack:write 'acme.hubs("a", { name = "Desk" }) acme.hubs("b", { name = "Desk 2" })'
    local out, err, code = stack:run(("adopt acme.hubs.a=%s acme.hubs.b=%s"):format(hub.id, hub.id))
    assert.same({ 1, ("acme.hubs.a is the record with the id %s\n"):format(hub.id) }, { code, out })
    assert.truthy(err:find(("acme.hubs.b: %s is that of acme.hubs.a, too"):format(hub.id), 1, true), err)
    local _
    _, err, code = stack:run("import acme.hubs.b " .. hub.id)
    assert.equal(1, code)
    assert.truthy(err:find(hub.id .. " is acme.hubs.a already", 1, true), err)
  end)

  it("is taken over where it is named, what is needed first", function()
    local out = stack:done "adopt acme.lines.one acme.hubs.desk"
    assert.equal(("acme.hubs.desk is the record with the id %s\nacme.lines.one is the record with the id %s\n")
      :format(hub.id, line.id), out)
    assert.equal(UNCHANGED, (stack:done "plan"))
    assert.equal("nothing: no vendor has a record with a declared key that the state does not know\n",
      (stack:done "adopt"))
    local _, err, code = stack:run "adopt acme.hubs.desk"
    assert.equal(1, code)
    assert.truthy(err:find("the state has it already", 1, true), err)
    stack:write 'acme.hubs("b", { name = "Desk" })'
    _, err, code = stack:run "adopt acme.hubs.b"
    assert.same({ "luaprov: acme.hubs.b: the record with its key is acme.hubs.desk already\n", 1 }, { err, code })
  end)

  it("is found below what is found alone, and not below what may be another", function()
    local other = assert(stack.vendor:client { settle = false }.hubs:create { name = "Two" })
    before = json.encode((stack.vendor:records()))
    stack:write [[
      local two = acme.hubs("two", { name = "Two" })
      acme.lines("far", { hub = two.id, name = "Far" })
      local desk = acme.hubs("desk", { name = "Desk" })
      acme.lines("one", { hub = desk.id, name = "One" })
      acme.lines("two", { hub = desk.id, name = "Two" })]]
    local seen = {}
    for text in stack:done("adopt --json"):gmatch("[^\n]+") do
      local object = assert(json.decode(text))
      seen[#seen + 1] = object.type .. " " .. object.address .. " " .. tostring(object.id)
    end
    assert.same({ "candidate acme.hubs.two " .. other.id, "candidate acme.hubs.desk " .. hub.id,
      "candidate acme.lines.one " .. line.id }, seen)
    assert(stack.vendor:client { settle = false }.hubs:create { name = "Desk" })
    before = json.encode((stack.vendor:records()))
    local out = stack:done "adopt"
    assert.truthy(out:find("note: acme.lines.one: hub is that of acme.hubs.desk, which the state does not know yet", 1,
      true), out)
    assert.truthy(out:find("are taken over by: luaprov adopt acme.hubs.two\n", 1, true), out)
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

    it("to another folder, from where it finds the provider file", function()
      os.execute("mkdir -p " .. stack.folder .. "/one/two")
      os.execute("cp " .. stack.vendor.file .. " " .. stack.folder .. "/acme.lua")
      for _, file in ipairs { "./new.lua", "one/new.lua", "./one//two/new.lua", stack.folder .. "/one/two/more.lua" } do
        stack:done { "export", "./acme.lua", "--no-state", "--out", file }
        local text = support.read((file:find "^/" and "" or stack.folder .. "/") .. file)
        local name = text:match 'use%("(.-)"'
        local folder = file:find "^/" and "" or file:match "^.*/"
        assert.truthy(name:find("/", 1, true), name)
        assert.truthy(io.open(name:find "^/" and name or stack.folder .. "/" .. folder .. name), name)
      end
    end)

    it("over no file that is there, and beside no other records", function()
      stack:write "-- mine"
      local _, err, code = stack:run { "export", stack.vendor.file }
      assert.same({ "luaprov: luaprov.lua is there already, and stays as it is: --out FILE writes another\n", 1 },
        { err, code })
      assert.equal(stack.head .. "-- mine", support.read(stack.folder .. "/luaprov.lua"))
      stack:write(stacks.TWO)
      stack:done "adopt acme.hubs.desk"
      _, err, code = stack:run { "export", stack.vendor.file, "--as", "eu", "--out", "eu.lua" }
      assert.equal(1, code)
      assert.truthy(err:find("the state has acme.hubs.desk, which the new manifest would not declare", 1, true), err)
      assert.is_nil(io.open(stack.folder .. "/eu.lua"))
    end)

    it("of a provider that there is, with options that it has", function()
      local dotted = support.file("my.acme.lua", support.read(stack.vendor.file))
      for said, words in pairs {
        ["there is no provider 'acm'"] = { "export", "acm" },
        ["--set: there is no option 'tken' (did you mean 'token'?)"] =
          { "export", stack.vendor.file, "--set", "tken=x" },
        ["--as takes a name"] = { "export", stack.vendor.file, "--as", "a b" },
        ["'my.acme' cannot name an account: say --as my_acme"] = { "export", dotted, "--set", "token=x" },
      } do
        local _, err, code = stack:run(words)
        assert.equal(64, code)
        assert.truthy(err:find(said, 1, true), err)
      end
    end)
  end)

  describe("is exported where only somebody knows a part of it:", function()
    local other

    -- The commands are run there.
    local function use(text)
      other = stacks.start(nil, text)
      return other.vendor:client { settle = false }
    end

    it("a secret", function()
      local client = use(SECRETS)
      local phone = assert(client.phones:create { name = "One", code = "FAKE-code" })
      local out, err, code = other:run { "export", other.vendor.file }
      assert.equal(1, code)
      assert.truthy(out:find("luaprov.lua: 1 record\n", 1, true), out)
      assert.truthy(err:find("luaprov: set ACME_PHONES_ONE_CODE: acme.phones.one code\n", 1, true), err)
      assert.truthy(err:find("the records are not in the state yet: with 1 variable set, run the same luaprov export "
        .. "again, which goes on with this luaprov.lua, or luaprov adopt ADDRESS …, which", 1, true), err)
      assert.equal(1, select(2, out:gsub("they must be the true ones, or live passwords are overwritten", "")))
      assert.is_nil(io.open(other.folder .. "/.luaprov/state.db"))
      local text = support.read(other.folder .. "/luaprov.lua")
      assert.truthy(text:find('code = secret.env "ACME_PHONES_ONE_CODE"', 1, true), text)

      other.environment.ACME_PHONES_ONE_CODE = "FAKE-code"
      assert.truthy(other:done("adopt"):find("acme.phones.one +" .. phone.id .. " "))
      out = other:done { "export", other.vendor.file }
      assert.truthy(out:find("luaprov.lua: 1 record, all of them in the state\n", 1, true), out)
      assert.equal(text, support.read(other.folder .. "/luaprov.lua"))
      assert.equal("no changes; 1 unchanged\n", (other:done "plan"))

      -- What was sent stays known.
      other.environment.ACME_PHONES_ONE_CODE = "FAKE-other"
      other:done { "export", other.vendor.file }
      assert.truthy(other:done("plan"):find("1 to update", 1, true))

      assert(client.phones:create { name = "Two", code = "FAKE-two" })
      out, err, code = other:run { "export", other.vendor.file }
      assert.same({ "", "luaprov: luaprov.lua is there already, and stays as it is: --out FILE writes another\n", 1 },
        { out, err, code })
      assert.equal(text, support.read(other.folder .. "/luaprov.lua"))
    end)

    it("a secret, which the manifest alone does not need", function()
      assert(use(SECRETS).phones:create { name = "One", code = "FAKE-code" })
      local out, err = other:done { "export", other.vendor.file, "--no-state" }
      assert.equal("", err)
      assert.truthy(out:find("the manifest reads secrets from the environment: LUAPROV_ACME_TOKEN, "
        .. "ACME_PHONES_ONE_CODE\n", 1, true), out)
      assert.truthy(out:find("they must be the true ones", 1, true), out)
      assert.truthy(io.open(other.folder .. "/luaprov.lua")):close()
    end)

    it("a secret, for a program", function()
      assert(use(SECRETS).phones:create { name = "One", code = "FAKE-code" })
      local out, err, code = other:run { "export", other.vendor.file, "--json" }
      assert.equal(1, code)
      local unset
      for printed in out:gmatch("[^\n]+") do
        local object = assert(json.decode(printed))
        if object.what == "unset" then unset = object end
      end
      assert.same({ type = "event", what = "unset", variable = "ACME_PHONES_ONE_CODE", address = "acme.phones.one",
                    field = "code" }, unset)
      assert.truthy(assert(json.decode(err)).message:find("not in the state yet", 1, true))
    end)

    it("whose the records are", function()
      local client = use(PETS)
      assert(client.pets:create { person = "p1", name = "Rex" })
      assert(client.pets:create { person = "p2", name = "Tom" })
      local out, err, code = other:run { "export", other.vendor.file }
      assert.same({ "", 1 }, { out, code })
      assert.equal("luaprov: pets: cannot be listed: whose they are has to be said: person (--parent person=VALUE)\n"
        .. "luaprov: nothing could be listed, so nothing was written\n", err)
      assert.is_nil(io.open(other.folder .. "/luaprov.lua"))
      for said, word in pairs {
        ["--parent: acme has no 'persn' that has to be said (did you mean 'person'?)"] = "persn=p1",
        ["--parent takes name=value"] = "person",
      } do
        out, err, code = other:run { "export", other.vendor.file, "--parent", word }
        assert.same({ "", 64 }, { out, code })
        assert.truthy(err:find(said, 1, true), err)
      end
      other:done { "export", other.vendor.file, "--parent", "person=p1", "--parent", "person=p2" }
      assert.equal("no changes; 2 unchanged\n", (other:done "plan"))
    end)

    it("whose some of the records are", function()
      local client = use((PETS:gsub("}$", HUBS .. "}")))
      assert(client.hubs:create { name = "Desk" })
      local out, err, code = other:run { "export", other.vendor.file }
      assert.equal(1, code)
      assert.truthy(out:find("luaprov.lua: 1 record, all of them in the state\n", 1, true), out)
      assert.truthy(err:find("(--parent person=VALUE)\n", 1, true), err)
      assert.truthy(err:find("not everything could be listed, so luaprov.lua lacks it", 1, true), err)
    end)
  end)
end)
