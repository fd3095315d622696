local control = require "tests.contract.control"
local http = require "luaprov.http"
local support = require "tests.support"

describe("http.retry_after", function()
  local function read(text, date) return http.retry_after { ["retry-after"] = text, date = date } end

  it("reads seconds", function()
    for text, seconds in pairs { ["0"] = 0, ["5"] = 5, [" 120 "] = 120, ["-1"] = -1 } do
      assert.equal(seconds, read(text))
    end
  end)

  it("reads dates", function()
    assert.equal(0, read "Sun, 06 Nov 1994 08:49:37 GMT")
    for _, away in ipairs { 1000, 100000, 40000000, 400000000 } do
      local seconds = read(os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + away))
      assert.is_true(seconds <= away and seconds > away - 900, "in " .. seconds .. " seconds, not " .. away)
    end
  end)

  it("reads the obsolete forms of dates, as everybody must", function()
    for _, clock in ipairs { "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                             "Sun Nov  6 08:49:37 1994" } do
      for text, seconds in pairs {
        ["Sun, 06 Nov 1994 08:50:00 GMT"] = 23, ["Sunday, 06-Nov-94 08:50:00 GMT"] = 23,
        ["Sun Nov  6 08:50:00 1994"] = 23, ["Wed Nov 16 08:49:37 1994"] = 864000,
        ["Sun Nov  6 08:49:30 1994"] = 0,
      } do
        assert.equal(seconds, read(text, clock), text .. " at " .. clock)
      end
    end
  end)

  it("knows the century of a year of two digits: none that is more than fifty years ahead", function()
    local DAY, YEAR = 86400, 365.2425 * 86400
    local function dated(away)
      local at = math.floor(os.time() + away)
      return read(os.date("!%A, %d-%b-%y %H:%M:%S GMT", at), os.date("!%a, %d %b %Y %H:%M:%S GMT", at - 7))
    end
    for _, away in ipairs { 0, 40 * DAY, 49 * YEAR, 50 * YEAR - 2 * DAY, -40 * DAY, -49 * YEAR } do
      assert.equal(7, dated(away), away / YEAR .. " years away")
    end
    assert.equal(0, dated(50 * YEAR + 2 * DAY))
  end)

  it("reads the latest of several", function()
    for text, seconds in pairs {
      ["3, 5"] = 5, ["5,3"] = 5, [" 1 , 3 "] = 3, ["-1, 5"] = 5, ["0, -1"] = 0, ["5, 5"] = 5, ["soon, 4"] = 4,
      ["Sun, 06 Nov 1994 08:50:00 GMT, Sun, 06 Nov 1994 08:49:40 GMT"] = 23,
      ["Sun, 06 Nov 1994 08:49:40 GMT, 8"] = 8, ["8, Sunday, 06-Nov-94 08:50:00 GMT"] = 23,
      ["Sun Nov  6 08:50:00 1994, 8"] = 23,
    } do
      assert.equal(seconds, read(text, "Sun, 06 Nov 1994 08:49:37 GMT"), text)
    end
  end)

  it("reads dates by the vendor's own clock, where it shows it", function()
    assert.equal(23, read("Sun, 06 Nov 1994 08:50:00 GMT", "Sun, 06 Nov 1994 08:49:37 GMT"))
    assert.equal(0, read("Sun, 06 Nov 1994 08:50:00 GMT", "soon"))
  end)

  it("reads nothing else", function()
    assert.is_nil(read(nil))
    for _, text in ipairs { "", "soon", "-2", "1.5", "5 seconds", "Sun, 06 Foo 1994 08:49:37 GMT", "Sunday", ",",
                             "Sunday, 06-Foo-94 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT",
                             "Sun Foo  6 08:49:37 1994", "Sun Nov  6 08:49:37 94", "soon, later" } do
      assert.is_nil(read(text))
    end
  end)
end)

describe("http.exchange", function()
  local listener

  setup(function() listener = control.start() end)
  teardown(function() listener:stop() end)
  before_each(function() listener:reset() end)

  local function exchange(fields)
    local request = { method = "GET", url = listener.url .. "/x", deadline = http.now() + 20 }
    for name, value in pairs(fields or {}) do request[name] = value end
    return http.exchange(request)
  end

  it("sends one request and returns its answer", function()
    listener:script { status = 201, headers = { ["X-One"] = "1", Link = { "<a>", "<b>" } }, text = "hello" }
    local response = assert(exchange { method = "POST", headers = { ["X-A"] = "a", ["X-B"] = "b" }, body = "body" })
    assert.equal(201, response.status)
    assert.equal("hello", response.body)
    assert.equal("1", response.headers["x-one"])
    assert.equal("<a>, <b>", response.headers.link)
    local requests = listener:requests(1)
    assert.equal(1, #requests)
    assert.equal("POST", requests[1].method)
    assert.equal("body", requests[1].body)
    assert.equal("a", requests[1].headers["x-a"])
    assert.equal("b", requests[1].headers["x-b"])
    assert.is_nil(requests[1].headers.expect)
  end)

  it("carries bodies with any byte, and empty ones", function()
    local all = {}
    for i = 0, 255 do all[#all + 1] = string.char(i) end
    local body = table.concat(all):rep(1000)
    listener:script { { status = 200, headers = { ["Content-Length"] = 3 }, text = "a\0b" },
                      { status = 200, text = "" } }
    assert.equal("a\0b", assert(exchange { method = "PUT", body = "a\0b" }).body)
    assert.equal("", assert(exchange { method = "PUT", body = "" }).body)
    assert.equal("0", listener:requests(2)[2].headers["content-length"])
    listener:script { status = 204 }
    assert.equal(204, assert(exchange { method = "POST", body = body }).status)
    assert.equal(tostring(#body), listener:requests(3)[3].headers["content-length"])
  end)

  it("follows no redirect", function()
    listener:script { status = 302, headers = { Location = listener.url .. "/elsewhere" } }
    assert.equal(302, assert(exchange()).status)
    assert.equal(1, #listener:requests(1))
  end)

  it("sends a path as it stands", function()
    listener:script { status = 204 }
    assert(exchange { url = listener.url .. "/a/../b%2Fc/./d?x=%20" })
    assert.equal("/a/../b%2Fc/./d?x=%20", listener:requests(1)[1].path)
  end)

  it("tells that nothing was sent where nobody listens", function()
    local gone = control.start()
    gone:stop()
    local response, err = exchange { url = gone.url .. "/x" }
    support.is_error({ kind = "network", outcome = "not_sent" }, err, response)
    response, err = exchange { url = "http://name.invalid/x" }
    support.is_error({ kind = "network", outcome = "not_sent" }, err, response)
  end)

  it("tells that the outcome is unknown where the connection is lost after sending", function()
    for _, answer in ipairs { { close = true }, { reset = true }, { raw = "HTTP/1.1 20" },
                              { raw = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" } } do
      listener:script(answer)
      local response, err = exchange { method = "POST", body = "x" }
      support.is_error({ outcome = "unknown" }, err, response)
      assert.is_true(err.kind == "network" or err.kind == "protocol", err.kind)
    end
    assert.equal(4, #listener:requests(4))
  end)

  it("tells what the status says where only the body is lost", function()
    for status, outcome in pairs { [200] = "unknown", [404] = "refused", [500] = "unknown" } do
      listener:script { raw = ("HTTP/1.1 %d Status\r\nContent-Length: 100\r\n\r\nhalf"):format(status) }
      local response, err, part = exchange { method = "POST", body = "x" }
      support.is_error({ outcome = outcome, status = status, has = "bytes remaining to read" }, err, response)
      assert.equal("half", part.body)
      assert.equal(status, part.status)
    end
  end)

  it("refuses an answer over the limit", function()
    listener:script { { status = 200, text = ("x"):rep(1001), headers = { Connection = "close" } },
                      { status = 200, text = ("x"):rep(1000) } }
    local response, err = exchange { limit = 1000 }
    support.is_error({ kind = "too_large", status = 200, outcome = "unknown" }, err, response)
    assert.equal(1000, #assert(exchange { limit = 1000 }).body)
  end)

  it("ends at its deadline", function()
    listener:script { status = 200, text = "late", hold = true }
    local response, err = exchange { deadline = http.now() + 0.1 }
    support.is_error({ kind = "timeout", outcome = "unknown" }, err, response)
  end)

  it("sends nothing when no time is left", function()
    local response, err = exchange { deadline = http.now() - 1 }
    support.is_error({ kind = "timeout", outcome = "not_sent" }, err, response)
    assert.equal(0, #listener:requests())
  end)

  it("sends nothing that is no request", function()
    for name, fields in pairs {
      ["CR LF in a header"] = { headers = { ["X-A"] = "a\r\nX-B: b" } },
      ["NUL in a header"] = { headers = { ["X-A"] = "a\0b" } },
      ["a header's name"] = { headers = { ["X A"] = "a" } },
      ["a method"] = { method = "GET /y HTTP/1.1\r\n" },
      ["a URL"] = { url = listener.url .. "/a b\r\n" },
      ["a scheme"] = { url = "file:///etc/passwd" },
      ["no URL"] = { url = "" },
    } do
      local response, err = exchange(fields)
      support.is_error({ outcome = "not_sent" }, err, response)
      assert.equal("invalid", err.kind, name)
    end
    assert.equal(0, #listener:requests())
  end)

  it("uses one connection for calls one after the other", function()
    listener:script { { status = 204 }, { status = 200, text = "x" }, { status = 204 } }
    for _ = 1, 3 do assert(exchange()) end
    local _, connections = listener:requests(3)
    assert.is_true(connections <= 1)
  end)
end)
