-- luaprov apply and destroy, and what they leave behind.
local json = require "luaprov.json"
local run = require "tests.cli.support"
local stacks = require "tests.cli.stack.stacks"
local support = require "tests.support"

local BOTH = { "hubs Desk", "lines One" }

-- Hubs have phones, which may be given to another; with its hub goes a phone, too.
local PHONES = [[return provider { title = "Acme", base_url = "https://acme.invalid", auth = bearer "token",
  errors = { message = "message" },
  resource "hubs" {
    path = "/hubs", key = { "name" }, settles_in = 0.1,
    text "name" { required = true }, text "site" { fixed = true },
    create = post { expect = 201 }, get = get {}, update = patch {}, delete = delete { expect = 204 },
    list = get { items = "items" },
  },
  resource "phones" {
    path = "/phones", key = { "name" }, settles_in = 0.1,
    text "name" { required = true }, text "hub" { required = true, parent = "hubs" },
    create = post { expect = 201 }, get = get {}, update = patch {}, delete = delete { expect = 204 },
    list = get { items = "items" },
  },
}]]

-- Before the command: somebody else takes the lease while the question is open.
local TAKEN = [[
  local ask = require "luaprov.cli.stack.ask"
  ask.can = function() return true end
  ask.yes = function()
    local db = assert(require("luaprov.sqlite").open(".luaprov/state.db", false, 10))
    assert(db:query("UPDATE luaprov_lease SET fence = fence + 1, token = 'x', holder = 'ann@build7'"))
    db:close()
    return true
  end]]

-- Before the command: the run ends after the answer of a create, before its outputs are written.
local ENDED = [[require("luaprov.stack.output").write = function() error "it ended here" end]]

-- Before the command: the plan has been printed, and its reader has gone.
local UNREAD = [[
  local planning = require "luaprov.cli.stack.planning"
  local print_it = planning.print
  function planning.print(...)
    print_it(...)
    assert(io.open "gone"):read "*l"
  end]]

describe("luaprov apply", function()
  local stack
  local function start(faults, provider) stack = stacks.start(faults, provider) end
  after_each(stacks.stop)

  it("ends by a saved plan of some records nothing that others are named by still", function()
    start({ { fault = "problem", problem = "value", on = "acme phones update", times = 1 } }, PHONES)
    local phone = '\nacme.phones("p", { name = "P", hub = h.id })'
    stack:write('local h = acme.hubs("h", { name = "H", site = "here" })' .. phone)
    stack:done "apply --yes"
    -- The new hub is made, and the phone not given to it: so the old one has to go later.
    local after = 'local h = acme.hubs("h", { name = "H2", site = "there" })' .. phone
      .. '\nacme.hubs("z", { name = "Z" })'
    stack:write(after)
    assert.equal(1, (select(3, stack:run "apply --yes --allow-delete 9")))
    assert.same({ "hubs H", "hubs H2", "hubs Z", "phones P" }, stack:names())
    stack:write(after .. '\nacme.hubs("y", { name = "Y" })')
    stack:done "plan --target acme.hubs.y --out y.plan"
    stack:done "apply y.plan"
    assert.same({ "hubs H", "hubs H2", "hubs Y", "hubs Z", "phones P" }, stack:names())
    stack:done "apply --yes --allow-delete 9"
    assert.same({ "hubs H2", "hubs Y", "hubs Z", "phones P" }, stack:names())
  end)

  it("keeps in the journal what it did of late, and no more", function()
    start()
    local function journal(sql)
      local store = stack:store()
      local rows = assert(store.db:transaction("write", function(db) return db:query(sql) end))
      store:close()
      return rows
    end
    stack:write "acme.boxes('b', { name = 'Box' })"
    stack:done "apply --yes"
    journal "UPDATE luaprov_intents SET settled = 1"
    stack:write "acme.boxes('b', { name = 'Box' }) acme.boxes('c', { name = 'Other' })"
    stack:done "apply --yes"
    local left = journal "SELECT address FROM luaprov_intents"
    assert.same({ 1, "acme.boxes.c" }, { #left, left[1].address })
  end)

  it("makes what is declared, and then has nothing to do", function()
    start()
    stack:write(stacks.TWO)
    local out = stack:done "apply --yes"
    assert.truthy(out:find("\ncreated acme.hubs.desk (id ", 1, true), out)
    assert.truthy(out:find("\n2 created\n$"), out)
    assert.is_nil(out:find("FAKE", 1, true))
    assert.same(BOTH, stack:names())
    assert.equal("no changes; 2 unchanged\n", (stack:done "apply --yes"))
    assert.equal("no changes; 2 unchanged\n", (stack:done "plan"))
    assert.same(BOTH, stack:names())
    local store = stack:store()
    assert.equal(0, store:holder().left)
    store:close()
  end)

  it("changes and deletes what is declared otherwise, and deletes many only when it may", function()
    start()
    stack:write(stacks.TWO)
    stack:done "apply --yes"
    stack:write 'acme.hubs("desk", { name = "Desk", about = "back", pin = secret "FAKE-pin" })'
    local _, err, code = stack:run "apply --yes"
    assert.equal(1, code)
    assert.truthy(err:find("luaprov: 1 record would go: --allow-delete 1 allows it; nothing was sent", 1, true), err)
    assert.same(BOTH, stack:names())
    local out = stack:done "apply --yes --allow-delete 1"
    assert.truthy(out:find("1 updated, 1 deleted\n$"), out)
    assert.equal("back", stack:there()["hubs Desk"].about)
    assert.same({ "hubs Desk" }, stack:names())
  end)

  it("asks at a terminal, and does nothing without a yes", function()
    start()
    stack:write(stacks.TWO)
    for _, typed in ipairs { "no\n", "y\n", "\n", "\4" } do
      local shown, code = stack:at_terminal("apply", typed)
      assert.equal(1, code)
      assert.truthy(shown:find("Apply these changes? Only yes does it: ", 1, true), shown)
      assert.truthy(shown:find("luaprov: nothing was sent", 1, true), shown)
      assert.same({}, stack:names())
    end
    local shown, code = stack:at_terminal("apply", "yes\n")
    assert.equal(0, code, shown)
    assert.truthy(shown:find("2 created", 1, true), shown)
    assert.same(BOTH, stack:names())
  end)

  it("refuses with 64 where nobody can be asked, and makes no state", function()
    start()
    stack:write(stacks.TWO)
    for _, words in ipairs { "apply", "destroy", "apply --json" } do
      local out, err, code = stack:run(words)
      assert.same({ "", 64 }, { out, code })
      assert.truthy(err:find("asks before anything is sent, and there is nobody to ask: say --yes", 1, true), err)
    end
    assert.same({}, stack:names())
    assert.is_nil(io.open(stack.folder .. "/.luaprov/state.db"))
  end)

  it("stops only what depends on a record that failed, and picks up the rest the next time", function()
    start { { fault = "status", on = "acme hubs create", status = 422, message = "no", times = 1 } }
    stack:write(stacks.TWO .. "acme.boxes('b', { name = 'Box' })")
    local out, err, code = stack:run "apply --yes --parallel 1"
    assert.equal(1, code)
    assert.truthy(err:find("luaprov: acme.hubs.desk: create failed: acme hubs create: ", 1, true), err)
    assert.truthy(out:find("\nnot tried acme.lines.one: what it needs was not done\n", 1, true), out)
    assert.truthy(out:find("\n1 created, 1 failed, 1 not tried\n$"), out)
    assert.same({ "boxes Box" }, stack:names())
    assert.truthy(stack:done("apply --yes"):find("\n2 created\n$"))
  end)

  it("prints an object a line with --json, what failed among them", function()
    start { { fault = "status", on = "acme hubs create", status = 422, message = "no", times = 1 } }
    stack:write(stacks.TWO .. "acme.boxes('b', { name = 'Box' })")
    local out, err, code = stack:run "apply --yes --json"
    assert.same({ "", 1 }, { err, code })
    local events, last = {}, nil
    for line in out:gmatch("[^\n]+") do
      last = assert(json.decode(line))
      if last.type == "event" then events[last.what .. " " .. last.address] = last end
    end
    assert.equal("refused", events["failed acme.hubs.desk"].error.outcome)
    assert.is_nil(events["failed acme.hubs.desk"].error.codes)
    assert.equal("create", events["done acme.boxes.b"].op)
    assert.is_table(events["skipped acme.lines.one"])
    assert.same({ "summary", "apply", 1, "acme.hubs.desk", "acme.lines.one" },
      { last.type, last.phase, last.done, last.failed[1].address, last.skipped[1] })
  end)

  it("does exactly what a saved plan says", function()
    start()
    stack:write(stacks.TWO)
    stack:done "plan --out my.plan"
    assert.truthy(stack:done("apply my.plan"):find("\n2 created\n$"))
    local _, err, code = stack:run "apply my.plan"
    assert.equal(1, code)
    assert.truthy(err:find("luaprov: things have changed since the plan was made; nothing was sent: ", 1, true), err)
    assert.same(BOTH, stack:names())
  end)

  it("or nothing, when the manifest or a record is another since", function()
    start()
    stack:write(stacks.TWO)
    stack:done "apply --yes"
    stack:write((stacks.TWO:gsub("front", "back")))
    stack:done "plan --out my.plan"
    stack:write((stacks.TWO:gsub("front", "side")))
    local _, err, code = stack:run "apply my.plan"
    assert.equal(1, code)
    assert.truthy(err:find("the manifest, or a file or variable that it reads, changed", 1, true), err)
    stack:write((stacks.TWO:gsub("front", "back")))
    stack:change("hubs", stack:there()["hubs Desk"].id, { about = "elsewhere" })
    _, err, code = stack:run "apply my.plan"
    assert.equal(1, code)
    assert.truthy(err:find("acme.hubs.desk changed at the vendor", 1, true), err)
    assert.equal("elsewhere", stack:there()["hubs Desk"].about)
  end)

  it("or nothing, when somebody else has made a record with a key that is to be made", function()
    start()
    stack:write(stacks.TWO)
    local others = stack.vendor:client { settle = false }.hubs
    assert(others:create { name = "Desk" })
    assert.truthy(stack:done("plan --out my.plan"):find("the vendor has one with its key already", 1, true))
    local second = assert(others:create { name = "Desk" })
    local _, err, code = stack:run "apply my.plan"
    assert.equal(1, code)
    assert.truthy(err:find("nothing was sent: acme.hubs.desk would have the key that another record at the vendor has "
      .. "by now (id " .. tostring(second.id) .. ")", 1, true), err)
    assert(others:delete(second.id))
    -- What was known is done as it was shown.
    assert.truthy(stack:done("apply my.plan"):find("\n2 created\n$"))
  end)

  it("refuses what is no plan, and a plan with further wishes", function()
    start()
    stack:write(stacks.TWO)
    for said, words in pairs {
      ["the plan cannot be read: nowhere.plan"] = { "apply nowhere.plan", 64 },
      ["luaprov.lua: the plan is no JSON"] = { "apply luaprov.lua", 1 },
      ["a saved plan is done as it is"] = { "apply my.plan --target acme", 64 },
    } do
      local _, err, code = stack:run(words[1])
      assert.equal(words[2], code)
      assert.truthy(err:find(said, 1, true), err)
    end
    assert.same({}, stack:names())
  end)

  it("sends nothing with the credentials of another account, unless somebody says that it is the same", function()
    start()
    stack:write 'acme.hubs("desk", { name = "Desk" })'
    stack:done "apply --yes"
    stack.environment.LUAPROV_ACME_TOKEN = "tok-other-FAKE"
    local out, err, code, _ = stack:run "apply --yes --no-refresh"
    assert.equal(1, code)
    assert.truthy(out:find("belong to another account than today's credentials", 1, true), out)
    assert.truthy(err:find("luaprov: the plan has faults: nothing was sent", 1, true), err)
    stack:done "apply --yes --no-refresh --same-account acme"
    assert.equal("no changes; 1 unchanged\n", (stack:done "apply --yes --no-refresh"))
    _, err, code = stack:run "apply --yes --same-account acm"
    assert.equal(64, code)
    assert.truthy(err:find("the manifest uses no account 'acm' (did you mean 'acme'?)", 1, true), err)
  end)

  it("goes on at another place with the records of an account that moved there, and settles what is open", function()
    start()
    stack:write(stacks.TWO)
    stack:done "apply --yes"
    stack:write(stacks.TWO .. "acme.hubs('new', { name = 'New' }, { outputs = { pin = command { 'cat' } } })")
    assert.equal(1, select(3, stack:run("apply --yes", ENDED)))
    stack.environment.LUAPROV_ACME_BASE_URL = stack.environment.LUAPROV_ACME_BASE_URL:gsub("127%.0%.0%.1", "localhost")
    local out, err, code = stack:run "apply --yes"
    assert.equal(1, code)
    assert.truthy(out:find("(--same-account acme says that it is the same account there)", 1, true), out)
    assert.truthy(err:find("--same-account acme says that today's are those of the same", 1, true), err)
    out = stack:run "apply --yes --same-account acme"
    assert.truthy(out:find("no changes; 3 unchanged\n", 1, true), out)
    assert.truthy(stack:done("apply --yes"):find("no changes; 3 unchanged\n", 1, true))
    assert.same({ "hubs Desk", "hubs New", "lines One" }, stack:names())
  end)

  it("tells the accounts of a key in a header apart", function()
    start(nil, [[return provider { title = "Acme", base_url = "https://acme.invalid",
      headers = { ["X-Api-Key"] = "{api_key}" }, secret "api_key" { required = true },
      resource "hubs" { path = "/hubs", key = { "name" }, text "name" { required = true },
        create = post { expect = 201 }, get = get {}, list = get { items = "items" } } }]])
    stack:write 'acme.hubs("desk", { name = "Desk" })'
    stack:done "apply --yes"
    assert.truthy(stack.environment.LUAPROV_ACME_API_KEY)
    stack.environment.LUAPROV_ACME_API_KEY = "key-other-FAKE"
    local out, _, code = stack:run "plan"
    assert.equal(1, code)
    assert.truthy(out:find("belong to another account than today's credentials", 1, true), out)
  end)

  it("waits for who has the state, and says who", function()
    start()
    stack:write 'acme.hubs("desk", { name = "Desk" })'
    stack:done "apply --yes"
    stack:write(stacks.TWO)
    local store = stack:store()
    assert(store:lease { holder = "ann@build7", seconds = 3600 })
    for _, words in ipairs { "apply --yes --wait 0", "refresh --wait 0", "state rm acme.hubs.desk --wait 0" } do
      local _, err, code = stack:run(words)
      assert.equal(1, code)
      assert.truthy(err:find("^luaprov: ann@build7 has the state since "), err)
    end
    assert.same({ "hubs Desk" }, stack:names())
    stack:done "plan" -- only looks
    -- The holder has died: their time has to be over first.
    assert(store.held:renew(0.5))
    store:close()
    local _, err = stack:done "apply --yes"
    assert.truthy(err == "" or err:find("^luaprov: ann@build7 has the state since .*; waiting up to 2 s: if it was "
      .. "killed, what it has sent may be acted on until then\n$"), err)
    assert.same(BOTH, stack:names())
  end)

  it("says of a holder whose process is not there that it has died, and waits all the same", function()
    start()
    stack:write(stacks.TWO)
    local host = assert(io.open "/proc/sys/kernel/hostname"):read "*l"
    for where, said in pairs { [host] = "no such process runs on this machine", elsewhere = "if it was killed" } do
      local store = stack:store()
      -- No process has as high a number (PID_MAX_LIMIT).
      assert(store:lease { holder = ("ann@%s (luaprov apply, process 4194305)"):format(where), seconds = 3600 })
      local _, err, code = stack:run "refresh --wait 0.01"
      assert.equal(1, code)
      assert.truthy(err:find(said, 1, true), err)
      store.held:release()
      store:close()
    end
  end)

  it("says what became of calls of which nobody knows, and ends them as it is told", function()
    start { { fault = "drop", on = "acme boxes create", times = 1 } }
    stack:write "acme.boxes('b', { name = 'Box' })"
    local _, err, code = stack:run "apply --yes"
    assert.equal(1, code)
    assert.truthy(err:find("luaprov: acme.boxes.b: nobody knows what became of the create: ", 1, true), err)
    assert.truthy(stack:done("plan"):find(
      "note: acme.boxes.b: an earlier create has no known end: apply settles it first", 1, true))
    stack:write "acme.boxes('b', { name = 'Box' })\nacme.hubs('h', { name = 'Hub' })"
    local out
    out, err, code = stack:run "apply --yes"
    assert.equal(1, code)
    assert.truthy(out:find("note: acme.boxes.b: is left alone until its earlier call is settled\n", 1, true), out)
    assert.truthy(out:find("not tried acme.boxes.b: an earlier call comes first\n", 1, true), out)
    assert.truthy(out:find("\n1 created, 1 not tried\n$"), out)
    assert.truthy(err:find("luaprov: look at the vendor, and say it: luaprov settle acme.boxes.b --adopt ID, or "
      .. "luaprov settle acme.boxes.b --absent\n", 1, true), err)
    assert.same({ "boxes Box", "hubs Hub" }, stack:names())
    local id = stack:there()["boxes Box"].id
    out = stack:done("settle acme.boxes.b --adopt " .. id)
    assert.equal("acme.boxes.b has the id " .. id .. " now\n", out)
    assert.equal("no changes; 2 unchanged\n", (stack:done "plan"))
  end)

  it("is not done while nobody knows what became of a call of a record that is declared no more", function()
    start { { fault = "drop", on = "acme boxes create", times = 1 } }
    stack:write "acme.boxes('b', { name = 'Box' })"
    stack:run "apply --yes"
    stack:write "acme.hubs('h', { name = 'Hub' })"
    for _, words in ipairs { "apply --yes", "apply --yes", "destroy --yes", "destroy --yes" } do
      local _, err, code = stack:run(words)
      assert.equal(1, code)
      assert.truthy(err:find("luaprov settle acme.boxes.b --absent\n", 1, true), err)
    end
    assert.same({ "boxes Box" }, stack:names())
  end)

  it("settles by itself what it can look for", function()
    start { { fault = "drop", on = "acme hubs create", times = 1 } }
    stack:write(stacks.TWO)
    stack:run "apply --yes"
    local out = stack:done "apply --yes"
    assert.same(BOTH, stack:names())
    assert.equal("no changes; 2 unchanged\n", (stack:done "plan"), out)
  end)

  it("has not done all where the output of what it settles is lost", function()
    for _, more in ipairs { "", "\nacme.hubs('other', { name = 'Other' })" } do
      start()
      local text = "acme.hubs('desk', { name = 'Desk' }, { outputs = { pin = command { 'cat' } } })"
      stack:write(text)
      local _, _, broken = stack:run("apply --yes", ENDED)
      assert.equal(1, broken)
      stack:write(text .. more)
      local out, _, code = stack:run "apply --yes"
      assert.truthy(out:find("note: acme.hubs.desk: the vendor does not show pin, so nothing went to the command cat\n",
        1, true), out)
      assert.equal(1, code)
      assert.equal(more ~= "", out:find("1 created, 1 without its output\n", 1, true) ~= nil, out)
      -- The next plan tells of it still.
      out = stack:done "apply --yes"
      assert.truthy(out:find("note: acme.hubs.desk: its output pin did not get to the command cat; ", 1, true), out)
      assert.truthy(out:find("no changes; " .. #stack:names() .. " unchanged\n", 1, true), out)
      stacks.stop()
    end
  end)

  it("sends nothing when the lease went to somebody else while it asked", function()
    start()
    stack:write(stacks.TWO)
    local _, err, code = stack:run("apply", TAKEN)
    assert.equal(1, code)
    assert.truthy(err:find("luaprov: nothing was sent: the state was given to somebody else meanwhile\n", 1, true), err)
    assert.truthy(err:find("luaprov: the lease of the state is lost: ann@build7 has it", 1, true), err)
    assert.same({}, stack:names())
  end)

  it("writes into the state what was changed at the vendor and is not declared", function()
    start()
    stack:write 'acme.hubs("desk", { name = "Desk" })'
    stack:done "apply --yes"
    stack:change("hubs", stack:there()["hubs Desk"].id, { about = "moved" })
    assert.truthy(stack:done("apply --yes"):find('about  (nothing) → "moved"', 1, true))
    assert.equal("no changes; 1 unchanged\n", (stack:done "plan"))
  end)

  it("goes on to the end when nobody reads what it says", function()
    start()
    stack:write(stacks.TWO)
    local command = run.command({ "apply", "--yes" }, stack.environment, UNREAD)
    local _, err = run.sh(("cd %s && mkfifo gone && { %s; echo status $? >&2; } | { read -r line; exec <&-; "
      .. "echo >gone; }"):format(stack.folder, command))
    assert.equal("status 141\n", err)
    assert.same(BOTH, stack:names())
    assert.equal("no changes; 2 unchanged\n", (stack:done "plan"))
  end)

  it("refuses a lease that is shorter than a call", function()
    start()
    stack:write(stacks.TWO)
    local _, err, code = stack:run "apply --yes --lease 2"
    assert.equal(64, code)
    assert.truthy(err:find("--lease must be at least ", 1, true), err)
    assert.same({}, stack:names())
  end)
end)

describe("luaprov destroy", function()
  local stack
  before_each(function() stack = stacks.start() end)
  after_each(stacks.stop)

  it("deletes all that the state knows, and nothing else", function()
    local other = stack.vendor:client { settle = false }.hubs:create { name = "Theirs" }
    stack:write(stacks.TWO)
    stack:done "apply --yes"
    local shown, code = stack:at_terminal("destroy", "no\n")
    assert.equal(1, code)
    assert.truthy(shown:find("Delete all of this? Only yes does it: ", 1, true), shown)
    assert.equal(3, #stack:names())
    local _, why
    _, why, code = stack:run "destroy --yes --allow-delete 1"
    assert.equal(1, code)
    assert.matches("2 records would go", why)
    assert.truthy(stack:done("destroy --yes"):find("\n2 deleted\n$"))
    assert.same({ "hubs Theirs" }, stack:names())
    assert.equal(other.id, stack:there()["hubs Theirs"].id)
    assert.equal("", (stack:done "state list"))
    assert.equal("no changes; 0 unchanged\n", (stack:done "destroy --yes"))
  end)

  it("keeps options that have changed alone, and tells by them what may go", function()
    local two = "acme.hubs('desk', { name = 'Desk' }%s)\nacme.hubs('other', { name = 'Other' })"
    stack:write(two:format "")
    stack:done "apply --yes"
    stack:write(two:format ", { protect = true, depends_on = { 'acme.hubs.other' } }")
    assert.equal("no changes; 2 unchanged\n", (stack:done "apply --yes"))
    local store = stack:store()
    local row = store:record "acme.hubs.desk"
    store:close()
    assert.same({ true, { "acme.hubs.other" } }, { row.protect, row.depends_on })
    stack:write ""
    local out, _, code = stack:run "apply --yes --allow-delete 2"
    assert.equal(1, code)
    assert.truthy(out:find("acme.hubs.desk: is protected and would be deleted", 1, true), out)
    stack:write(two:format "")
    stack:done "apply --yes"
    stack:write ""
    stack:done "apply --yes --allow-delete 2"
    assert.same({}, stack:names())
  end)

  it("deletes nothing that is protected", function()
    stack:write 'acme.hubs("desk", { name = "Desk" }, { protect = true })'
    stack:done "apply --yes"
    local out, err, code = stack:run "destroy --yes"
    assert.equal(1, code)
    assert.truthy(out:find("acme.hubs.desk: is protected and would be deleted", 1, true), out)
    assert.truthy(err:find("luaprov: the plan has faults: nothing was sent", 1, true), err)
    assert.same({ "hubs Desk" }, stack:names())
  end)

  it("says where it has looked for a state, and makes none", function()
    stack:write(stacks.TWO)
    local _, err, code = stack:run "destroy --yes"
    assert.equal(1, code)
    assert.truthy(err:find("luaprov: there is no state at .luaprov/state.db: ", 1, true), err)
    assert.is_nil(io.open(stack.folder .. "/.luaprov/state.db"))
    assert.is_string(support.read(stack.folder .. "/luaprov.lua"))
  end)
end)
