local calls = require "tests.runtime.calls"
local http = require "luaprov.http"
local luaprov = require "luaprov"
local runtime = require "luaprov.runtime"
local socket = require "socket"
local support = require "tests.support"

local LATE = 10 -- seconds; whoever was cancelled is there long before

describe("task:cancel", function()
  local began
  setup(calls.start)
  teardown(calls.stop)
  before_each(function() began = http.now() end)
  after_each(function() assert.is_true(http.now() - began < LATE) end)

  local function is_cancelled(err, outcome)
    support.is_error({ kind = "cancelled", outcome = outcome or "not_sent" }, err)
  end

  it("ends the call that is on its way: nobody knows what became of it", function()
    calls.hold(1)
    local task = luaprov.spawn(calls.call, "/1")
    calls.arrived(1)
    assert.is_true(task:cancel())
    local response, err = task:wait()
    assert.is_nil(response)
    is_cancelled(err, "unknown")
    assert.is_false(task:cancel())
  end)

  it("ends one that was not sent: nothing was done", function()
    local silent = assert(socket.bind("127.0.0.1", 0))
    local task = luaprov.spawn(http.exchange,
      { method = "POST", url = "https://127.0.0.1:" .. select(2, silent:getsockname()), deadline = http.now() + 60 })
    luaprov.sleep(0.02)
    assert.is_true(task:cancel())
    local response, err = task:wait()
    assert.is_nil(response)
    is_cancelled(err)
    silent:close()
  end)

  it("ends one within a coroutine of the task, and where it cannot yield", function()
    calls.hold(2)
    for i, body in ipairs {
      function() return coroutine.wrap(calls.call)("/1") end,
      function()
        local response, err
        ;("x"):gsub("x", function() response, err = calls.call "/2" end)
        return response, err
      end,
    } do
      local task = luaprov.spawn(body)
      luaprov.all { function()
        calls.arrived(i)
        task:cancel()
      end }
      local response, err = task:wait()
      assert.is_nil(response)
      is_cancelled(err, "unknown")
    end
  end)

  it("lets every later call in it fail at once, and every wait raise", function()
    calls.hold(1)
    local seen = {}
    local task = luaprov.spawn(function()
      seen.first = select(2, calls.call "/1")
      seen.cancelled = runtime.cancelled()
      seen.second = select(2, calls.call "/never")
      seen.third = select(2, coroutine.wrap(calls.call) "/never")
      seen.event = { runtime.event():wait() }
      seen.sleep_until = { runtime.sleep_until(runtime.now() + 50) }
      seen.wait = { pcall(function() luaprov.spawn(luaprov.sleep, 0):wait() end) }
      seen.shared = { runtime.share({}, function() seen.ran = true end) }
      seen.results, seen.errors = luaprov.map({ 1, 2 }, function() seen.ran = true end)
      luaprov.sleep(50)
      seen.ran = true
    end)
    calls.arrived(1)
    task:cancel()
    local ok, err = pcall(task.wait, task)
    assert.is_false(ok)
    is_cancelled(err)
    is_cancelled(seen.first, "unknown")
    is_cancelled(seen.second)
    is_cancelled(seen.third)
    assert.is_true(seen.cancelled)
    assert.same({ nil, "cancelled" }, seen.event)
    assert.same({ nil, "cancelled" }, seen.sleep_until)
    assert.is_false(seen.wait[1])
    is_cancelled(seen.wait[2])
    assert.is_nil(seen.shared[1])
    is_cancelled(seen.shared[2])
    assert.is_true(seen.shared[3])
    assert.same({}, seen.results)
    is_cancelled(seen.errors[1])
    is_cancelled(seen.errors[2])
    assert.is_nil(seen.ran)
    for _, request in ipairs((calls.requests())) do assert.not_equal("/never", request.path) end
    assert.is_false(runtime.cancelled())
  end)

  it("ends whatever it waits for", function()
    local other = luaprov.spawn(luaprov.sleep, 0.05)
    for what, body in pairs {
      sleep = function() luaprov.sleep(50) end,
      coroutine = function() coroutine.wrap(luaprov.sleep)(50) end,
      gsub = function() ("x"):gsub("x", function() luaprov.sleep(50) end) end,
      wait = function() luaprov.spawn(luaprov.sleep, 0.05):wait() end,
      others = function() other:wait() end,
      loop = function() while true do luaprov.sleep(0) end end,
    } do
      local task, was_going = luaprov.spawn(body), nil
      luaprov.spawn(function()
        luaprov.sleep(0)
        was_going = task:cancel()
      end)
      local ok, err = pcall(task.wait, task)
      assert.is_true(was_going)
      assert.is_false(ok, what)
      is_cancelled(err)
    end
    assert.is_true(other:wait())
  end)

  it("ends an event's wait, and leaves the event to the others", function()
    local event = runtime.event()
    local one, two = luaprov.spawn(event.wait, event), luaprov.spawn(event.wait, event)
    luaprov.sleep(0)
    one:cancel()
    assert.same({ nil, "cancelled" }, { one:wait() })
    assert.is_false(two:done())
    event:set()
    assert.is_true(two:wait())
  end)

  it("never begins one that has not begun", function()
    local ran
    local task = luaprov.spawn(function() ran = true end)
    assert.is_true(task:cancel())
    assert.is_true(task:done())
    assert.is_false(task:cancel())
    local ok, err = pcall(task.wait, task)
    assert.is_false(ok)
    is_cancelled(err)
    luaprov.sleep(0)
    assert.is_nil(ran)
  end)

  it("leaves what a task does with it to the task", function()
    local task = luaprov.spawn(function()
      local ok = pcall(luaprov.sleep, 50)
      return ok, "cleaned up"
    end)
    luaprov.sleep(0)
    task:cancel()
    assert.same({ false, "cleaned up" }, { task:wait() })
    assert.is_false(task:cancel())
  end)

  it("may be said by the task itself", function()
    local task
    task = luaprov.spawn(function()
      assert.is_true(task:cancel())
      return select(2, calls.call "/never")
    end)
    is_cancelled(task:wait())
  end)

  it("cancels the workers of a map in it, and those within", function()
    calls.hold(3)
    local seen = {}
    local task = luaprov.spawn(function()
      return luaprov.map({ 1, 2, 3, 4, 5 }, function(i)
        seen[#seen + 1] = i
        local results, errors = luaprov.all { function() return calls.call("/" .. i) end }
        return results[1], errors[1]
      end, { concurrency = 3 })
    end)
    calls.arrived(3)
    task:cancel()
    local results, errors = task:wait()
    assert.same({}, results)
    assert.same({ 1, 2, 3 }, seen)
    for i = 1, 3 do is_cancelled(errors[i], "unknown") end
    is_cancelled(errors[4])
    is_cancelled(errors[5])
  end)

  it("leaves tasks that it has spawned", function()
    local spawned
    local task = luaprov.spawn(function()
      spawned = luaprov.spawn(function()
        luaprov.sleep(0.02)
        return "went on"
      end)
      luaprov.sleep(50)
    end)
    luaprov.sleep(0)
    luaprov.sleep(0)
    task:cancel()
    assert.is_false((pcall(task.wait, task)))
    assert.equal("went on", spawned:wait())
  end)

  it("of one that shares a call lets it return at once, and the call go on for the others", function()
    calls.hold(1)
    local key, runs = {}, 0
    local function shared()
      return runtime.share(key, function()
        runs = runs + 1
        return calls.call "/1"
      end)
    end
    local first, second = luaprov.spawn(shared), luaprov.spawn(shared)
    calls.arrived(1)
    first:cancel()
    local response, err, own = first:wait()
    assert.is_nil(response)
    is_cancelled(err)
    assert.is_true(own)
    assert.is_false(second:done())
    calls.release(1)
    assert.equal("answer 1", second:wait().body)
    assert.equal(1, runs)
  end)
end)

describe("a task that waits for a token", function()
  local box
  after_each(function() box:stop() end)

  it("can be cancelled, and bounded, while the others get it", function()
    box = assert(luaprov.sandbox.start { "hubster" })
    local fault = box:fault { fault = "slow", on = "hubster token", seconds = 0.1, times = 1 }
    local client = assert(luaprov.client("hubster", {
      base_url = box.base_url.hubster, token_url = box.token_url.hubster, client_id = "sandbox-client-id",
      client_secret = "sandbox-client-secret",
    }))
    local function list() return client.hubs:list() end
    local late = http.now() + LATE
    local first, second = luaprov.spawn(list), luaprov.spawn(list)
    local bounded = luaprov.spawn(luaprov.deadline, 0.05, list)
    while fault.struck == 0 and http.now() < late do luaprov.sleep(0.001) end
    first:cancel()
    local value, err = first:wait()
    support.is_error({ kind = "cancelled", outcome = "not_sent", provider = "hubster" }, err, value)
    value, err = bounded:wait()
    support.is_error({ kind = "timeout", outcome = "not_sent", provider = "hubster" }, err, value)
    assert.is_table(second:wait())
    assert.equal(1, fault.struck)
  end)
end)
