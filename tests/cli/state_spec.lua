-- luaprov state, show and refresh.
local json = require "luaprov.json"
local stacks = require "tests.cli.stack.stacks"

local ADDRESSES = { "acme.hubs.desk", "acme.lines.one" }

describe("the state", function()
  local stack
  before_each(function()
    stack = stacks.start()
    stack:write(stacks.TWO)
    stack:done "apply --yes"
  end)
  after_each(stacks.stop)

  local function objects(words)
    local list = {}
    for line in stack:done(words):gmatch("[^\n]+") do list[#list + 1] = assert(json.decode(line)) end
    return list
  end

  local function addresses(words)
    local list = {}
    for i, object in ipairs(objects(words)) do list[i] = object.address end
    return list
  end

  it("is listed, as objects on a pipe and as a table where it is asked for", function()
    assert.same(ADDRESSES, addresses "state list")
    assert.same({ "acme.hubs.desk" }, addresses "state list acme.hubs")
    assert.same({}, addresses "state list acme.hub")
    local out = stack:done "state list --table"
    assert.truthy(out:find("^address +id +updated\nacme.hubs.desk +%w+ +%d+%-%d+%-%d+ %d+:%d+:%d+ UTC\n"), out)
  end)

  it("is listed with the calls of which nobody knows the end", function()
    local store = stack:store()
    local lease = assert(store:lease { holder = "somebody else", seconds = 5 })
    local function intent(address, operation, record_id)
      return { intent = { id = store:next_id(), address = address, provider = "acme", resource = "hubs",
        operation = operation, record_id = record_id, within = 1 } }
    end
    assert(store:commit { intent("acme.hubs.desk", "update", "1001"), intent("acme.hubs.new", "create"),
      intent("acme.hubs.desk", "delete", "999") })
    lease:release()
    store:close()
    local seen = {}
    for i, object in ipairs(objects "state list") do
      seen[i] = object.address .. " " .. tostring(object.id) .. " " .. tostring(object.open)
      assert.equal(object.open ~= nil, object.since ~= nil)
    end
    assert.same({ "acme.hubs.desk 1001 update", "acme.hubs.desk nil delete", "acme.hubs.new nil create",
      "acme.lines.one 1001 nil" }, seen)
    assert.equal(3, #objects "state list acme.hubs")
    local out = stack:done "state list --table"
    assert.truthy(out:find("^address +id +updated +open\n"), out)
    assert.truthy(out:find("\nacme.hubs.new +create, not settled, of %d+%-%d+%-%d+ %d+:%d+:%d+ UTC\n"), out)
  end)

  it("is shown, without secrets and what is kept of them", function()
    for _, command in ipairs { "show", "state show" } do
      assert.same(ADDRESSES, addresses(command))
      local desk = objects(command .. " acme.hubs.desk")[1]
      assert.equal("Desk", desk.fields.name)
      assert.same({ "pin" }, desk.hidden)
      assert.is_nil(desk.secrets)
      local out = stack:done(command .. " acme.lines.one --table")
      assert.truthy(out:find("^acme.lines.one\n  id "), out)
      assert.truthy(out:find("\n    name +One\n"), out)
    end
  end)

  it("has nothing under an address that is none, and says which was meant", function()
    for _, words in ipairs { "show acme.hubs.dsk", "state show acme.hubs.dsk" } do
      local out, err, code = stack:run(words)
      assert.same({ "", 1 }, { out, code })
      assert.equal("luaprov: the state has no record acme.hubs.dsk (did you mean 'acme.hubs.desk'?)\n", err)
    end
    local _, err, code = stack:run "state rm acme.hubs.dsk"
    assert.same({ "luaprov: the state has no record acme.hubs.dsk (did you mean 'acme.hubs.desk'?)\n", 1 },
      { err, code })
  end)

  it("takes the words that other commands take to read the manifest", function()
    assert.same({ "acme.lines.one" }, addresses "state list acme.lines --var region=eu")
    stack:done "show --var region=eu --var other=1"
  end)

  it("forgets a record, which stays at the vendor", function()
    local id = stack:there()["lines One"].id
    local out = stack:done "state rm acme.lines.one"
    assert.equal(("the state has forgotten acme.lines.one; the vendor still has it (id %s)\n"):format(id), out)
    assert.same({ "acme.hubs.desk" }, addresses "state list")
    assert.same({ "hubs Desk", "lines One" }, stack:names())
  end)

  it("gives a record another address, and nothing is made anew for it", function()
    stack:done "state mv acme.hubs.desk acme.hubs.front"
    stack:write((stacks.TWO:gsub('"desk"', '"front"')))
    assert.equal("no changes; 2 unchanged\n", (stack:done "plan"))
    for said, words in pairs {
      ["the state has a record acme.lines.two"] = { "state mv acme.lines.one acme.lines.two", 1 },
      ["a record stays one of its resource"] = { "state mv acme.lines.one acme.hubs.one", 64 },
      ["an address is ALIAS.RESOURCE.NAME, and 'one' is none"] = { "state mv acme.lines.one one", 64 },
      ["is none: the name is longer than 200 bytes"] = { "state mv acme.lines.one acme.lines." .. ("a"):rep(201), 64 },
      ["is none: an alias has letters, digits, _ and - only"] = { "state mv acme.lines.one a+b.lines.one", 64 },
      ["the state has no record acme.lines.nine"] = { "state mv acme.lines.nine acme.lines.ten", 1 },
      ["mv takes two addresses"] = { "state mv acme.lines.one", 64 },
      ["rm takes the address of a record"] = { "state rm", 64 },
      ["list takes the address of a record"] = { "state list a b", 64 },
    } do
      if said:find("two$") then stack:done "state mv acme.lines.one acme.lines.two" end
      local _, err, code = stack:run(words[1])
      if said:find("two$") then
        assert.equal(1, code) -- it is there no more under its old name
        stack:done "state mv acme.lines.two acme.lines.one"
      else
        assert.truthy(err:find(said, 1, true), err)
        assert.equal(words[2], code)
      end
    end
  end)

  it("is not there before the first apply, which is said", function()
    for _, words in ipairs { "state list", "show", "state rm a.b.c", "refresh" } do
      local _, err, code = stack:run(words .. " --state none.db")
      assert.equal(1, code)
      assert.equal("luaprov: there is no state at none.db: go to the manifest's folder, or say where it is by --file "
        .. "or --state; luaprov apply makes it\n", err)
    end
  end)

  it("stands beside the manifest that --file names", function()
    stack:done(("state list --file %s/luaprov.lua"):format(stack.folder))
    local _, err = stack:run "state list --file elsewhere/luaprov.lua"
    assert.truthy(err:find("there is no state at elsewhere/.luaprov/state.db", 1, true), err)
  end)

  describe("is refreshed", function()
    it("with what was changed at the vendor, which plan then takes for known", function()
      stack:change("hubs", stack:there()["hubs Desk"].id, { about = "moved" })
      local out = stack:done "refresh"
      assert.equal('! acme.hubs.desk changed at the vendor\n      about  "front" → "moved"\n'
        .. "2 records, 1 changed, 0 gone\n", out)
      assert.equal("moved", objects("show acme.hubs.desk")[1].fields.about)
      out = stack:done "plan"
      assert.is_nil(out:find("changed at the vendor", 1, true), out)
      assert.truthy(out:find('"moved" → "front"', 1, true), out)
      assert.equal("2 records, 0 changed, 0 gone\n", (stack:done "refresh"))
    end)

    it("with what is gone, which stays in it until it is made anew", function()
      local line = stack:there()["lines One"]
      assert(stack.vendor:client { settle = false }.lines:delete(line.id, { hub = line.hub }))
      assert.equal("! acme.lines.one is gone at the vendor\n2 records, 0 changed, 1 gone\n", (stack:done "refresh"))
      local drift = objects "refresh --json"
      assert.same({ "acme.lines.one", true }, { drift[1].address, drift[1].gone })
      assert.same({ "summary", "refresh", 2, 0, 1 },
        { drift[2].type, drift[2].phase, drift[2].records, drift[2].changed, drift[2].gone })
      assert.same(ADDRESSES, addresses "state list")
      assert.truthy(stack:done("apply --yes"):find("\n1 created\n$"))
      assert.same({ "hubs Desk", "lines One" }, stack:names())
    end)

    it("with nothing when a vendor cannot be asked", function()
      stack.vendor.process:stop()
      local out, err, code = stack:run "refresh"
      assert.same({ "", 1 }, { out, code })
      assert.truthy(err:find("luaprov: acme.hubs.desk: cannot be looked at: ", 1, true), err)
      assert.truthy(err:find("not everything could be looked at", 1, true), err)
    end)
  end)
end)
