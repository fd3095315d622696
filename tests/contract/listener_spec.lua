-- The listener itself, spoken to with raw sockets: the other contract tests lean on it.

local socket = require "socket"
local control = require "tests.contract.control"

local function connect(listener)
  local connection = assert(socket.connect("127.0.0.1", listener.port))
  connection:settimeout(20)
  return connection
end

local function send(connection, method, path, body, headers)
  local lines = { method .. " " .. path .. " HTTP/1.1", "Host: test" }
  for name, value in pairs(headers or {}) do lines[#lines + 1] = name .. ": " .. value end
  if body then lines[#lines + 1] = "Content-Length: " .. #body end
  assert(connection:send(table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or "")))
end

--- status, headers, body; nil and what was received if the connection ended before.
local function receive(connection)
  local line, problem, partial = connection:receive("*l")
  if not line then return nil, problem, partial end
  local headers = {}
  while true do
    local header = assert(connection:receive("*l"))
    if header == "" then break end
    local name, value = header:match("^([^:]+): (.*)$")
    headers[name] = value
  end
  local length = tonumber(headers["content-length"])
  -- receive(0) would wait for the next byte.
  local body = length and length > 0 and connection:receive(length) or ""
  return tonumber(line:match("^HTTP/1.1 (%d+) ")), headers, body
end

--- Everything until the connection is closed.
local function rest(connection)
  local all, problem, partial = connection:receive("*a")
  assert(all or problem == "closed", problem)
  return all or partial
end

describe("the contract listener", function()
  local listener

  setup(function() listener = control.start() end)
  teardown(function() listener:stop() end)
  before_each(function() listener:reset() end)

  it("gives scripted answers in order and remembers what arrived", function()
    listener:script {
      { status = 201, headers = { Location = "/things/1", ["Retry-After"] = 5 },
        json = { id = "1", list = control.array() } },
      { status = 200, text = "hello" },
      { status = 204 },
    }
    local client = connect(listener)
    send(client, "POST", "/things?x=1", '{"name":"\195\164"}', { ["X-One"] = "a b" })
    local status, headers, body = receive(client)
    assert.equal(201, status)
    assert.equal("application/json", headers["content-type"])
    assert.equal("/things/1", headers.location)
    assert.equal("5", headers["retry-after"])
    assert.equal('{"id":"1","list":[]}', body)
    send(client, "GET", "/things/1")
    status, headers, body = receive(client)
    assert.equal(200, status)
    assert.equal("text/plain", headers["content-type"])
    assert.equal("hello", body)
    send(client, "DELETE", "/things/1")
    status, headers = receive(client)
    assert.equal(204, status)
    assert.is_nil(headers["content-length"])

    local requests, connections = listener:requests(3)
    assert.equal(3, #requests)
    assert.equal(1, connections)
    assert.equal("POST", requests[1].method)
    assert.equal("/things?x=1", requests[1].path)
    assert.equal("a b", requests[1].headers["x-one"])
    assert.equal('{"name":"\195\164"}', requests[1].body)
    assert.equal("", requests[2].body)
    assert.equal(requests[1].connection, requests[3].connection)
    client:close()
  end)

  it("says what arrived when no answer was scripted", function()
    local client = connect(listener)
    send(client, "PUT", "/nowhere", "body")
    local status, _, body = receive(client)
    assert.equal(599, status)
    assert.matches("PUT /nowhere\nbody", body, 1, true)
    client:close()
  end)

  it("keeps an answer with a match for its request", function()
    listener:script {
      { match = { method = "GET", path = "/b?c=1" }, status = 200, text = "for b" },
      { match = { path = "/a" }, status = 200, text = "for a" },
      { status = 200, text = "for anyone" },
    }
    local client = connect(listener)
    for _, case in ipairs { { "/a", "for a" }, { "/b", "for anyone" }, { "/b?c=1", "for b" } } do
      send(client, "GET", case[1])
      local _, _, body = receive(client)
      assert.equal(case[2], body)
    end
    client:close()
  end)

  it("serves several connections at once and holds answers until released", function()
    listener:script { { match = { path = "/1" }, status = 200, text = "one", hold = true },
      { match = { path = "/2" }, status = 200, text = "two", hold = true }, { status = 200, text = "three" } }
    local first, second, third = connect(listener), connect(listener), connect(listener)
    send(first, "GET", "/1")
    listener:requests(1)
    send(second, "GET", "/2")
    listener:requests(2)
    send(third, "GET", "/3")
    assert.equal("three", select(3, receive(third)))
    local _, connections = listener:requests(3)
    assert.equal(3, connections)
    first:settimeout(0)
    assert.same({ nil, "timeout", "" }, { first:receive(1) })
    first:settimeout(20)
    assert.equal(1, listener:release(1))
    assert.equal("one", select(3, receive(first)))
    assert.equal(1, listener:release())
    assert.equal("two", select(3, receive(second)))
    assert.equal(0, listener:release())
    for _, client in ipairs { first, second, third } do client:close() end
  end)

  it("answers a waiting question when the requests have arrived", function()
    local waiter = connect(listener)
    send(waiter, "GET", "/-/requests?wait=2")
    listener:script { { status = 204 }, { status = 204 } }
    local client = connect(listener)
    send(client, "GET", "/x")
    receive(client)
    waiter:settimeout(0)
    assert.equal("timeout", select(2, waiter:receive(1)))
    waiter:settimeout(20)
    send(client, "GET", "/y")
    receive(client)
    local status, headers, body = receive(waiter)
    assert.equal(200, status)
    assert.equal("1", headers["x-connections"])
    assert.equal("/y", control.json.decode(body)[2].path)
    waiter:close()
    client:close()
  end)

  it("reads bodies in pieces, chunked ones, and answers Expect: 100-continue", function()
    listener:script { { status = 200 }, { status = 200 }, { status = 200 } }
    local client = connect(listener)
    client:setoption("tcp-nodelay", true)
    for piece in ("POST /p HTTP/1.1\r\nContent-Le|ngth: 5\r\n\r|\nab|cde"):gmatch("[^|]+") do
      assert(client:send(piece))
    end
    assert.equal(200, (receive(client)))
    local chunked = "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    for piece in (chunked .. "3\r|\nabc\r\n|4;x=y\r\ndef|g\r\n0\r\n|\r\n"):gmatch("[^|]+") do
      assert(client:send(piece))
    end
    assert.equal(200, (receive(client)))
    assert(client:send("POST /e HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"))
    assert.equal("HTTP/1.1 100 Continue", client:receive("*l"))
    assert.equal("", client:receive("*l"))
    assert(client:send("ok"))
    assert.equal(200, (receive(client)))
    local requests = listener:requests()
    assert.equal("abcde", requests[1].body)
    assert.equal("abcdefg", requests[2].body)
    assert.equal("ok", requests[3].body)
    client:close()
  end)

  it("takes and gives large bodies", function()
    local large = ("0123456789abcdef"):rep(2 ^ 16)
    listener:script { status = 200, text = large }
    local client = connect(listener)
    send(client, "POST", "/large", large)
    assert.equal(large, (select(3, receive(client))))
    assert.equal(large, listener:requests()[1].body)
    client:close()
  end)

  it("keeps bytes that are no UTF-8 as they are", function()
    local bytes = "\0\1\127\128\255\"\\"
    listener:script { status = 200, text = bytes }
    local client = connect(listener)
    send(client, "POST", "/bytes", bytes)
    assert.equal(bytes, (select(3, receive(client))))
    assert.equal(bytes, listener:requests()[1].body)
    client:close()
  end)

  it("writes raw answers byte for byte and closes", function()
    for _, raw in ipairs {
      "HTTP/1.1 20", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"id\"", "not http\0\255", "",
    } do
      listener:script { raw = raw }
      local client = connect(listener)
      send(client, "GET", "/raw")
      assert.equal(raw, rest(client))
      client:close()
    end
  end)

  it("closes after an answer, in place of one, and with a reset", function()
    listener:script { { status = 200, text = "bye", close = true }, { close = true }, { reset = true },
      { status = 200, headers = { ["content-length"] = 100 }, text = "half", close = true } }
    local client = connect(listener)
    send(client, "GET", "/1")
    local _, headers, body = receive(client)
    assert.equal("bye", body)
    assert.is_nil(headers.connection)
    assert.equal("closed", select(2, client:receive(1)))
    client = connect(listener)
    send(client, "GET", "/2")
    assert.equal("", rest(client))
    assert.is_truthy(client:getpeername())
    client = connect(listener)
    send(client, "GET", "/3")
    assert.equal("", rest(client))
    assert.is_nil((client:getpeername())) -- a reset leaves no connection, and LuaSocket has the same word for both ends
    client = connect(listener)
    send(client, "GET", "/4")
    assert.matches("content%-length: 100\r\n.*\r\n\r\nhalf$", rest(client))
    local requests, connections = listener:requests()
    assert.equal(4, #requests)
    assert.equal(4, connections)
  end)

  it("counts a connection that sends nothing, and none of its own interface", function()
    local client = connect(listener)
    local used = connect(listener)
    send(used, "GET", "/x")
    receive(used)
    assert.equal(2, (select(2, listener:requests())))
    listener:reset()
    send(used, "GET", "/y")
    receive(used)
    local requests, connections = listener:requests()
    assert.equal(1, #requests)
    assert.equal(0, connections) -- it was accepted before the reset
    client:close()
    used:close()
  end)

  it("forgets everything on reset and closes what it held", function()
    listener:script { { status = 200, hold = true }, { status = 200 } }
    local client = connect(listener)
    send(client, "GET", "/held")
    listener:requests(1)
    listener:reset()
    assert.equal("", rest(client))
    assert.same({}, (listener:requests()))
    client = connect(listener)
    send(client, "GET", "/next")
    assert.equal(599, (receive(client)))
    client:close()
  end)

  it("survives a client that goes away in the middle", function()
    listener:script { { status = 200, hold = true }, { status = 200, text = "still here" } }
    local gone = connect(listener)
    send(gone, "GET", "/held")
    listener:requests(1)
    gone:close()
    local half = connect(listener)
    half:send("POST /half HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc")
    half:close()
    listener:release()
    local client = connect(listener)
    send(client, "GET", "/x")
    assert.equal("still here", (select(3, receive(client))))
    client:close()
  end)

  it("refuses what is no HTTP", function()
    for _, bytes in ipairs { "hello\r\n\r\n", "POST /x HTTP/1.1\r\nContent-Length: two\r\n\r\n" } do
      local client = connect(listener)
      client:send(bytes)
      assert.equal(400, (receive(client)))
      client:close()
    end
    assert.has_error(function() listener:script("nonsense") end)
  end)

  it("ends when its standard input does, and when told to", function()
    local other = control.start()
    local client = connect(other)
    other.process:close() -- waits for the process
    assert.equal("closed", select(2, client:receive(1)))
    assert.is_nil((socket.connect("127.0.0.1", other.port)))
    other.process = nil
    other = control.start()
    other:stop()
    other:stop()
    assert.is_nil((socket.connect("127.0.0.1", other.port)))
  end)

  it("says so when it cannot start", function()
    assert.has_error(function() control.start { replay = { "/nonexistent.json" } } end,
      "the contract listener did not start")
  end)
end)

describe("the contract listener's replay", function()
  local listener, file

  local exchanges = control.array {
    { name = "create", resource = "things", operation = "create",
      request = { method = "POST", path = "/t/{PARENT}", headers = { authorization = "Bearer {TOKEN}",
        ["content-type"] = "application/json" }, json = { name = "n", list = control.array(), deep = { port = "5" } } },
      response = { status = 201, json = { id = "1", parent = "{PARENT}", name = "n" } } },
    { name = "create error", resource = "things", operation = "create", error = true,
      request = { method = "POST", path = "/t/{PARENT}", json = { name = "bad" } }, response = { status = 200 } },
    { name = "update", resource = "things", operation = "update",
      request = { method = "PATCH", path = "/t/p/1", json = { name = "m" } }, response = { status = 204 } },
    { name = "get any", resource = "things", operation = "get",
      request = { method = "GET", path = "/t/p/{id}" }, response = { status = 200, json = { id = "{id}" } } },
    { name = "get", resource = "things", operation = "get",
      request = { method = "GET", path = "/t/p/1" }, response = { status = 200, json = { id = "1", name = "n" } } },
    { name = "get unshown", resource = "things", operation = "get",
      request = { method = "GET", path = "/t/hidden" }, response = { status = 200, unshown = true } },
    { name = "get after", resource = "things", operation = "get", after = "update",
      request = { method = "GET", path = "/t/p/1" }, response = { status = 200, json = { id = "1", name = "m" } } },
    { name = "list", resource = "things", operation = "list",
      request = { method = "GET", path = "/t?page=1,{size}&sort=id" },
      response = { status = 200, json = control.array() } },
    { name = "token", resource = "auth", operation = "token",
      request = { method = "POST", path = "/token", form = { grant_type = "x y", secret = "{SECRET}" } },
      response = { status = 200, json = { token = "FAKE" } } },
  }

  local function ask(method, path, body, headers)
    local client = connect(listener)
    send(client, method, path, body, headers)
    local status, _, text = receive(client)
    client:close()
    return status, text
  end

  local authorized = { Authorization = "Bearer FAKE", ["Content-Type"] = "application/json; charset=utf-8" }
  local function create(body, headers) return ask("POST", "/t/p", body, headers or authorized) end
  local good = '{"name":"n","list":[],"deep":{"port":"5"}}'

  setup(function()
    file = os.tmpname()
    local out = assert(io.open(file, "w"))
    out:write(control.json.encode { provider = "test", exchanges = exchanges })
    out:close()
    listener = control.start { replay = { file } }
  end)
  teardown(function()
    listener:stop()
    os.remove(file)
  end)
  before_each(function() listener:reset() end)

  it("answers a request that equals a fixture's, with the placeholders filled", function()
    assert.same({ 201, '{"id":"1","name":"n","parent":"p"}' }, { create(good) })
    assert.same({ 200, '{"id":"a b"}' }, { ask("GET", "/t/p/a%20b") })
    assert.same({ 200, '{"id":"1","name":"n"}' }, { ask("GET", "/t/p/1") })
    assert.same({ 200, "[]" }, { ask("GET", "/t?sort=id&page=1%2C50") })
    assert.same({ 200, '{"token":"FAKE"}' }, { ask("POST", "/token", "secret=a%26b&grant_type=x+y") })
  end)

  it("gives what comes after a change, until the record is created anew", function()
    create(good)
    assert.same({ 200, '{"id":"1","name":"n"}' }, { ask("GET", "/t/p/1") })
    assert.equal(204, (ask("PATCH", "/t/p/1", '{"name":"m"}')))
    assert.same({ 200, '{"id":"1","name":"m"}' }, { ask("GET", "/t/p/1") })
    create(good)
    assert.same({ 200, '{"id":"1","name":"n"}' }, { ask("GET", "/t/p/1") })
  end)

  it("prefers a scripted answer", function()
    listener:script { status = 503 }
    assert.equal(503, (create(good)))
    assert.equal(201, (create(good)))
  end)

  it("names the nearest fixture and the first difference", function()
    local function difference(expected, status, text)
      assert.equal(404, status)
      assert.matches(expected, text, 1, true)
    end
    difference([['test create', body.deep.port: expected "5", got 5]],
      create('{"name":"n","list":[],"deep":{"port":5}}'))
    difference([['test create', body.list: expected [], got {}]],
      create('{"name":"n","list":{},"deep":{"port":"5"}}'))
    difference([['test create', body.more: expected nothing, got null]],
      create('{"name":"n","list":[],"deep":{"port":"5"},"more":null}'))
    difference([['test create', body: expected JSON, got not JSON at byte 1]], create("<html>"))
    difference([['test create', header authorization: expected "Bearer {TOKEN}", got nothing]],
      create(good, { ["Content-Type"] = "application/json" }))
    difference([['test create', header content-type: expected "application/json", got "text/plain"]],
      create(good, { Authorization = "Bearer x", ["Content-Type"] = "text/plain" }))
    difference([['test list', query.page: expected "1,{size}", got "2,50"]], ask("GET", "/t?page=2,50&sort=id"))
    difference([['test update', method: expected PATCH, got PUT]], ask("PUT", "/t/p/1", '{"name":"m"}'))
    difference([['test get any', path: expected /t/p/{id}, got /x/p/1]], ask("GET", "/x/p/1"))
    difference("no fixture for GET /t/hidden", ask("GET", "/t/hidden"))
    difference([[form.grant_type: expected "x y", got "z"]], ask("POST", "/token", "grant_type=z&secret=1"))
  end)
end)
