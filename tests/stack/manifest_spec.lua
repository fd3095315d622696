local declare = require "luaprov.stack.declare"
local manifests = require "luaprov.stack.manifest"
local programs = require "tests.interpreter.programs"
local secret = require "luaprov.secret"
local stack = require "tests.stack.support"
local support = require "tests.support"

local HEAD = stack.HEAD

local function is_faults(wanted, text, options) assert.same(wanted, (stack.faults(text, options))) end

-- The one fault of a line after the head.
local function is_fault(wanted, text, options) is_faults("luaprov.lua:2: " .. wanted, HEAD .. text, options) end

local function has(words, text)
  if not text:find(words, 1, true) then error(("no '%s' in: %s"):format(words, text), 2) end
end

describe("a manifest", function()
  teardown(support.clean)

  it("declares records with an address", function()
    local manifest = stack.manifest [[
      local hub = acme.hubs("north", { name = "North" })
      for i = 1, 2 do acme.lines(i, { hub = hub.id, name = "l" .. i, kind = "sms", token = secret "x" }) end
      acme.hubs("a b.c/ä", { name = "odd" })
    ]]
    local addresses = {}
    for i, node in ipairs(manifest.records) do addresses[i] = node.address end
    assert.same({ "acme.hubs.north", "acme.lines.1", "acme.lines.2", "acme.hubs.a b.c/ä" }, addresses)
    local line = manifest.record["acme.lines.2"]
    assert.equal(3, line.line)
    assert.equal("acme", line.alias)
    assert.equal("lines", line.resource)
    assert.same({ "acme.hubs.north" }, line.needs)
    assert.is_true(secret.is(line.fields.token))
    assert.equal("https://api.acme.invalid", manifest.account.acme.state.base_url)
  end)

  it("tells accounts of one vendor apart by as", function()
    local manifest = assert(stack.read [[
      local one, two = use("acme", { token = "a" }), use("acme", { token = "b" }, { as = "acme_eu" })
      one.hubs("x", { name = "same" })
      two.hubs("x", { name = "same" })
    ]])
    assert.is_table(manifest.record["acme.hubs.x"])
    assert.is_table(manifest.record["acme_eu.hubs.x"])
    is_faults("luaprov.lua:2: 'acme' is used twice, first on line 1: name the other account with { as = NAME }",
      'use("acme", { token = "a" })\nuse("acme", { token = "b" })')
    -- An address has the account up to its first dot.
    local path = support.folder() .. "/acme.v2.lua"
    local file = assert(io.open(path, "w"))
    file:write(stack.ACME)
    file:close()
    local use = ("local a = use(%q, { token = secret 'x' }%%s) a.hubs('h', { name = 'h' })"):format(path)
    is_faults("luaprov.lua:1: 'acme.v2', after the provider's file, cannot name an account: give it a name of letters, "
      .. 'digits, _ and - as in { as = "acme_v2" }', use:format "")
    assert.is_table(assert(stack.read(use:format ", { as = 'v2' }")).record["v2.hubs.h"])
    -- What is proposed is taken.
    for name, alias in pairs { ["3cx.v2"] = "_3cx_v2", ["-a.b"] = "_-a_b", ["a b"] = "a_b" } do
      assert.equal(alias, declare.alias_for(name))
      assert.is_table(assert(stack.read(use:format((", { as = %q }"):format(alias)))).record[alias .. ".hubs.h"])
    end
    is_faults("luaprov.lua:1: as must be a name of letters, digits, _ and -",
      'use("acme", { token = "a" }, { as = "a.b" })')
    is_faults("luaprov.lua:1: use has no option 'az' (did you mean 'as'?)",
      'use("acme", { token = "a" }, { az = "b" })')
  end)

  it("reads the environment, variables and files through its words", function()
    local file, folder = support.file("customers.json", '[{"slug":"a","big":12345678901234567}]')
    local manifest = assert(stack.read(HEAD .. [[
      local list = json_file "customers.json"
      acme.hubs(list[1].slug, { name = env "REGION" .. var "size" .. env("EMPTY", "d") .. var("none", "e") })
    ]], { vars = { size = "XL" }, file = folder .. "/luaprov.lua" }))
    assert.equal("euXLde", manifest.record["acme.hubs.a"].fields.name)
    local inputs = {}
    for i, input in ipairs(manifest.inputs) do inputs[i] = input[1] end
    assert.same({ "manifest", "json_file customers.json", "env REGION", "var size", "env EMPTY", "var none" }, inputs)
    assert.truthy(file)
  end)

  it("has no way out of its words, and no chance", function()
    for _, word in ipairs { "io", "os", "require", "load", "loadstring", "dofile", "debug", "pcall", "setmetatable",
                            "getmetatable", "rawset", "rawget", "_G", "coroutine", "print", "collectgarbage" } do
      is_fault("unknown word '" .. word .. "': a manifest has the words of Lua that touch nothing outside, and use, "
        .. "env, var, json_file, secret, file, command, null", "local x = " .. word)
    end
    is_fault("unknown word 'ocamba': write local ocamba = use \"ocamba\" first", "ocamba.integrations('x', {})")
    is_fault("acme.hubs.create is the name of a record, and nothing to call: a record is declared by "
      .. "acme.hubs(NAME, {…})",
      "acme.hubs:create { name = 'x' }")
    is_fault("unknown word 'usee' (did you mean 'use'?)", "usee('x')")
    is_fault("'x': a manifest sets no globals; write local before it", "x = 1")
    has("luaprov.lua:2: attempt to call", (stack.faults(HEAD .. "local x = math.random()")))
    has("luaprov.lua:2: attempt to call", (stack.faults(HEAD .. "local x = string.dump(use)")))
    is_faults("luaprov.lua:1: is a binary chunk; a manifest is text", "\27Lua")
    -- What it does to its own tables is its own affair.
    stack.manifest "string.format = nil"
    assert.is_function(string.format)
  end)

  it("walks through tables in the order of their keys", function()
    local manifest = stack.manifest [[
      local t = { zeta = 1, alpha = 2, [3] = 3, [1] = 1, mid = 4 }
      for key in pairs(t) do acme.hubs("h" .. key, { name = "n" .. key }) end
      local gone = { a = 1, b = 2, c = 3 }
      for key in pairs(gone) do gone.b = nil; acme.hubs(key, { name = key }) end
    ]]
    local names = {}
    for i, node in ipairs(manifest.records) do names[i] = node.name end
    assert.same({ "h1", "h3", "halpha", "hmid", "hzeta", "a", "c" }, names)
  end)

  it("is told with all its faults, in the order of the file", function()
    is_faults(table.concat({
      "luaprov.lua: asks for no var 'regoin' (did you mean 'region'?)",
      "luaprov.lua:1: environment variable NOBODY_HAS is not set",
      "luaprov.lua:2: there is no provider 'hubstr' (did you mean 'hubster'?)",
      "luaprov.lua:3: there is no var 'region': give --var region=VALUE",
      "luaprov.lua:4: acme has no resource 'hub' (did you mean 'hubs'?)",
      "luaprov.lua:5: acme.hubs.a: name is required",
      "luaprov.lua:5: acme.hubs.a: port must be a whole number, not a boolean",
      "luaprov.lua:5: acme.hubs.a: potr is unknown (did you mean 'port'?)",
      "luaprov.lua:6: acme.hubs.b: mail.password cannot be opened: environment variable NOBODY_HAS is not set",
      "luaprov.lua:7: acme.hubs.b: is declared twice: first on line 6",
      "luaprov.lua:8: json_file: no.json: No such file or directory",
    }, "\n"):gsub("not a boolean", "not true"), [[
local acme = use("acme", { token = env "NOBODY_HAS" })
local other = use("hubstr", {}); other.things("x", {}); other.more.x = nil
local region = var "region"
acme.hub("x", { name = region })
acme.hubs("a", { port = true, potr = 1, about = region })
acme.hubs("b", { name = "b", mail = { from = "x", password = secret.env "NOBODY_HAS" } })
acme.hubs("b", { name = "c" })
local list = json_file "no.json"]], { vars = { regoin = "x" } })
  end)

  it("is told with what it raised, and with what was wrong before", function()
    local text = stack.faults(HEAD .. "local t = json_file 'none.json'\nacme.hubs(t.x.y, {})")
    has("luaprov.lua:2: json_file: none.json: No such file", text)
    has("luaprov.lua:3: attempt to index", text)
    is_fault("no customers", "error('no customers')")
    is_fault("no customers", "assert(nil, 'no customers')")
    assert.equal("luaprov.lua:2: an error of type table", (stack.faults "\nerror({})"))
    assert.equal("luaprov.lua:2: it is late", (stack.faults "\nerror('it is late', 0)"))
    has("luaprov.lua:1: ", (stack.faults "this is no Lua"))
  end)

  it("is told with fifty lines at most; the error has them all", function()
    local text, err = stack.faults(HEAD .. "for i = 1, 60 do acme.hubs(i, {}) end")
    assert.equal(60, #err.details)
    assert.same({ line = 2, address = "acme.hubs.1", path = "name", message = "is required" }, err.details[1])
    has("… and 10 more", text)
    text = stack.faults(HEAD .. "for i = 1, 60 do acme.hubs(i, {}) end\nlocal t = nil\nprint(t)\nt.x = 1")
    has("luaprov.lua:2: acme.hubs.50: name is required\nluaprov.lua:4: unknown word 'print': ", text)
  end)

  it("that never ends is ended", function()
    local options = { steps = 2e5 }
    is_fault("the manifest does not end", "while true do end", options)
    is_fault("the manifest does not end", "local function f() return f() end f()", options)
    is_fault("the manifest takes too much memory", "local t = {} while true do t[#t + 1] = {} end",
      { memory = 20, steps = 1e9 })
    assert.is_nil((debug.gethook()))
  end)

  it("that never ends is ended by Ctrl-C", function()
    local folder = programs.folder()
    programs.write(folder .. "/work/script.lua", [[
      local manifests = require "luaprov.stack.manifest"
      -- Whoever waits for os.execute hears no Ctrl-C.
      local function getenv() io.popen("kill -INT $PPID"):close() return "x" end
      print(manifests.read("local x = env 'X'\nwhile true do end", "luaprov.lua", { getenv = getenv }))
    ]])
    local result = programs.sh(folder, programs.alone .. " " .. programs.luaprov .. " script.lua")
    assert.equal(130, result.status)
    assert.equal("", result.out)
    has("interrupted!", result.err)
  end)

  it("that is not there, or no file, is told", function()
    local manifest, err = manifests.load("/nowhere/luaprov.lua")
    support.is_error({ kind = "invalid", outcome = "not_sent", has = {
      "there is no manifest /nowhere/luaprov.lua", "No such file" } }, err, manifest)
    manifest, err = manifests.load(support.folder())
    support.is_error({ kind = "invalid", has = "there is no manifest" }, err, manifest)
  end)

  it("is read from a file, with a first line that names an interpreter", function()
    local path, folder = support.file("luaprov.lua", "#!/usr/bin/luaprov\nfor _, x in ipairs(json_file 'x') do end")
    local manifest, err = manifests.load(path)
    assert.is_nil(manifest)
    has(path .. ":2: json_file: " .. folder .. "/x: No such file", err.message)
  end)

  it("tells where JSON is broken", function()
    local _, folder = support.file("bad.json", '[\n1,\n}')
    has("bad.json:3: ", (stack.faults("json_file 'bad.json'", { file = folder .. "/luaprov.lua" })))
  end)
end)

describe("a declaration", function()
  it("has a name and fields", function()
    is_fault("acme.hubs takes a name first, not table", 'acme.hubs { name = "x" }')
    is_fault("acme.hubs: the name is empty", 'acme.hubs("", { name = "x" })')
    is_fault("acme.hubs: the name has a control character, or white space at an end",
      'acme.hubs("a\\n", { name = "x" })')
    is_fault("acme.hubs: the name is not UTF-8", 'acme.hubs("a\\255", { name = "x" })')
    is_fault("acme.hubs: the name is longer than 200 bytes", 'acme.hubs(("x"):rep(201), { name = "x" })')
    is_fault("acme.hubs.x: takes a table of fields second", 'acme.hubs "x"')
    is_fault("acme.hubs.x: takes a table of options third", 'acme.hubs("x", { name = "x" }, true)')
    is_fault("a record is declared by a call: acme.hubs(NAME, {…})", "acme.hubs.x = { name = 1 }")
    is_fault("use takes a provider's name first", "use()")
    is_fault("use takes a table of options second", "use('acme', 'token')")
  end)

  it("takes its fields as they are then", function()
    local manifest = stack.manifest [[
      local shared = { name = "a", mail = { from = "x" }, tags = {} }
      acme.hubs("a", shared)
      shared.name, shared.mail.from = "b", "y"
      acme.hubs("b", shared)
    ]]
    assert.equal("a", manifest.record["acme.hubs.a"].fields.name)
    assert.equal("x", manifest.record["acme.hubs.a"].fields.mail.from)
    assert.equal("y", manifest.record["acme.hubs.b"].fields.mail.from)
  end)

  it("refuses what no field can be", function()
    is_fault("acme.hubs.x: about is a function", 'acme.hubs("x", { name = "x", about = pairs })')
    has("is nested too deep, or holds itself",
      (stack.faults(HEAD .. 'local t = {} t.mail = t acme.hubs("x", { name = "x", mail = t })')))
    is_fault("acme.hubs.x: tags has a boolean for a key", 'acme.hubs("x", { name = "x", tags = { [true] = "x" } })')
  end)

  it("refuses a secret within a text, and a record in place of its field", function()
    is_fault("acme.hubs.x: about has a secret within a text, which would be sent as <secret>: give all of it as a "
      .. "secret",
      'acme.hubs("x", { name = "x", about = "Bearer " .. secret "abc" })')
    is_fault("acme.hubs.x: about is a record: name one of its fields, as in acme.hubs.y.id",
      'acme.hubs("x", { name = "x", about = acme.hubs("y", { name = "y" }) })')
    is_fault("acme.hubs.x: about file says where an output goes: it belongs in the option outputs",
      'acme.hubs("x", { name = "x", about = file "p" })')
  end)

  it("is checked as the provider file says", function()
    local _, err = stack.faults(HEAD .. [[acme.lines("x", { hub = "", kind = "fax", token = 5 })]])
    local messages = {}
    for i, fault in ipairs(err.details) do messages[i] = fault.path .. " " .. fault.message end
    assert.same({ "kind must be one of sms, call", "name is required", "hub is empty" }, messages)
  end)

  it("needs a provider that can create", function()
    is_fault("acme.cards.x: acme cards cannot be created: the provider has list only",
      'acme.cards("x", { name = "x" })')
  end)

  it("has a key that no other has", function()
    is_faults('luaprov.lua:3: acme.hubs.b: has the key of acme.hubs.a (line 2): name "x"',
      HEAD .. 'acme.hubs("a", { name = "x" })\nacme.hubs("b", { name = "x" })')
    -- In another hub a line may have the same name, also where the hub is known later.
    local text = [[
      local a, b = acme.hubs("a", { name = "a" }), acme.hubs("b", { name = "b" })
      acme.lines("a", { hub = a.id, name = "x", kind = "sms", token = "t" })
      acme.lines("b", { hub = %s.id, name = "x", kind = "sms", token = "t" })
    ]]
    stack.manifest(text:format "b")
    has('acme.lines.b: has the key of acme.lines.a (line 3): hub "acme.hubs.a.id", name "x"',
      (stack.faults(HEAD .. text:format "a")))
  end)

  it("may have the key of another where a part of its path is another", function()
    local text = [[
      local reports = use("myreports", { token = secret "t", base_url = "https://reports.invalid" })
      for i, tenant in ipairs { "c1", %q } do
        reports.pbxs("p" .. i, { tenantId = tenant, _type = "ThreeCxConnectionProfile", name = "x", licenseKey = "l",
          username = "u", password = "p" })
      end
    ]]
    assert(stack.read(text:format "c2"))
    has("has the key of myreports.pbxs.p1", (stack.faults(text:format "c1")))
  end)

  it("has a key that no other has, also under another alias of the same account", function()
    local text = 'local one, two = use("acme", { token = "a" }), use("acme", { token = "%s" }, { as = "two" })\n'
      .. 'one.hubs("x", { name = "same" })\ntwo.hubs("x", { name = "same" })'
    is_faults('luaprov.lua:3: two.hubs.x: has the key of acme.hubs.x (line 2): name "same"', text:format "a")
    assert.truthy(stack.read(text:format "b"))
  end)

  it("has options", function()
    local manifest = stack.manifest [[
      local a = acme.hubs("a", { name = "a" }, { protect = true, ignore = { "about", "mail.from" } })
      acme.hubs("b", { name = "b" }, { depends_on = { a },
        outputs = { apiKey = file "keys/b", seen = command { "cat", "-" } } })
      acme.hubs("c", { name = "c" }, { depends_on = "acme.hubs.b" })
    ]]
    local a, b = manifest.record["acme.hubs.a"], manifest.record["acme.hubs.b"]
    assert.is_true(a.protect)
    assert.same({ about = true, ["mail.from"] = true }, a.ignore)
    assert.same({ "acme.hubs.a" }, b.needs)
    assert.same({
      { path = "apiKey", keys = { "apiKey" }, kind = "file", target = "keys/b" },
      { path = "seen", keys = { "seen" }, kind = "command", target = { "cat", "-" } },
    }, b.outputs)
    assert.same({ "acme.hubs.b" }, manifest.record["acme.hubs.c"].needs)
  end)

  it("has no other options, and none of another type", function()
    for options, wanted in pairs {
      ["protec = true"] = "protec: is unknown (did you mean 'protect'?)",
      ["protect = 1"] = "protect: must be true or false",
      ["ignore = { 'abuot' }"] = "ignore: there is no 'abuot' (did you mean 'about'?)",
      ["ignore = 'about'"] = "ignore: must be a list of fields",
      ["depends_on = 5"] = "depends_on: must be a list of records",
      ["depends_on = { 5 }"] = "depends_on: must be a list of records",
      ["depends_on = { acme.hubs.z }"] = "depends_on: there is no record acme.hubs.z (did you mean 'acme.hubs.x'?)",
      ["outputs = { apiKye = file 'x' }"] = "outputs: there is no 'apiKye' (did you mean 'apiKey'?)",
      ["outputs = { apiKey = 'x' }"]
        = 'outputs: must be a table of fields: { apiKey = file "PATH" } or command { "WORD", … }',
      ["outputs = { apiKey = file 'x', seen = file 'x' }"]
        = "outputs: two outputs go to x: this and that of acme.hubs.x",
      ["outputs = { apiKey = file './a/../x', seen = file './/x' }"]
        = "outputs: two outputs go to x: this and that of acme.hubs.x",
      ["outputs = { apiKey = file '/a/./x', seen = file '/b/../a//x' }"]
        = "outputs: two outputs go to /a/x: this and that of acme.hubs.x",
      ["5"] = "1: is unknown (there is depends_on, ignore, outputs, protect)",
    } do
      is_fault("acme.hubs.x: option " .. wanted, 'acme.hubs("x", { name = "x" }, { ' .. options .. " })")
    end
  end)
end)
