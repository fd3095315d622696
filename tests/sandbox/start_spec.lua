-- How a sandbox begins and ends, and what it tells whoever started it.
local boxes = require "tests.sandbox.boxes"
local http = require "luaprov.http"
local luaprov = require "luaprov"
local runtime = require "luaprov.runtime"
local support = require "tests.support"

local THINGS = '    path = "/things", text "name" {}, secret "key" {}, create = post {}, get = get {}, list = get {},\n'

local function refused(options, wanted)
  local box, err = boxes.start(options)
  support.is_error(wanted, err, box)
  return err
end

describe("A sandbox", function()
  after_each(boxes.stop)

  it("says that its port is in use, and has it when that is free", function()
    local box = assert(boxes.start { "ocamba" })
    refused({ "ocamba", port = box.port }, { kind = "network", outcome = "not_sent",
                                             has = { "127.0.0.1:" .. box.port, "Address already in use" } })
    local client = assert(luaprov.client("ocamba", box:options "ocamba"))
    assert(client.integrations:list())
    box:stop()
    box:stop()
    for _ = 1, 5 do
      local again = assert(boxes.start { "ocamba", port = box.port })
      assert.equal(box.port, again.port)
      assert(client.integrations:list())
      again:stop()
    end
    support.is_error({ kind = "network", outcome = "not_sent" }, select(2, client.integrations:list()))
  end)

  it("refuses options that are none, with the mistake and the line of whoever made it", function()
    for words, options in pairs {
      ["unknown option 'prot' (did you mean 'port'?)"] = { prot = 1 }, ["port must be a number"] = { port = "80" },
      ["port must be a whole number from 0 to 65535"] = { port = 65536 }, ["data must be a string"] = { data = 1 },
      ["limits must be a boolean"] = { limits = 1 }, ["a provider is given by its name"] = { 7 },
      ["token_life must be a number of seconds above zero"] = { token_life = 0 },
      ["data must be the path of a file"] = { data = "" }, ["providers has holes"] = { "ocamba", [3] = "onebox" },
      ["faults must be a list"] = { faults = { fault = "drop" } }, ["log must be a function"] = { log = true },
      ["start takes a table"] = "ocamba",
    } do
      local ok, why = pcall(function() luaprov.sandbox.start(options) end)
      assert.is_false(ok, words)
      assert.truthy(why:find(words, 1, true), why)
      assert.truthy(why:find("start_spec.lua:%d+:"), why)
    end
    for _, port in ipairs { -1, 1.5, 0 / 0, 1 / 0 } do
      assert.is_false((pcall(luaprov.sandbox.start, { port = port })))
    end
  end)

  it("refuses credentials that no provider has", function()
    for words, given in pairs {
      ["no provider 'ocmba' here (did you mean 'ocamba'?)"] = { ocmba = {} },
      ["ocamba must have a table"] = { ocamba = "t" },
      ["ocamba has no 'tokn' (did you mean 'token'?)"] = { ocamba = { tokn = "t" } },
      ["ocamba's token must be text"] = { ocamba = { token = {} } },
    } do
      refused({ "ocamba", credentials = given }, { kind = "invalid", has = words })
    end
  end)

  it("refuses providers that are not there, are broken, or share a name", function()
    refused({ "ocmba" }, { kind = "invalid", outcome = "not_sent", has = "'ocamba'" })
    refused({ "./nonexistent.lua" }, { kind = "invalid", has = "./nonexistent.lua" })
    local broken = support.file("acme.lua", support.provider '    path = "/things", txt "name" {}, list = get {},\n')
    refused({ "ocamba", broken }, { kind = "invalid", has = { broken .. ":3:", "unknown word 'txt'" } })
    local half = support.file("acme.lua", "return provider {\n")
    refused({ half }, { kind = "invalid", has = half .. ":" })
    local one = support.file("acme.lua", support.provider(THINGS))
    local other = support.file("acme.lua", support.provider(THINGS))
    refused({ one, other }, { kind = "invalid", has = { "two providers are called acme", one, other } })
    assert.equal(1, #assert(boxes.start { one, one }).vendors)
    local upper = support.file("ACME.lua", support.provider(THINGS))
    local dash = support.file("my-api.lua", support.provider(THINGS))
    local line = support.file("my_api.lua", support.provider(THINGS))
    refused({ dash, line }, { kind = "invalid", outcome = "not_sent",
                              has = "my-api and my_api share their environment variables, LUAPROV_MY_API_…" })
    refused({ one, upper }, { kind = "invalid", has = "acme and ACME share their environment variables, LUAPROV_A" })
  end)

  it("leaves its port free when it cannot start", function()
    local box = assert(boxes.start { "ocamba" })
    local port = box.port
    box:stop()
    refused({ "ocamba", port = port, data = "/nonexistent/records" }, { kind = "invalid" })
    refused({ "ocamba", port = port, faults = { { fault = "dorp" } } }, { kind = "invalid" })
    assert(boxes.start { "ocamba", port = port })
  end)

  it("listens where it is told", function()
    for host, url in pairs { ["127.0.0.1"] = "http://127.0.0.1:", ["localhost"] = "http://localhost:",
                             ["0.0.0.0"] = "http://0.0.0.0:", ["::1"] = "http://[::1]:" } do
      local box, err = boxes.start { "ocamba", host = host }
      if not box and host == "::1" then
        pending(tostring(err)) -- a machine without IPv6
      else
        assert.equal(url .. box.port, assert(box, tostring(err)).url)
        assert(assert(luaprov.client("ocamba", box:options "ocamba")).integrations:list())
      end
    end
    refused({ "ocamba", host = "sandbox.invalid" }, { kind = "network", has = "sandbox.invalid: not an IP address" })
  end)

  it("serves every provider that is found when none is named", function()
    local box = assert(boxes.start())
    for _, name in ipairs { "onebox", "ocamba", "hubster", "myreports" } do
      assert.equal(box.url .. "/" .. name, box.base_url[name]:sub(1, #box.url + 1 + #name))
    end
    assert.equal("luaprov sandbox at " .. box.url, tostring(box))
  end)

  it("is one of many in a process, each with records of its own", function()
    local clients = {}
    for i = 1, 20 do
      local box = assert(boxes.start { "ocamba" })
      clients[i] = assert(luaprov.client("ocamba", box:options "ocamba"))
    end
    luaprov.map(clients, function(client) assert(client.integrations:create(boxes.mitto "n")) end)
    for _, client in ipairs(clients) do assert.equal("1001", assert(client.integrations:list())[1].id) end
  end)

  it("goes on when nobody holds it any more", function()
    local url, options
    do
      local box = assert(luaprov.sandbox.start { "ocamba" })
      url, options = box.url, box:options "ocamba"
    end
    for _ = 1, 3 do collectgarbage() end
    assert.truthy(url)
    assert(assert(luaprov.client("ocamba", options)).integrations:list())
  end)

  it("gives its records as copies, in their order, with secrets as the vendor has them", function()
    local box, acme = boxes.of(support.provider(THINGS))
    for i = 1, 3 do assert(acme.things:create { name = "n" .. i, key = luaprov.secret("FAKE-" .. i) }) end
    local records = box:records("acme", "things")
    assert.same({ "n1", "n3", "FAKE-2" }, { records[1].name, records[3].name, records[2].key })
    records[1].name = "changed"
    assert.equal("n1", box:records("acme", "things")[1].name)
    for _, wrong in ipairs { { "acm", "things" }, { "acme", "thing" }, {} } do
      local ok, why = pcall(function() box:records(wrong[1], wrong[2]) end)
      assert.is_false(ok)
      assert.truthy(why:find("start_spec.lua", 1, true), why)
    end
  end)

  it("tells the environment of each way to authenticate", function()
    local box = assert(boxes.start { "myreports", "ocamba" })
    local list = box:environment()
    assert.same({ "myreports", "ocamba" }, { list[1].provider, list[2].provider })
    -- Where tokens are asked for, too: whoever has credentials of their own must not ask the real vendor.
    assert.same({ { "LUAPROV_MYREPORTS_BASE_URL", box.base_url.myreports },
      { "LUAPROV_MYREPORTS_TOKEN_URL", box.token_url.myreports } }, list[1].common)
    assert.same({ { { "LUAPROV_MYREPORTS_TOKEN", "sandbox-token" } }, {
      { "LUAPROV_MYREPORTS_REFRESH_TOKEN", "sandbox-refresh-token" },
      { "LUAPROV_MYREPORTS_CLIENT_ID", "sandbox-client-id" },
      { "LUAPROV_MYREPORTS_CLIENT_SECRET", "sandbox-client-secret" } } }, list[1].ways)
    local environment = {}
    for _, pair in ipairs(list[1].common) do environment[pair[1]] = pair[2] end
    for _, pair in ipairs(list[1].ways[2]) do environment[pair[1]] = pair[2] end
    -- What is printed is enough for a client of another process; nobody answers it here, which is told from a mistake.
    box:stop()
    local said = support.child([[
      local client = assert(require "luaprov".client("myreports", { attempts = 1 }))
      print(select(2, client.pbxs:list { tenantId = "t" }).kind) ]], environment)
    assert.equal("network", said)
  end)

  it("answers tasks, 64 at once, and coroutines within them", function()
    local box = assert(boxes.start { "ocamba", limits = false })
    local client = assert(luaprov.client("ocamba", box:options "ocamba"))
    local list = {}
    for i = 1, 640 do list[i] = "n" .. i end
    local records, errors = luaprov.map(list, function(name)
      local made = assert(client.integrations:create(boxes.mitto(name)))
      return coroutine.wrap(function() return assert(client.integrations:get(made.id)) end)()
    end, { concurrency = 64 })
    assert.is_nil(next(errors))
    local seen = {}
    for i = 1, 640 do
      assert.equal(list[i], records[i].name)
      assert.is_nil(seen[records[i].id])
      seen[records[i].id] = true
    end
    assert.equal(640, #box:records("ocamba", "integrations"))
  end)

  it("may be stopped by what is told of a call", function()
    local box
    box = assert(boxes.start { "ocamba", log = function() box:stop() end })
    local options = box:options "ocamba"
    options.attempts = 1
    local client = assert(luaprov.client("ocamba", options))
    assert(client.integrations:list())
    support.is_error({ kind = "network" }, select(2, client.integrations:list()))
    assert(boxes.start { "ocamba", port = box.port })
  end)

  it("that is stopped so does nothing more, whatever came at the same time", function()
    local path, stderr, said = support.folder() .. "/records", io.stderr, ""
    io.stderr = { write = function(_, ...) said = said .. table.concat { ... } end } -- luacheck: ignore 122
    local box
    box = assert(boxes.start { "ocamba", data = path, limits = false,
      log = function(line) if line:find("create", 1, true) then box:stop() end end })
    local options = box:options "ocamba"
    options.attempts = 1
    local client = assert(luaprov.client("ocamba", options))
    local names = {}
    for i = 1, 30 do names[i] = "n" .. i end
    -- All connections are there, so that all creates come at once.
    luaprov.map(names, function() assert(client.integrations:list()) end, { concurrency = 30 })
    local records, errors = luaprov.map(names, function(name) return client.integrations:create(boxes.mitto(name)) end,
      { concurrency = 30 })
    io.stderr = stderr -- luacheck: ignore 122
    local made, network = 0, 0
    for i = 1, 30 do
      made = made + (records[i] and 1 or 0)
      network = network + (errors[i] and errors[i].kind == "network" and 1 or 0)
    end
    assert.same({ 1, 29, "" }, { made, network, said })
    box = assert(boxes.start { "ocamba", data = path, port = box.port })
    assert.equal(1, #box:records("ocamba", "integrations"))
  end)

  it("tells what became of every call, also when that was late", function()
    local lines, call = {}, "ocamba integrations create: POST /ocamba/v1/hood/integrations "
    local box = assert(boxes.start { "ocamba", limits = false, log = function(line) lines[#lines + 1] = line end })
    local options = box:options "ocamba"
    options.timeout, options.attempts = 0.2, 1
    local client = assert(luaprov.client("ocamba", options))
    for _, case in ipairs {
      { { fault = "late", seconds = 0.02 }, "waits", "closed, acted 201" },
      { { fault = "silent" }, "waits, acted 201", "closed, acted 201" }, { { fault = "silent", acts = false }, "waits",
      "closed" }, { { fault = "slow", seconds = 0.02 }, "waits", "201" }, { { fault = "slow", seconds = 0.3 }, "waits",
      "201, nobody there" }, { { fault = "drop" }, "closed, acted 201" },
      { { fault = "drop", acts = false, reset = true }, "reset" }, { { fault = "half_status" }, "closed, acted 201" },
      { { fault = "cut" }, "201, closed" }, { { fault = "slow_body", seconds = 0.02 }, "201, waits", "201, closed" },
      { { fault = "html", status = 502 }, "502" },
    } do
      local given, wanted = case[1], {}
      for i = 2, #case do wanted[i - 1] = call .. case[i] .. " (" .. given.fault .. ")" end
      given.on, given.times = "ocamba integrations create", 1
      box:fault(given)
      lines = {}
      client.integrations:create(boxes.mitto "n")
      local give_up = http.now() + 20
      runtime.run_until(function() return #lines >= #wanted or http.now() > give_up end)
      assert.same(wanted, lines)
    end
  end)

  it("tells a line a call to whoever wants them, and goes on when that fails", function()
    local lines, broken = {}, false
    local box = assert(boxes.start { "ocamba", limits = false, log = function(line)
      lines[#lines + 1] = line
      if broken then error "the log is full" end
    end })
    local options = box:options "ocamba"
    options.attempts = 1
    local client = assert(luaprov.client("ocamba", options))
    box:fault { fault = "status", on = "ocamba providers", status = 503 }
    assert(client.integrations:create(boxes.mitto "FAKE-name"))
    client.providers:list()
    boxes.send(box, "GET", "/ocamba/x")
    assert.same({ "ocamba integrations create: POST /ocamba/v1/hood/integrations 201",
                  "ocamba providers list: GET /ocamba/v1/hood/providers 503 (status)",
                  "ocamba -: GET /ocamba/x 404" }, lines)
    broken = true
    local stderr, said = io.stderr, ""
    io.stderr = { write = function(_, ...) said = said .. table.concat { ... } end } -- luacheck: ignore 122
    local ok, answer = pcall(client.integrations.list, client.integrations)
    io.stderr = stderr -- luacheck: ignore 122
    assert.is_true(ok)
    assert.equal(1, #answer)
    assert.truthy(said:find("the log is full", 1, true))
  end)
end)
