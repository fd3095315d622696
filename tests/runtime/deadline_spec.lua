local calls = require "tests.runtime.calls"
local http = require "luaprov.http"
local luaprov = require "luaprov"
local runtime = require "luaprov.runtime"
local support = require "tests.support"

local LATE = 10 -- seconds

describe("luaprov.deadline", function()
  local began
  setup(calls.start)
  teardown(calls.stop)
  before_each(function() began = http.now() end)
  after_each(function()
    assert.is_true(http.now() - began < LATE)
    assert.is_nil(runtime.deadline_now())
  end)

  local function is_over(err, outcome) support.is_error({ kind = "timeout", outcome = outcome or "not_sent" }, err) end

  it("returns what the function returns, which is given the further arguments", function()
    local function packed(...) return { n = select("#", ...), ... } end
    assert.same({ n = 4, 3, "a", nil, nil }, packed(luaprov.deadline(5, function(...) return select("#", ...), ... end,
      "a", nil, nil)))
  end)

  it("raises what the function raises", function()
    local thrown = { reason = "mine" }
    local ok, err = pcall(luaprov.deadline, 5, error, thrown)
    assert.is_false(ok)
    assert.equal(thrown, err)
    local function the_culprit() error "on purpose" end
    ok, err = pcall(luaprov.deadline, 5, function() the_culprit() end)
    assert.is_false(ok)
    assert.matches("^%S*deadline_spec.lua:%d+: on purpose\nstack traceback:\n", err)
    assert.matches("the_culprit", err, 1, true)
  end)

  local function everywhere(title, fn)
    it(title .. ", in the main chunk", fn)
    it(title .. ", in a task", function() luaprov.spawn(fn):wait() end)
    it(title .. ", in a coroutine", function() coroutine.wrap(fn)() end)
    it(title .. ", in a coroutine of a task", function() luaprov.spawn(function() coroutine.wrap(fn)() end):wait() end)
  end

  everywhere("ends a call that is on its way, and every later one", function()
    calls.hold(1)
    local first, second
    luaprov.deadline(0.05, function()
      first = { calls.call "/1" }
      second = { calls.call "/never" }
    end)
    assert.is_nil(first[1])
    is_over(first[2], "unknown")
    assert.is_nil(second[1])
    is_over(second[2])
    for _, request in ipairs((calls.requests())) do assert.not_equal("/never", request.path) end
  end)

  everywhere("ends waits, which raise it", function()
    local other = luaprov.spawn(luaprov.sleep, 0.1)
    for _, wait in ipairs { function() luaprov.sleep(50) end, function() other:wait() end } do
      local at = http.now() + 0.01
      local ok, err = pcall(luaprov.deadline, 0.01, wait)
      assert.is_false(ok)
      is_over(err)
      assert.is_true(http.now() >= at)
    end
    assert.is_true(other:wait())
    luaprov.deadline(0.01, function()
      assert.same({ nil, "timeout" }, { runtime.event():wait() })
      assert.same({ nil, "timeout" }, { runtime.event():wait(runtime.now() + 50) })
      assert.same({ nil, "timeout" }, { runtime.sleep_until(runtime.now() + 50) })
      local value, err, own = runtime.share({}, function() return 1 end)
      assert.is_nil(value)
      is_over(err)
      assert.is_true(own)
    end)
  end)

  everywhere("within another counts only when it is earlier", function()
    local outer, inner, after
    luaprov.deadline(5, function()
      outer = runtime.deadline_now()
      luaprov.deadline(50, function() inner = runtime.deadline_now() end)
      luaprov.deadline(1, function() after = runtime.deadline_now() end)
      assert.equal(outer, runtime.deadline_now())
      pcall(luaprov.deadline, 1, error, "x")
      assert.equal(outer, runtime.deadline_now())
    end)
    assert.equal(outer, inner)
    assert.is_true(after < outer)
  end)

  it("leaves what is quick enough alone", function()
    calls.hold(1)
    luaprov.deadline(5, function()
      assert.is_true(luaprov.sleep(0.001))
      local call = luaprov.spawn(calls.call, "/1")
      calls.arrived(1)
      calls.release(1)
      assert.equal("answer 1", call:wait().body)
    end)
  end)

  it("bounds what a map in it does, its workers' coroutines too", function()
    calls.hold(2)
    local results, errors = luaprov.deadline(0.1, luaprov.map, { 1, 2, 3 }, function(i)
      return coroutine.wrap(calls.call)("/" .. i)
    end, { concurrency = 2 })
    assert.same({}, results)
    is_over(errors[1], "unknown")
    is_over(errors[2], "unknown")
    is_over(errors[3])
  end)

  it("leaves spawned tasks alone", function()
    local task
    luaprov.deadline(0, function()
      task = luaprov.spawn(function()
        assert(runtime.deadline_now() == nil)
        luaprov.sleep(0.001)
        return "went on"
      end)
    end)
    assert.equal("went on", task:wait())
  end)

  it("leaves the other tasks alone", function()
    luaprov.all {
      function() pcall(luaprov.deadline, 0.01, luaprov.sleep, 50) end,
      function()
        luaprov.sleep(0.001)
        assert.is_nil(runtime.deadline_now())
        luaprov.sleep(0.02)
      end,
    }
  end)

  it("stays in the coroutine that has set it, when that yields in the midst of it", function()
    local function check()
      local co = coroutine.wrap(function()
        luaprov.deadline(5, function()
          coroutine.yield(runtime.deadline_now())
          coroutine.yield(runtime.deadline_now())
        end)
        coroutine.yield(runtime.deadline_now())
      end)
      local at = co()
      assert.is_number(at)
      assert.is_nil(runtime.deadline_now())
      luaprov.deadline(1, function()
        assert.is_true(runtime.deadline_now() < at)
        assert.is_true(co() < at)
      end)
      assert.is_nil(co())
    end
    check()
    luaprov.spawn(check):wait()
  end)

  it("refuses what is no time, or no function", function()
    for words, call in pairs {
      ["deadline takes a number of seconds first, 0 or more"] = function() luaprov.deadline(-1, print) end,
      ["deadline takes a function second, not nil"] = function() luaprov.deadline(1) end,
    } do
      local ok, err = pcall(call)
      assert.is_false(ok)
      assert.matches("deadline_spec.lua:%d+: " .. words, err)
    end
  end)
end)
