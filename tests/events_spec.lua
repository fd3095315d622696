-- What is told of calls: to listeners, and as a line on standard error.
local control = require "tests.contract.control"
local luaprov = require "luaprov"
local support = require "tests.support"

local ACME = support.provider('unknown = "pass",' .. support.operations,
  'auth = bearer "token", errors = { trace_id = "meta.trace" }')

describe("luaprov.on", function()
  local listener, offs
  setup(function() listener = control.start() end)
  teardown(function() listener:stop() end)
  before_each(function()
    listener:reset()
    offs = {}
  end)
  after_each(function()
    for _, off in ipairs(offs) do off() end
    support.clean()
  end)

  local function on(name)
    local told = {}
    offs[#offs + 1] = luaprov.on(name, function(event) told[#told + 1] = event end)
    return told
  end

  local function connect(options)
    local given = { token = "tok-acme-0000", attempts = 3 }
    for name, value in pairs(options or {}) do given[name] = value end
    return support.client(ACME, listener.url, given)
  end

  -- An event, its times apart.
  local function checked(event)
    assert.is_true(event.seconds > 0 and event.waited >= 0 and event.waited <= event.seconds)
    event.seconds, event.waited = nil, nil
    return event
  end

  it("tells of a call that went well, with its status and its trace id", function()
    local calls, tries = on "call", on "attempt"
    listener:script { { status = 201, json = { id = "7", meta = { trace = "tr-1" } } },
                      { status = 200, json = { id = "7" }, headers = { ["X-Request-Id"] = "rq-1" } },
                      { status = 204 } }
    local client = connect()
    assert(client.things:create { name = "n" })
    assert(client.things:get "7")
    assert(client.things:delete "7")
    local about = { provider = "acme", resource = "things", attempts = 1, outcome = "done" }
    local function with(fields)
      for name, value in pairs(about) do fields[name] = value end
      return fields
    end
    for _, told in ipairs { calls, tries } do
      assert.equal(3, #told)
      assert.same(with { operation = "create", method = "POST", status = 201, trace_id = "tr-1" }, checked(told[1]))
      assert.same(with { operation = "get", method = "GET", status = 200, trace_id = "rq-1" }, checked(told[2]))
      assert.same(with { operation = "delete", method = "DELETE", status = 204 }, checked(told[3]))
    end
  end)

  it("tells of each try, and of the call that they were", function()
    local calls, tries = on "call", on "attempt"
    listener:script { { status = 503, headers = { ["Retry-After"] = "0" }, json = { meta = { trace = "tr-1" } } },
                      { status = 200, json = { id = "7" } } }
    assert(connect().things:get "7")
    assert.same({ 1, 2, 2 }, { #calls, #tries, calls[1].attempts })
    assert.same({ 503, "unavailable", "refused", "tr-1", 1 },
      { tries[1].status, tries[1].kind, tries[1].outcome, tries[1].trace_id, tries[1].attempts })
    assert.same({ 200, "done", 2 }, { tries[2].status, tries[2].outcome, tries[2].attempts })
    assert.same({ 200, "done" }, { calls[1].status, calls[1].outcome })
    assert.is_true(calls[1].seconds >= tries[1].seconds + tries[2].seconds)
  end)

  it("tells of a call that failed, also without an answer", function()
    local calls = on "call"
    listener:script { status = 404, json = { meta = { trace = "tr-2" } } }
    local client = connect { attempts = 1 }
    assert.is_nil((client.things:get "7"))
    assert.same({ 404, "not_found", "refused", "tr-2" },
      { calls[1].status, calls[1].kind, calls[1].outcome, calls[1].trace_id })
    local dead = support.client(ACME, "http://127.0.0.1:1", { token = "tok-acme-0000" })
    assert.is_nil((dead.things:create { name = "n" }))
    assert.same({ n = 3, nil, "network", "not_sent" }, { n = 3, calls[2].status, calls[2].kind, calls[2].outcome })
  end)

  it("tells of an answer that cannot be used as of a failure", function()
    local calls, tries = on "call", on "attempt"
    listener:script { status = 201, json = { name = "no id" } }
    assert.is_nil((connect { attempts = 1 }.things:create { name = "n" }))
    for _, told in ipairs { calls, tries } do
      assert.same({ 201, "protocol", "unknown" }, { told[1].status, told[1].kind, told[1].outcome })
    end
  end)

  it("tells how long a call waited for its turn", function()
    local calls = on "call"
    local client = support.client(support.provider(support.operations,
      'auth = bearer "token", limits = { { 1, per = 0.1 } }'), listener.url, { token = "tok-waits" })
    for _ = 1, 2 do
      listener:script { status = 200, json = { id = "7" } }
      assert(client.things:get "7")
    end
    assert.equal(0, calls[1].waited)
    assert.is_true(calls[2].waited >= 0.05 and calls[2].waited <= calls[2].seconds)
  end)

  it("holds nothing that is secret", function()
    local calls, tries = on "call", on "attempt"
    listener:script { { status = 200, json = { id = "7", meta = { trace = "tok-acme-0000" } } },
                      { status = 400, headers = { ["X-Request-Id"] = "a tok-acme-0000 b" },
                        json = { meta = { trace = { "tok-acme-0000" } } } } }
    local client = connect()
    assert(client.things:get "7")
    assert.is_nil((client.things:get "7"))
    assert.equal("<secret>", calls[1].trace_id)
    for _, told in ipairs { calls, tries } do
      assert.equal(2, #told)
      assert.is_nil(support.shown(told):find("acme-0000", 1, true))
    end
  end)

  it("is ended by what it returns, for that one alone", function()
    local told = {}
    local function fn() told[#told + 1] = true end
    local first, second = luaprov.on("call", fn), luaprov.on("call", fn)
    local function get()
      told = {}
      listener:script { status = 200, json = { id = "7" } }
      assert(connect().things:get "7")
      return #told
    end
    assert.equal(2, get())
    first()
    first()
    assert.equal(1, get())
    second()
    assert.equal(0, get())
  end)

  it("may be ended, and begun, while an event is told; what one does to an event no other sees", function()
    local seen = {}
    offs[1] = luaprov.on("call", function(event)
      seen[#seen + 1] = "first"
      event.provider = "changed"
      offs[1]()
      offs[3] = luaprov.on("call", function() seen[#seen + 1] = "third" end)
    end)
    offs[2] = luaprov.on("call", function(event) seen[#seen + 1] = "second " .. event.provider end)
    listener:script { { status = 200, json = { id = "7" } }, { status = 200, json = { id = "7" } } }
    assert(connect().things:get "7")
    assert.same({ "first", "second acme" }, seen)
    assert(connect().things:get "7")
    assert.same({ "first", "second acme", "second acme", "third" }, seen)
  end)

  it("is for events that there are, and functions", function()
    for _, wrong in ipairs { { "cal", print, "there is no event 'cal'" }, { nil, print, "there is no event 'nil'" },
                             { "call", nil, "on takes a function second, not nil" } } do
      local ok, err = pcall(luaprov.on, wrong[1], wrong[2])
      assert.is_false(ok)
      assert.truthy(err:find(wrong[3], 1, true), err)
    end
  end)

  -- What a child prints of gets while its listeners do as `script` says.
  local function child(script, environment)
    local file = support.file("acme.lua", ACME)
    for _ = 1, 3 do listener:script { status = 201, json = { id = "7", meta = { trace = "t-7" } } } end
    local all = { LUAPROV_ACME_TOKEN = "tok-acme-0000", LUAPROV_ACME_BASE_URL = listener.url }
    for name, value in pairs(environment or {}) do all[name] = value end
    return support.child(('local luaprov = require "luaprov"\nlocal acme = assert(luaprov.client(%q))\n'
      .. 'io.stdout:setvbuf "no"\n%s'):format(file, script), all)
  end

  it("loses nothing by a listener that fails: the call is told as done, the error once", function()
    local out = child [[
      local heard = 0
      luaprov.on("call", function() error("broken on purpose") end)
      luaprov.on("call", function() error({}) end)
      luaprov.on("call", function() heard = heard + 1 end)
      for _ = 1, 3 do
        local record, err = acme.things:create { name = "n" }
        print(record and record.id, err)
      end
      print(heard)]]
    local _, count = out:gsub("7\tnil", "")
    assert.equal(3, count, out)
    assert.truthy(out:find("\n3$"), out)
    assert.truthy(out:find("luaprov: a listener of 'call' failed: [^\n]*broken on purpose\nstack traceback:"), out)
    _, count = out:gsub("broken on purpose", "")
    assert.equal(1, count, out)
    _, count = out:gsub("a listener of 'call' failed: table: ", "")
    assert.equal(1, count, out)
  end)

  it("is a Ctrl-C's only way out of a listener", function()
    local out = child [[
      luaprov.on("call", function() error("interrupted!", 0) end)
      print(pcall(acme.things.create, acme.things, { name = "n" }))]]
    assert.equal("false\tinterrupted!", out)
  end)

  it("is a line a call on standard error with LUAPROV_LOG=debug, and with nothing else", function()
    local script = 'assert(acme.things:create { name = "n" })'
    assert.truthy(child(script, { LUAPROV_LOG = "debug" }):find(
      "^luaprov: acme things create 201 done, 1 attempt, 0%.%d%d%d s, trace id t%-7$"))
    listener:reset()
    assert.equal("", child(script, { LUAPROV_LOG = "info" }))
    listener:reset()
    assert.equal("", child(script))
  end)

  it("says in that line how a call failed", function()
    local out = child('acme.things:create { name = "n" }', { LUAPROV_LOG = "debug",
      LUAPROV_ACME_BASE_URL = "http://127.0.0.1:1", LUAPROV_ACME_ATTEMPTS = "1" })
    assert.truthy(out:find("^luaprov: acme things create %- network/not_sent, 1 attempt, 0%.%d%d%d s$"), out)
  end)
end)
