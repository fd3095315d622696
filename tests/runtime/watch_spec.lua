-- The loop of the stand-alone runtime, shared: a server and its clients in one process, and timers.
local http = require "luaprov.http"
local listener = require "luaprov.listener"
local luaprov = require "luaprov"
local runtime = require "luaprov.runtime"

describe("the stand-alone runtime, watched", function()
  local server, url, watching, hold

  -- Answers everything, or keeps `hold` requests until the last of them has arrived.
  local function serve()
    local held = {}
    return function()
      server:run()
      for request in server.next, server do
        held[#held + 1] = request
        if #held >= (hold or 1) then
          for _, each in ipairs(held) do server:answer(each.id, 200, {}, "answer to " .. each.path) end
          held = {}
        end
      end
      return server:timeout()
    end
  end

  before_each(function()
    hold = nil
    server = assert(listener.new {})
    url = "http://127.0.0.1:" .. server:port()
    watching = { runtime.watch(server:fd(), serve()) }
  end)
  after_each(function()
    for _, handle in ipairs(watching) do runtime.unwatch(handle) end
    server:close()
  end)

  local function watch(fd, on_turn)
    local handle = runtime.watch(fd, on_turn)
    watching[#watching + 1] = handle
    return handle
  end

  local function get(path)
    local response = assert(http.exchange { method = "GET", url = url .. path, deadline = http.now() + 20 })
    return response.body
  end

  local function numbers(count)
    local list = {}
    for i = 1, count do list[i] = i end
    return list
  end

  it("serves the main chunk", function()
    assert.equal("answer to /a", get "/a")
    assert.equal("answer to /b", get "/b")
  end)

  it("serves a coroutine of the user", function()
    local co = coroutine.wrap(function()
      coroutine.yield(get "/a")
      return get "/b"
    end)
    assert.equal("answer to /a", co())
    assert.equal("answer to /b", co())
  end)

  it("serves a thousand calls of tasks", function()
    local results, errors = luaprov.map(numbers(1000), function(i) return get("/" .. i) end, { concurrency = 64 })
    assert.is_nil(next(errors))
    for i = 1, 1000 do assert.equal("answer to /" .. i, results[i]) end
  end)

  it("has them in flight at once", function()
    hold = 64
    local results = luaprov.map(numbers(64), function(i) return get("/" .. i) end, { concurrency = 64 })
    for i = 1, 64 do assert.equal("answer to /" .. i, results[i]) end
  end)

  it("serves coroutines within tasks", function()
    local results = luaprov.map(numbers(40), function(i)
      local both = coroutine.wrap(function()
        coroutine.yield(get("/a" .. i))
        coroutine.yield(get("/b" .. i))
      end)
      return both() .. ", " .. both()
    end, { concurrency = 40 })
    for i = 1, 40 do assert.equal(("answer to /a%d, answer to /b%d"):format(i, i), results[i]) end
  end)

  it("calls a watcher as often as it wants, though nothing happens", function()
    local count, began = 0, http.now()
    watch(server:fd(), function()
      count = count + 1
      return 0.01
    end)
    runtime.run_until(function() return count >= 20 end)
    local took = http.now() - began
    assert.is_true(took > 0.15 and took < 10, took)
  end)

  it("calls it no more often than something happens", function()
    get "/"
    local count, rung = 0, false
    watch(server:fd(), function() count = count + 1 end)
    local due = http.now() + 0.2
    watch(server:fd(), function()
      rung = http.now() >= due
      return not rung and due - http.now() or nil
    end)
    runtime.run_until(function() return rung end)
    assert.is_true(count < 10, count)
  end)

  it("calls it while transfers go on", function()
    local ticks = 0
    watch(server:fd(), function()
      ticks = ticks + 1
      return 0.001
    end)
    luaprov.map(numbers(500), function(i) return get("/" .. i) end, { concurrency = 100 })
    assert.is_true(ticks >= 5, ticks)
  end)

  it("answers that are given by a task reach the client", function()
    runtime.unwatch(watching[1])
    local arrived
    watching[1] = runtime.watch(server:fd(), function()
      server:run()
      arrived = arrived or server:next()
      return server:timeout()
    end)
    local results = luaprov.all {
      function() return get "/asked" end,
      function()
        runtime.run_until(function() return arrived end)
        return server:answer(arrived.id, 200, {}, "answered")
      end,
    }
    assert.same({ "answered", true }, results)
  end)

  it("may be watched and unwatched within a turn", function()
    local seen = {}
    local first
    first = watch(server:fd(), function()
      seen[#seen + 1] = "first"
      runtime.unwatch(first)
      runtime.unwatch(first)
      watch(server:fd(), function() seen[#seen + 1] = "second" end)
    end)
    runtime.run_until(function() return seen[2] end)
    assert.same({ "first", "second" }, seen)
    assert.equal("answer to /", get "/")
  end)

  it("raises an error of a watcher where the loop runs, and goes on", function()
    local thrown, broken = { reason = "mine" }, true
    watch(server:fd(), function()
      if broken then error(thrown) end
    end)
    local ok, err = pcall(get, "/")
    assert.is_false(ok)
    assert.equal(thrown, err)
    broken = false
    assert.equal("answer to /again", get "/again")
  end)

  it("lets no watcher wait", function()
    local handle
    handle = watch(server:fd(), function()
      runtime.unwatch(handle)
      get "/"
    end)
    local ok, err = pcall(get, "/")
    assert.is_false(ok)
    assert.matches("on_turn is part of the loop: it may not wait", err, 1, true)
    assert.equal("answer to /", get "/")
  end)

  it("waits for nothing when nobody watches any more", function()
    runtime.unwatch(watching[1])
    local ok, err = pcall(runtime.run_until, function() return false end)
    assert.is_false(ok)
    assert.matches("waits for something that nothing will bring", err, 1, true)
    runtime.run_until(function() return true end)
  end)
end)
