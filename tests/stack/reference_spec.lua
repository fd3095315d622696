local reference = require "luaprov.stack.reference"
local secret = require "luaprov.secret"
local stack = require "tests.stack.support"
local support = require "tests.support"

local HEAD = stack.HEAD

-- The one fault of a line after the head.
local function is_fault(wanted, text, options)
  assert.same("luaprov.lua:2: " .. wanted, (stack.faults(HEAD .. text, options)))
end

local function has(words, text)
  if not text:find(words, 1, true) then error(("no '%s' in: %s"):format(words, text), 2) end
end

describe("a reference", function()
  it("stands for what is known later, at any depth and within a text", function()
    local manifest = stack.manifest [[
      local hub = acme.hubs("h", { name = "h" })
      acme.hubs("x", { name = "of " .. hub.id .. "!", mail = { from = hub.seen }, tags = { "a", hub.hubId } })
    ]]
    local fields, left = reference.fill(manifest.record["acme.hubs.x"].fields, function(address, path)
      assert.equal("acme.hubs.h", address)
      return ({ id = 17, seen = "now" })[path[1]]
    end)
    assert.equal(1, left)
    assert.equal("of 17!", fields.name)
    assert.equal("now", fields.mail.from)
    assert.equal("a", fields.tags[1])
    assert.equal("acme.hubs.h.hubId", reference.shown(fields.tags[2]))
    assert.equal("of {acme.hubs.h.id}!", reference.shown(manifest.record["acme.hubs.x"].fields.name))
  end)

  it("to what the manifest declares is that value", function()
    local manifest = stack.manifest [[
      acme.hubs("first", { name = acme.hubs.later.name .. "!", about = acme.hubs.later.mail.from,
                           mail = { from = "x", password = acme.hubs.later.mail.password } })
      local later = acme.hubs("later", { name = "L", mail = { from = "me", password = secret "pw" } })
      acme.hubs("last", { name = later.name:upper() .. "2" })
    ]]
    local first = manifest.record["acme.hubs.first"].fields
    assert.equal("L!", first.name)
    assert.equal("me", first.about)
    assert.is_true(secret.is(first.mail.password))
    assert.equal("L2", manifest.record["acme.hubs.last"].fields.name)
    assert.same({ "acme.hubs.later", "acme.hubs.first", "acme.hubs.last" }, manifest.order)
  end)

  it("needs a record, and one of its fields", function()
    is_fault("acme.hubs.x: there is no record acme.hubs.nort (did you mean 'acme.hubs.north'?)",
      'acme.hubs("x", { name = acme.hubs.nort.id }) acme.hubs("north", { name = "n" })')
    is_fault("acme.hubs.x: acme.hubs.n is no record with nme: there is no 'nme' (did you mean 'name'?)",
      'local n = acme.hubs("n", { name = "n" }) acme.hubs("x", { name = n.nme })')
    is_fault("acme.hubs.x: acme.hubs.n is no record with id.x: id has no parts",
      'local n = acme.hubs("n", { name = "n" }) acme.hubs("x", { name = n.id.x })')
  end)

  it("in a circle is shown as one", function()
    local text = stack.faults(HEAD .. [[
acme.hubs("a", { name = acme.hubs.b.id })
acme.hubs("b", { name = "b" .. acme.hubs.c.id })
acme.hubs("c", { name = "c" }, { depends_on = { acme.hubs.a } })
acme.hubs("d", { name = acme.hubs.a.id })]])
    assert.equal("luaprov.lua:2: acme.hubs.a: the records need one another: "
      .. "acme.hubs.a -> acme.hubs.b -> acme.hubs.c -> acme.hubs.a", text)
    has("acme.hubs.a -> acme.hubs.a", (stack.faults(HEAD .. 'acme.hubs("a", { name = acme.hubs.a.id })')))
  end)

  it("in several circles is shown with each, and with what else is wrong", function()
    local text = stack.faults(HEAD .. [[
local key = acme.hubs("k", { name = "same" })
acme.hubs("a", { name = acme.hubs.b.id })
acme.hubs("b", { name = "b" .. acme.hubs.a.id })
acme.hubs("c", { name = "c" }, { depends_on = { acme.hubs.c } })
acme.hubs("d", { name = key.name })]])
    assert.equal("luaprov.lua:3: acme.hubs.a: the records need one another: acme.hubs.a -> acme.hubs.b -> acme.hubs.a\n"
      .. "luaprov.lua:5: acme.hubs.c: the records need one another: acme.hubs.c -> acme.hubs.c\n"
      .. 'luaprov.lua:6: acme.hubs.d: has the key of acme.hubs.k (line 2): name "same"', text)
    local many = {}
    for i = 1, 30 do many[i] = ("acme.hubs('h%d', { name = acme.hubs.h%d.id })"):format(i, i) end
    local _, told = stack.faults(HEAD .. table.concat(many, "\n")):gsub("need one another", "")
    assert.equal(20, told)
  end)

  it("cannot be used before it is known", function()
    local start = 'local h = acme.hubs("h", { name = "h" }) '
    local known = "acme.hubs.h.id is known only when the record exists: "
    for code, wanted in pairs {
      ["local x = tostring(h.id)"] = known .. "tostring cannot take it",
      ["local x = ('%s'):format(h.id)"] = known
        .. "it can stand for a value or in a text (..), and cannot be made a text otherwise",
      ["for x in pairs(h.id) do end"] = known .. "pairs cannot take it",
      ["for x in ipairs(h.id) do end"] = known .. "ipairs cannot take it",
      ["h.id()"] = known .. "it can stand for a value or in a text (..), and cannot be called",
      ["h.id.x = 1"] = known .. "it can stand for a value or in a text (..), and cannot be changed",
      ["h.name = 1"] = "acme.hubs.h: a record's fields stand in its declaration",
      ["local x = h.id .. {}"] = "a table cannot be put into a text",
      ["local x = h.id .. secret 'x'"] = "a secret cannot be put into a text",
      ["local x = h.id .. h"] = "acme.hubs.h is a record: put one of its fields into the text",
    } do
      is_fault(wanted, start .. code)
    end
  end)

  it("counts as given wherever it stands", function()
    stack.manifest [[
      local h = acme.hubs("h", { name = "h" })
      acme.hubs("x", { name = h.id, port = h.id, open = h.id, state = h.id, site = h.id, tags = h.tags,
                       steps = { h.id }, mail = h.mail, voice = { number = h.id } })
      acme.lines("l", { hub = h.id, name = "l", kind = "sms", token = h.apiKey })
    ]]
  end)
end)

describe("a secret of a manifest", function()
  teardown(support.clean)

  it("comes from a command, a file beside the manifest, the environment or a text", function()
    local _, folder = support.file("key", "key-0000\n")
    local manifest = assert(stack.read(HEAD .. [[
      local sources = { secret.command { "echo", "com-0000" }, secret.file "key", secret.env "PATH", secret "txt-0000" }
      for i, source in ipairs(sources) do
        acme.hubs(i, { name = "n" .. i, mail = { from = "x", password = source } })
      end
    ]], { file = folder .. "/luaprov.lua" }))
    local values = {}
    for i, node in ipairs(manifest.records) do values[i] = node.fields.mail.password:reveal() end
    assert.same({ "com-0000", "key-0000", os.getenv "PATH", "txt-0000" }, values)
    assert.is_nil(support.shown(manifest.records):find("-0000", 1, true))
  end)

  it("is asked of a command once, however many records have it", function()
    local path, folder = support.file("count", "")
    stack.manifest(([[
      for i = 1, 5 do
        acme.hubs(i, { name = "n" .. i, mail = { from = "x",
          password = secret.command { "sh", "-c", "echo x >>%s; echo pw-0000" } } })
      end]]):format(path), { file = folder .. "/luaprov.lua" })
    assert.equal("x\n", support.read(path))
  end)

  it("that cannot be opened is a fault, and no message holds one", function()
    local text = stack.faults(HEAD .. [[
local failing = secret.command { "sh", "-c", "echo s3cret-0000; exit 3" }
acme.hubs("a", { name = "a", mail = { from = "x", password = failing } })
acme.hubs("b", { name = "b", mail = { from = "x", password = secret.file "/none" } })
acme.hubs("c", { name = secret "s3cret-0000", port = secret "s3cret-0000" })]])
    has("mail.password cannot be opened: the secret's command sh failed (status 3)", text)
    has("mail.password cannot be opened: cannot read the secret's file: /none: No such file", text)
    assert.is_nil(text:find("s3cret", 1, true))
    is_fault("there is no secret.envv (did you mean 'env'?)", 'secret.envv "X"')
    is_fault("secret.env takes a text", "secret.env(5)")
    local list = 'takes a list of words, as in { "pass", "show", "acme" }'
    is_fault("secret.command " .. list, 'secret.command "pass show x"')
    is_fault("command " .. list, 'command { "pass", 5 }')
    is_fault("file takes a path", "file {}")
    is_fault("a secret is made from a text, not from number", "secret(5)")
  end)
end)

it("null empties a field", function()
  local manifest = stack.manifest 'acme.hubs("a", { name = "a" })'
  assert.is_nil(manifest.record["acme.hubs.a"].fields.about)
  has("acme.hubs.a: about must not be null", (stack.faults(HEAD .. 'acme.hubs("a", { name = "a", about = null })')))
end)
