-- luaprov plan: shows what apply would do, and does nothing.
local json = require "luaprov.json"
local stacks = require "tests.cli.stack.stacks"
local support = require "tests.support"

describe("luaprov plan", function()
  local stack
  before_each(function() stack = stacks.start() end)
  after_each(stacks.stop)

  it("shows what would be made, and neither sends it nor makes a state", function()
    stack:write(stacks.TWO)
    local out = stack:done "plan"
    assert.truthy(out:find("+ create acme.hubs.desk\n", 1, true), out)
    assert.truthy(out:find("hub   acme.hubs.desk.id (known at apply)\n", 1, true), out)
    assert.truthy(out:find("\n2 to create; 0 unchanged\n", 1, true), out)
    assert.is_nil(out:find("FAKE", 1, true))
    assert.is_nil(out:find("\27", 1, true))
    assert.same({}, stack:names())
    assert.is_nil(io.open(stack.folder .. "/.luaprov/state.db"))
  end)

  it("says by its exit code whether there are changes, where it is asked to", function()
    stack:write(stacks.TWO)
    assert.equal(2, select(3, stack:run "plan --detailed-exitcode"))
    stack:done "apply --yes"
    assert.equal(0, select(3, stack:run "plan --detailed-exitcode"))
    stack:write "acme.hubs('x', { nam = 'y' })"
    assert.equal(1, select(3, stack:run "plan --detailed-exitcode"))
  end)

  it("prints an object a line with --json", function()
    stack:write(stacks.TWO)
    local types = {}
    for line in stack:done("plan --json"):gmatch("[^\n]+") do
      local object = assert(json.decode(line))
      types[#types + 1] = object.type .. " " .. (object.address or object.calls)
    end
    assert.same({ "step acme.hubs.desk", "step acme.lines.one", "summary 4" }, types)
  end)

  it("prints errors with --json whatever the bytes in them", function()
    stack:write("acme.hubs('x', { nam = 'y' }) error '\\255'")
    local out, err = stack:run "plan --json"
    assert.equal("", out)
    local object = assert(json.decode(err))
    assert.truthy(object.message:find("name is required", 1, true), err)
    assert.truthy(object.message:find("\\xff", 1, true), err)
  end)

  it("has colours on a terminal, and none with --no-color", function()
    stack:write(stacks.TWO)
    assert.truthy(stack:at_terminal("plan", ""):find("\27[32m+ create acme.hubs.desk\27[0m", 1, true))
    assert.is_nil(stack:at_terminal("plan --no-color", ""):find("\27[3", 1, true))
    stack.environment.NO_COLOR = "1"
    assert.is_nil(stack:at_terminal("plan", ""):find("\27[3", 1, true))
  end)

  it("refuses with 64 where there is no manifest, and reads the one that --file names", function()
    local out, err, code = stack:run "plan"
    assert.same({ "", 64 }, { out, code })
    assert.truthy(err:find("luaprov: plan: there is no manifest luaprov.lua in this folder: go to its folder, or name "
      .. "it by --file\n", 1, true), err)
    local why = select(2, stack:run "plan --file nowhere.lua")
    assert.truthy(why:find("luaprov: plan: there is no manifest nowhere.lua (No such file or directory)\n", 1, true),
      why)
    stack:write(stacks.TWO, "other.lua")
    assert.truthy(stack:done("plan --file other.lua"):find("2 to create", 1, true))
    assert.truthy(stack:done("plan -f " .. stack.folder .. "/other.lua"):find("2 to create", 1, true))
  end)

  it("tells all that is wrong with a manifest, with its lines", function()
    stack:write "acme.hubs('a', {})\nacme.hubs('b', { name = 'b', abut = 'x' })"
    local out, err, code = stack:run "plan"
    assert.same({ "", 1 }, { out, code })
    assert.truthy(err:find("^luaprov: luaprov.lua:2: acme.hubs.a: name is required\n"), err)
    assert.truthy(err:find("luaprov.lua:3: acme.hubs.b: abut is unknown", 1, true), err)
  end)

  it("gives the manifest what --var says", function()
    stack:write "acme.hubs(var 'who', { name = var 'who', about = var('about', 'none') })"
    stack.environment.ABOUT = "from outside"
    local out = stack:done { "plan", "--var", "who=Desk", "--var", "about=env:ABOUT" }
    assert.truthy(out:find("+ create acme.hubs.Desk\n", 1, true), out)
    assert.truthy(out:find('"from outside"', 1, true), out)
    for said, words in pairs {
      ["--var takes name=value"] = "plan --var who", ["--var: who is given twice"] = "plan --var who=a --var who=b",
    } do
      local _, err, code = stack:run(words)
      assert.equal(64, code)
      assert.truthy(err:find(said, 1, true), err)
    end
    local _, err, code = stack:run "plan"
    assert.equal(1, code)
    assert.truthy(err:find("there is no var 'who'", 1, true), err)
  end)

  it("keeps to --target, and refuses one that is not there", function()
    stack:write(stacks.TWO .. "acme.hubs('other', { name = 'Other' })")
    assert.truthy(stack:done("plan --target acme.lines.one"):find("2 to create", 1, true))
    local _, err, code = stack:run "plan --target acme.hubs.dsk"
    assert.equal(64, code)
    assert.truthy(err:find("there is no record acme.hubs.dsk (did you mean 'acme.hubs.desk'?)", 1, true), err)
    _, err, code = stack:run "plan --target=.x"
    assert.same({ "luaprov: plan: --target: there is no record .x", 64 }, { err:match("^.-%.x"), code })
  end)

  it("shows what was changed at the vendor, unless it is told not to look", function()
    stack:write(stacks.TWO)
    stack:done "apply --yes"
    local id = stack:there()["hubs Desk"].id
    stack:change("hubs", id, { about = "moved" })
    local out = stack:done "plan"
    assert.truthy(out:find('! acme.hubs.desk changed at the vendor\n      about  "front" → "moved"', 1, true), out)
    assert.truthy(out:find("1 to update; 1 unchanged, 1 changed at the vendors", 1, true), out)
    assert.truthy(stack:done("plan --no-refresh"):find("no changes; 2 unchanged", 1, true))
  end)

  it("says what the vendor has already, with the command that takes it over", function()
    local client = stack.vendor:client { settle = false }
    local id = assert(client.hubs:create { name = "Desk" }).id
    for _ = 1, 2 do assert(client.hubs:create { name = "Other" }) end
    stack:write(stacks.TWO .. "acme.hubs('other one', { name = 'Other' })\nacme.hubs('new', { name = 'New' })")
    local out = stack:done "plan"
    local note = ("note: acme.hubs.desk: the vendor has one with its key already (id %s), and would have both: luaprov "
      .. "adopt acme.hubs.desk takes it over\n"):format(id)
    assert.truthy(out:find(note, 1, true), out)
    assert.truthy(out:find("note: acme.hubs.other one: the vendor has 2 with its key already", 1, true), out)
    assert.truthy(out:find("luaprov import 'acme.hubs.other one' ID takes one over", 1, true), out)
    assert.equal(2, select(2, out:gsub("note: ", "")))
    assert.truthy(stack:at_terminal("apply", "no\n"):find(note, 1, true))
    assert.is_nil(stack:done("plan --no-refresh"):find("note: ", 1, true))
    stack:done "adopt acme.hubs.desk"
    assert.is_nil(stack:done("plan"):find("acme.hubs.desk: the vendor has", 1, true))
  end)

  it("names twenty of those at the most, and how many more there are", function()
    local client, declared = stack.vendor:client { settle = false }, {}
    for i = 1, 22 do
      assert(client.hubs:create { name = "H" .. i })
      declared[i] = ("acme.hubs('h%d', { name = 'H%d' })"):format(i, i)
    end
    stack:write(table.concat(declared, "\n"))
    local out = stack:done "plan"
    assert.equal(20, select(2, out:gsub("note: acme.hubs.h%d+: the vendor has one", "")))
    assert.truthy(out:find("adopt acme.hubs.h20 takes it over; and 2 more: luaprov adopt shows them\n", 1, true), out)
  end)

  it("does without knowing that, where the vendor cannot be asked", function()
    stack:write(stacks.TWO)
    stack.environment.LUAPROV_ACME_BASE_URL = "http://127.0.0.1:1"
    local out = stack:done "plan"
    assert.truthy(out:find("note: acme: whether the vendor has what is to be made could not be looked at: ", 1, true),
      out)
    assert.truthy(out:find("2 to create", 1, true), out)
  end)

  it("says which output is not at its place any more", function()
    local text = "acme.hubs('desk', { name = 'Desk' }, { outputs = { apiKey = file 'key', pin = command { 'cat' } } })"
    stack:write(text)
    assert.is_nil(stack:done("plan"):find("note: ", 1, true))
    stack:run "apply --yes"
    -- It has none, and the state still knows after what was read anew and written.
    local lost = "note: acme.hubs.desk: its output pin did not get to the command cat; where the vendor shows it only "
      .. "once, only a record that is made anew has one\n"
    assert.truthy(stack:done("plan"):find(lost, 1, true))
    stack:change("hubs", stack:there()["hubs Desk"].id, { about = "x" })
    stack:done "refresh"
    stack:write((text:gsub("'Desk'", "'Front'")))
    stack:run "apply --yes"
    local out = stack:done "plan"
    assert.truthy(out:find(lost, 1, true), out)
    assert.is_nil(out:find("its output apiKey", 1, true))
    text = text:gsub(", pin = command { 'cat' }", "")
    stack:write(text)
    stack:done "apply --yes"
    assert.is_nil(stack:done("plan"):find("note: ", 1, true))
    assert(os.remove(stack.folder .. "/key"))
    local said = "note: acme.hubs.desk: its output apiKey is not at key: put a copy back"
    assert.truthy(stack:done("plan"):find(said, 1, true))
    assert.truthy(stack:done("plan --no-refresh --target acme.hubs"):find(said, 1, true))
    assert.is_nil(stack:done("plan --destroy"):find("note: ", 1, true))
    stack:write(text .. "\nacme.hubs('other', { name = 'Other' })")
    assert.is_nil(stack:done("plan --target acme.hubs.other"):find("note: ", 1, true))
  end)

  it("has a fault where an output has no folder to go to", function()
    local text = "acme.hubs('desk', { name = 'Desk' }, { outputs = { apiKey = file 'no/such/key' } })"
    stack:write(text)
    local out, err, code = stack:run "plan"
    assert.same({ "luaprov: the plan has faults, and would not be applied\n", 1 }, { err, code })
    assert.truthy(out:find("luaprov.lua:2: acme.hubs.desk: the output apiKey is to go to no/such/key, and there is no "
      .. "folder no/such/\n", 1, true), out)
    assert.equal(1, select(3, stack:run "apply --yes"))
    assert.same({}, stack:names())
    os.execute("mkdir -p '" .. stack.folder .. "/no/such'")
    assert.truthy(stack:done("plan"):find("1 to create", 1, true))
  end)

  it("has a fault where a vendor refuses the credentials with which it is to be asked", function()
    stack:write(stacks.TWO)
    stack.environment.LUAPROV_ACME_TOKEN = "another"
    local out, _, code = stack:run "plan"
    assert.equal(1, code)
    assert.truthy(out:find("luaprov.lua:1: acme: the vendor refuses the credentials (LUAPROV_ACME_TOKEN): acme ", 1,
      true), out)
  end)

  it("compares nothing of an account that is not the one of the state", function()
    stack:write(stacks.TWO)
    stack:done "apply --yes"
    stack.environment.LUAPROV_ACME_TOKEN = "another"
    local out, err, code = stack:run "plan"
    assert.same({ 1, "luaprov: the plan has faults, and would not be applied\n" }, { code, err })
    assert.truthy(out:find "^no plan can be made\n", out)
    assert.is_nil(out:find("unchanged", 1, true))
    out, err, code = stack:run "refresh"
    assert.same({ 1, "luaprov: not everything could be looked at\n" }, { code, err })
    assert.truthy(out:find("it belongs to another account than today's credentials (--same-account acme)\n", 1, true),
      out)
  end)

  it("finds a provider file beside the manifest, or else in the folder where somebody is", function()
    os.execute(("mkdir '%s/part' && cp '%s' '%s/part/own.lua' && cp '%s' '%s/other.lua'"):format(stack.folder,
      stack.vendor.file, stack.folder, stack.vendor.file, stack.folder))
    stack:write([[local own = use("./own.lua", { token = "x" })
      local other = use("./other.lua", { token = "x" }, { as = "other" })
      use("./none.lua")
      own.boxes("x", { name = "X" })]], "part/luaprov.lua")
    local _, err = stack:run "plan --file part/luaprov.lua"
    assert.truthy(err:find("luaprov: part/luaprov.lua:4: there is no provider file ./none.lua, neither in part nor "
      .. "here\n", 1, true), err)
  end)

  it("says which accounts need nothing of what cannot be looked at", function()
    local function declare(base_url)
      stack:write((table.concat({
        "acme.boxes('a', { name = 'A' })",
        "local two = use(%q, { timeout = 2, patience = 2%s }, { as = 'two' })",
        "two.hubs('b', { name = 'B' })",
        "local three = use(%q, { timeout = 2 }, { as = 'three' })",
        "local c = three.hubs('c', { name = 'C' })",
        "two.lines('d', { hub = c.id, name = 'D' }, { depends_on = { c } })",
      }, "\n")):format(stack.vendor.file, base_url, stack.vendor.file))
    end
    declare ""
    stack:done "apply --yes"
    local store = stack:store()
    local lease = assert(store:lease { holder = "spec", seconds = 5 })
    for _, row in ipairs(store:records()) do
      if row.address:find "^two" then
        row.base_url = "http://127.0.0.1:1"
        assert(store:commit { { record = row } })
      end
    end
    lease:release()
    store:close()
    declare ", base_url = 'http://127.0.0.1:1'"
    local _, err, code = stack:run "plan"
    assert.equal(1, code)
    assert.truthy(err:find("so nothing was done (--no-refresh takes what the state says; "
      .. "--target acme does without it)\n", 1, true), err)
    assert.equal("no changes; 4 unchanged\n", (stack:done "plan --target acme"))
    assert.is_nil(select(2, stack:run "plan --target two"):find("--target", 1, true))
    assert.is_nil(select(2, stack:run "refresh"):find("--target", 1, true))
  end)

  it("says whose credentials are refused, and proposes nothing that does not help", function()
    stack:write(stacks.TWO)
    stack:done "apply --yes"
    stack.environment.LUAPROV_ACME_TOKEN = "another"
    for _, words in ipairs { "plan --same-account acme", "refresh --same-account acme",
      "apply --yes --same-account acme" } do
      local _, err, code = stack:run(words)
      assert.equal(1, code)
      assert.truthy(err:find("so nothing was done: the vendor refuses the credentials of acme (LUAPROV_ACME_TOKEN)\n",
        1, true), err)
      assert.is_nil(err:find("--no-refresh", 1, true))
    end
    stack.environment.LUAPROV_ACME_TOKEN = "sandbox-token"
    stack.environment.LUAPROV_ACME_BASE_URL = "http://127.0.0.1:1"
    local store = stack:store()
    local lease = assert(store:lease { holder = "spec", seconds = 5 })
    for _, row in ipairs(store:records()) do
      row.base_url = "http://127.0.0.1:1"
      assert(store:commit { { record = row } })
    end
    lease:release()
    store:close()
    local _, err = stack:run "plan"
    assert.truthy(err:find("so nothing was done (--no-refresh takes what the state says)", 1, true), err)
    assert.is_nil(select(2, stack:run "refresh"):find("--no-refresh", 1, true))
    assert.is_nil(select(2, stack:run "plan --out x"):find("--no-refresh", 1, true))
  end)

  it("saves a plan that only its owner can read, and none without having looked", function()
    stack:write(stacks.TWO)
    stack:done "plan --out my.plan"
    local pipe = io.popen("stat -c %a " .. stack.folder .. "/my.plan")
    assert.equal("600", pipe:read("*l"))
    pipe:close()
    assert.is_nil(support.read(stack.folder .. "/my.plan"):find("FAKE", 1, true))
    local _, err, code = stack:run "plan --out other.plan --no-refresh"
    assert.equal(64, code)
    assert.truthy(err:find("leave out --no-refresh", 1, true), err)
    _, err, code = stack:run "plan --out /nowhere/at/all/my.plan"
    assert.equal(1, code)
    assert.truthy(err:find("luaprov: the plan cannot be saved: /nowhere/at/all/my.plan", 1, true), err)
  end)

  it("warns of a password on the command line, and shows it nowhere", function()
    stack:write(stacks.TWO)
    local url = "postgresql://ann:FAKE-word@127.0.0.1:1/luaprov"
    local out, err, code = stack:run { "plan", "--state", url }
    assert.equal(1, code)
    assert.truthy(err:find("warning: --state has a password", 1, true), err)
    assert.is_nil((out .. err):find("FAKE-word", 1, true))
    stack.environment.LUAPROV_STATE = url
    out, err, code = stack:run "plan"
    assert.equal(1, code)
    assert.is_nil(err:find("warning", 1, true), err)
    assert.truthy(err:find("luaprov: PostgreSQL: ", 1, true), err)
    assert.is_nil((out .. err):find("FAKE-word", 1, true))
  end)

  it("takes no other URL for the path of a file, and shows nothing of it", function()
    stack:write(stacks.TWO)
    stack.environment.LUAPROV_STATE = "mysql://ann:FAKE-word@127.0.0.1:1/luaprov"
    for _, command in ipairs { "plan", "apply --yes", "state list" } do
      local out, err, code = stack:run(command)
      assert.equal(64, code)
      assert.truthy(err:find("a state is a file, or at a URL of PostgreSQL (postgresql://…), not at one of mysql", 1,
        true), err)
      assert.is_nil((out .. err):find("FAKE-word", 1, true))
    end
  end)

  it("refuses numbers that cannot be, with 64", function()
    for said, words in pairs {
      ["--parallel must be a whole number from 1 to 1000"] = "plan --parallel 0",
      ["--lease must be a number from 1 to 86400"] = "apply --yes --lease x",
      ["--allow-delete must be a whole number"] = "apply --yes --allow-delete 1.5",
      ["--state takes the path of a file"] = { "plan", "--state", "" },
    } do
      stack:write(stacks.TWO)
      local _, err, code = stack:run(words)
      assert.equal(64, code)
      assert.truthy(err:find(said, 1, true), err)
    end
  end)
end)
