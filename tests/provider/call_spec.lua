-- Calls that are made one after another, and beside each other, although the next may be the same table as the last.
local clients = require "luaprov.provider.client"
local control = require "tests.contract.control"
local core = require "luaprov.core"
local http = require "luaprov.http"
local luaprov = require "luaprov"
local support = require "tests.support"
local tables = require "luaprov.tables"

describe("a call", function()
  local listener

  setup(function() listener = control.start() end)
  teardown(function() listener:stop() end)
  before_each(function() listener:reset() end)

  local plain = [[ text "name" { required = true }, secret "key" {}, unknown = "pass",
    path = "/things", create = post { expect = 201 }, get = get {}, delete = delete { expect = 204 } ]]

  local function connect(options, given)
    given = given or {}
    given.attempts, given.token = given.attempts or 1, "tok-acme-0000"
    return support.client(support.provider(plain, options), listener.url, given)
  end

  local function bodies()
    local list = {}
    for i, request in ipairs(listener:requests()) do list[i] = request.body end
    return list
  end

  it("has nothing of the one before, whatever became of that", function()
    listener:script {
      { status = 201, json = { id = "1" } },
      { status = 500, json = { message = "no" }, headers = { ["x-request-id"] = "rq-1" } },
      { status = 201, json = { id = "2", name = "b" } },
      { status = 201, text = "<html>" },
      { status = 201, json = { id = "3" } },
    }
    local client = connect()
    assert.equal("1", assert(client.things:create { name = "a" }).id)
    local _, first = client.things:create { name = "x", key = luaprov.secret "key-0000" }
    assert.same({ id = "2", name = "b" }, client.things:create { name = "b" })
    local _, second = client.things:create { name = "y" }
    assert.same({ id = "3" }, client.things:create { name = "c" })
    assert.same({ 500, "rq-1", "unknown" }, { first.status, first.trace_id, first.outcome })
    assert.same({ 201, "protocol" }, { second.status, second.kind })
    assert.is_nil(second.trace_id)
    assert.same({ '{"name":"a"}', '{"key":"key-0000","name":"x"}', '{"name":"b"}', '{"name":"y"}', '{"name":"c"}' },
      bodies())
  end)

  it("is none of those that go on beside it", function()
    local answers = {}
    for i = 1, 40 do answers[i] = { status = 201, json = { id = tostring(i) }, delay = (i * 7) % 5 / 100 } end
    listener:script(answers)
    local client, names = connect(), {}
    for round = 1, 2 do
      local results = luaprov.map({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 }, function(i)
        local name = round .. "-" .. i
        local record = assert(client.things:create { name = name })
        return { name, record.id }
      end, { concurrency = 7 })
      for _, result in ipairs(results) do names[result[2]] = result[1] end
    end
    local sent = {}
    for i, request in ipairs(listener:requests()) do sent[tostring(i)] = request.body:match '"name":"([^"]*)"' end
    assert.same(sent, names)
  end)

  it("takes its own options, and the next one the client's", function()
    listener:script {
      { status = 201, json = { id = "1" } }, { status = 429, headers = { ["Retry-After"] = "0" } },
      { status = 201, json = { id = "2" } }, { status = 429, headers = { ["Retry-After"] = "0" } },
    }
    local client = connect(nil, { attempts = 1 })
    assert(client.things:create { name = "a" })
    assert.equal("2", assert(client.things:create({ name = "b" }, { attempts = 3, patience = 60 })).id)
    local _, err = client.things:create { name = "c" }
    assert.equal(1, #err.attempts)
    assert.equal(4, #listener:requests())
  end)

  it("sends the token that there is now", function()
    local auth = [[ auth = token_request { url = "{base_url}/token", token = "token", expires_in = "lasts",
      secret "password" { required = true } } ]]
    local client = support.client(support.provider(plain, auth), listener.url, { password = "pass-0000", attempts = 2 })
    listener:script {
      { status = 200, json = { token = "tok-1", lasts = 3600 } }, { status = 201, json = { id = "1" } },
      { status = 201, json = { id = "2" } }, { status = 401 },
      { status = 200, json = { token = "tok-2", lasts = 3600 } }, { status = 201, json = { id = "3" } },
      { status = 201, json = { id = "4" } },
    }
    for id = 1, 4 do assert.equal(tostring(id), assert(client.things:create { name = "n" }).id) end
    local sent = {}
    for _, request in ipairs(listener:requests()) do
      if request.path == "/things" then sent[#sent + 1] = request.headers.authorization end
    end
    assert.same({ "Bearer tok-1", "Bearer tok-1", "Bearer tok-1", "Bearer tok-2", "Bearer tok-2" }, sent)
  end)

  it("leaves nothing behind for whoever walks through the client", function()
    listener:script { { status = 201, json = { id = "1", name = "made-0000" } } }
    local client = connect()
    assert(client.things:create { name = "sent-0000" })
    local seen, found = {}, {}
    local function walk(value, path)
      if type(value) == "string" then
        for _, text in ipairs { "tok-acme-0000", "sent-0000", "made-0000" } do
          if value:find(text, 1, true) then found[#found + 1] = path end
        end
      elseif type(value) == "table" and not seen[value] then
        seen[value] = true
        for key, inner in next, value do
          walk(key, path .. " key")
          walk(inner, path .. "." .. tostring(key))
        end
        walk(debug.getmetatable(value), path .. " metatable")
      end
    end
    walk(client, "client")
    assert.same({}, found)
  end)

  -- What of an operation's last call is kept for the next one.
  local function kept(client, name)
    local resource = client.things
    return resource.state.calls[resource.description.operations[name]].__index.spare()
  end

  local function holds(value, text, seen)
    if type(value) == "string" then return value:find(text, 1, true) ~= nil end
    seen = seen or {}
    if type(value) ~= "table" or seen[value] then return false end
    seen[value] = true
    for key, inner in next, value do
      if holds(key, text, seen) or holds(inner, text, seen) then return true end
    end
    return false
  end

  it("keeps no token but the one that it sent last", function()
    local auth = [[ auth = token_request { url = "{base_url}/token", token = "token", expires_in = "lasts",
      secret "password" { required = true } } ]]
    local client = support.client(support.provider(plain, auth), listener.url, { password = "pass-0000", attempts = 2 })
    listener:script {
      { status = 200, json = { token = "tok-1", lasts = 3600 } }, { status = 201, json = { id = "1" } },
      { status = 401 }, { status = 200, json = { token = "tok-2", lasts = 3600 } },
      { status = 200, json = { id = "1" } },
      { status = 201, json = { id = "2" } },
    }
    assert(client.things:create { name = "a" })
    assert(client.things:get "1")
    assert(client.things:create { name = "b" })
    local call = kept(client, "create")
    assert.is_true(holds(call, "tok-2"))
    assert.is_false(holds(call, "tok-1"))
  end)

  it("keeps nothing of the one that it belonged to, and of what it was read for", function()
    listener:script { { status = 201, json = { id = "1" } }, { status = 200, json = { id = "1", name = "a" } } }
    local client = support.client(support.provider [[ text "name" { required = true }, secret "key" {},
      path = "/things", create = post { expect = 201, returns = "nothing", id = "id" }, get = get {} ]], listener.url)
    assert(client.things:create { name = "a", key = luaprov.secret "key-0000" })
    local call = kept(client, "get")
    assert.is_false(holds(call, "key-0000"))
    assert.is_false(call.read)
  end)

  it("has its time from when it has its token, be that the one of before", function()
    local answered
    local seen = {}
    local inside = { exchange = function(request, operation, now)
      if operation == "token" then
        core.pause(0.02)
        answered = http.now()
        return { status = 200, headers = {}, body = '{"token":"tok-1","lasts":0}' }
      end
      seen[#seen + 1] = { now = now, answered = answered, deadline = request.deadline }
      return { status = 201, headers = {}, body = '{"id":"1"}' }
    end }
    local auth = [[ auth = token_request { url = "{base_url}/token", token = "token", expires_in = "lasts",
      secret "password" { required = true } } ]]
    local client = assert(clients.new(support.description(support.provider(plain, auth)),
      { base_url = listener.url, password = "pass-0000", timeout = 5 }, inside))
    for _ = 1, 2 do assert(client.things:create { name = "a" }) end
    for i, one in ipairs(seen) do
      assert.is_true(one.now >= one.answered, i)
      assert.equal(one.now + 5, one.deadline)
    end
    assert.is_true(seen[2].answered > seen[1].now)
  end)

  describe("that is prepared", function()
    local function request(fields)
      local made = {
        method = "POST", url = listener.url .. "/things", body = "{}", deadline = http.now() + 10, connect_timeout = 5,
        headers = { Accept = "application/json", ["X-Empty"] = "", Authorization = "Bearer tok-acme-0000" },
      }
      for name, value in pairs(fields or {}) do made[name] = value end
      made.order = made.order or tables.keys(made.headers)
      return made
    end

    it("sends what it would send else", function()
      listener:script { { status = 200 }, { status = 200 } }
      local it_is = request { order = { "Accept", "Authorization", "X-Absent", "X-Empty" } }
      assert(http.exchange(it_is))
      it_is.prepared = assert(core.prepare(it_is))
      it_is.headers, it_is.order, it_is.method = false, false, false
      it_is.deadline = http.now() + 10
      assert(http.exchange(it_is))
      local sent = listener:requests(2)
      assert.equal("POST", sent[2].method)
      assert.same(sent[1], sent[2])
    end)

    it("shows nothing of it", function()
      local prepared = core.prepare(request())
      assert.equal("luaprov.prepared", tostring(prepared))
      assert.is_false(getmetatable(prepared))
    end)

    it("is none where it may not be sent", function()
      for name, value in pairs {
        method = "post", headers = { ["a b"] = "c" }, connect_timeout = 0,
      } do assert.is_nil((core.prepare(request { [name] = value })), name) end
      assert.is_nil((core.prepare(request { headers = { a = "b\r\nc: d" } })))
      assert.is_nil((core.prepare(request { headers = { ["Content-Length"] = "2" } })))
      assert.has_error(function() core.prepare() end)
      assert.has_error(function() core.prepare(request { headers = "x", order = {} }) end)
    end)

    it("is sent by a finalizer, too, when what was prepared is gone", function()
      listener:script { { status = 200 }, { status = 200 } }
      local output = support.child([[
        local core, http = require "luaprov.core", require "luaprov.http"
        local it_is = { method = "POST", url = os.getenv "URL", connect_timeout = 5, deadline = http.now() + 10,
          headers = { Accept = "text/plain" }, order = { "Accept" } }
        assert(http.exchange(it_is)) -- now the engine is there, and so goes after the finalizer
        FINALIZER = require "luaprov.runtime.finalizer"(function() print(http.exchange(it_is)) end)
        it_is.prepared = assert(core.prepare(it_is))
      ]], { URL = listener.url .. "/things" })
      local sent = listener:requests(2)
      assert.same(sent[1], sent[2], output)
    end)

    it("is still looked at where it changes", function()
      local it_is = request()
      it_is.prepared = core.prepare(it_is)
      it_is.url = listener.url .. "/thi ngs"
      local _, err = http.exchange(it_is)
      assert.same({ "invalid", "not_sent" }, { err.kind, err.outcome })
      assert.equal(0, #listener:requests())
    end)
  end)
end)
