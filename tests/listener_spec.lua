-- luaprov.listener as Lua sees it. What goes over the wire is tried in tests/listener, in C.
local http = require "luaprov.http"
local listener = require "luaprov.listener"
local luaprov = require "luaprov"
local runtime = require "luaprov.runtime"

describe("luaprov.listener", function()
  local server, watch

  local function open(options)
    server = assert(listener.new(options))
    return server
  end

  -- Calls `handle(request)` for every request.
  local function serve(handle)
    watch = runtime.watch(server:fd(), function()
      server:run()
      for request in server.next, server do handle(request) end
      return server:timeout()
    end)
  end

  local function call(request)
    return http.exchange {
      method = request.method or "GET", url = "http://127.0.0.1:" .. server:port() .. (request.target or "/"),
      headers = request.headers, body = request.body, deadline = http.now() + (request.timeout or 20),
    }
  end

  after_each(function()
    if watch then runtime.unwatch(watch) end
    if server then server:close() end
    watch, server = nil, nil
  end)

  describe("new", function()
    it("says who has the port", function()
      open {}
      local none, why = listener.new { host = "127.0.0.1", port = server:port() }
      assert.is_nil(none)
      assert.equal("127.0.0.1:" .. server:port() .. ": Address already in use", why)
    end)

    it("takes addresses, and no names but localhost", function()
      open { host = "localhost" }
      assert.same({ nil, "acme.invalid: not an IP address" }, { listener.new { host = "acme.invalid" } })
    end)

    it("works without options", function() assert.is_true(open():port() > 0) end)

    it("refuses options that it cannot take", function()
      for words, options in pairs {
        ["port is not from 0 to 65535"] = { port = 65536 },
        ["port is not a number"] = { port = "http" },
        ["body_limit is not from 0"] = { body_limit = -1 },
        ["keep_alive is not from 0"] = { keep_alive = 0 / 0 },
        ["host is not a string"] = { host = 127 },
        ["table expected"] = 8080,
      } do
        local ok, err = pcall(listener.new, options)
        assert.is_false(ok)
        assert.matches(words, err, 1, true)
      end
    end)
  end)

  it("hands out requests and takes their answers", function()
    open {}
    local seen
    serve(function(request)
      seen = request
      assert.equal(1, server:waiting())
      assert.is_false(server:gone(request.id))
      assert.is_true(server:answer(request.id, 201, { "X-One", "1", "x-one", "2" }, "made\0"))
      assert.is_false(server:answer(request.id, 201, {}, "twice"))
      assert.is_true(server:gone(request.id))
      assert.equal(0, server:waiting())
    end)
    local response = assert(call {
      method = "POST", target = "/a%2Fb?c=%20", body = "\0\255", headers = { ["X-Two"] = "2" },
    })
    assert.equal("/a%2Fb", seen.path)
    assert.equal("c=%20", seen.query)
    assert.equal("POST", seen.method)
    assert.equal("1.1", seen.http)
    assert.equal("\0\255", seen.body)
    assert.equal("2", seen.headers["x-two"])
    assert.equal("2", seen.headers["content-length"])
    assert.equal(201, response.status)
    assert.equal("made\0", response.body)
    assert.equal("1, 2", response.headers["x-one"])
  end)

  it("needs neither headers nor a body", function()
    open {}
    serve(function(request) server:answer(request.id, 204) end)
    assert.equal("", assert(call {}).body)
    assert.equal(204, assert(call { method = "HEAD" }).status)
  end)

  it("raises for an answer that may not be sent, and still waits for one", function()
    open {}
    local problems = {}
    serve(function(request)
      for _, answer in ipairs {
        { 99, {}, "" }, { 1000, {}, "" }, { 200, { "A" }, "" }, { 200, { "A", 1 }, "" }, { 200, { "A", "b\nc" }, "" },
        { 200, { "Content-Length", "1" }, "" }, { 200, "A: b", "" }, { 200, {}, {} }, { "ok", {}, "" },
      } do
        local ok, err = pcall(server.answer, server, request.id, answer[1], answer[2], answer[3])
        problems[#problems + 1] = not ok and err or "none"
      end
      server:answer(request.id, 200, {}, "good")
    end)
    assert.equal("good", assert(call {}).body)
    for i, words in ipairs {
      "from 200 to 999", "from 200 to 999", "a name without a value", "not a string", "line break",
      "the listener's own", "not a table", "string expected", "number expected",
    } do
      assert.matches(words, problems[i], 1, true)
    end
  end)

  it("refuses a body that is too large by itself", function()
    open { body_limit = 10 }
    serve(function(request) server:answer(request.id, 200, {}, request.body) end)
    assert.equal(413, assert(call { method = "POST", body = ("x"):rep(11) }).status)
    assert.equal("xxxxxxxxxx", assert(call { method = "POST", body = ("x"):rep(10) }).body)
  end)

  it("drops, cuts and resets connections", function()
    open {}
    local half = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"
    local faults = {
      ["/close"] = function(id) return server:finish(id, "close") end,
      ["/usual"] = function(id) return server:finish(id) end,
      ["/reset"] = function(id) return server:finish(id, "reset") end,
      ["/line"] = function(id) return server:write(id, "HTTP/1.1 20") and server:finish(id, "close") end,
      ["/body"] = function(id) return server:write(id, half) and server:finish(id, "reset") end,
    }
    serve(function(request) assert.is_true(faults[request.path](request.id)) end)
    for path in pairs(faults) do
      local response, err = call { method = "POST", target = path, body = "{}" }
      assert.is_nil(response)
      assert.equal("unknown", err.outcome, path)
      -- What arrived of an answer may be worth a word of its own.
      if path ~= "/body" then assert.equal("network", err.kind, path) end
    end
    assert.has_error(function() server:finish(1, "kill") end)
  end)

  it("writes an answer in pieces", function()
    open {}
    serve(function(request)
      for piece in ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"):gmatch("..?.?") do
        assert.is_true(server:write(request.id, piece))
      end
      assert.is_false(server:answer(request.id, 200, {}, "as well"))
      server:finish(request.id, "close")
    end)
    assert.equal("abc", assert(call {}).body)
  end)

  it("knows when the client has gone", function()
    open {}
    local id
    serve(function(request) id = request.id end)
    local _, err = call { timeout = 0.2 }
    assert.equal("timeout", err.kind)
    assert.is_number(id)
    local patience = http.now() + 20
    while not server:gone(id) do assert(http.now() < patience) end
    assert.equal(1, server:waiting())
    server:answer(id, 200, {}, "too late")
    assert.equal(0, server:waiting())
    server:run()
    assert.is_false(server:answer(id, 200, {}, "too late"))
  end)

  it("gives old ids to nobody", function()
    open {}
    local first
    serve(function(request)
      if first then assert.is_false(server:answer(first, 200, {}, "for the first")) end
      first = first or request.id
      server:answer(request.id, 200, {}, "for " .. request.path)
    end)
    for _, target in ipairs { "/1", "/2", "/3" } do
      assert.equal("for " .. target, assert(call { target = target }).body)
    end
    for _, id in ipairs { 0, -1, 0.5, 2 ^ 53, 1 / 0, 0 / 0 } do
      assert.is_false(server:answer(id, 200))
      assert.is_false(server:write(id, "x"))
      assert.is_false(server:finish(id))
      assert.is_true(server:gone(id))
    end
  end)

  it("answers in any order", function()
    open {}
    local waiting = {}
    serve(function(request)
      table.insert(waiting, 1, request)
      if #waiting < 5 then return end
      for _, each in ipairs(waiting) do server:answer(each.id, 200, {}, each.path) end
    end)
    local results = luaprov.map({ 1, 2, 3, 4, 5 }, function(i) return assert(call { target = "/" .. i }).body end)
    assert.same({ "/1", "/2", "/3", "/4", "/5" }, results)
  end)

  describe("closed", function()
    it("says so, and gives its port back", function()
      local port = open {}:port()
      server:close()
      server:close()
      assert.matches("closed", tostring(server))
      for _, name in ipairs { "port", "fd", "run", "timeout", "next", "waiting" } do
        local ok, err = pcall(server[name], server)
        assert.is_false(ok)
        assert.matches("this listener is closed", err, 1, true)
      end
      assert.equal(port, open { port = port }:port())
    end)

    it("ends the connections that wait", function()
      open {}
      watch = runtime.watch(server:fd(), function()
        server:run()
        if not server:next() then return server:timeout() end
        runtime.unwatch(watch)
        server:close()
      end)
      local _, err = call { method = "POST", body = "{}" }
      assert.equal("network", err.kind)
      assert.equal("unknown", err.outcome)
    end)

    it("is what becomes of one that nobody holds", function()
      local port = open {}:port()
      server = nil
      collectgarbage()
      collectgarbage()
      assert.equal(port, open { port = port }:port())
    end)
  end)
end)
