local calls = require "tests.runtime.calls"
local errors = require "luaprov.errors"
local luaprov = require "luaprov"
local support = require "tests.support"

describe("luaprov.spawn", function()
  setup(calls.start)
  teardown(calls.stop)

  it("runs a function beside the others, and wait returns what it returned", function()
    calls.hold(1)
    local order = {}
    local task = luaprov.spawn(function(...)
      order[#order + 1] = "begins"
      local body = calls.get "/1"
      return body, nil, select("#", ...), ...
    end, "a", nil, nil)
    order[#order + 1] = "spawned"
    assert.is_false(task:done())
    calls.arrived(1)
    assert.is_false(task:done())
    calls.release(1)
    local function packed(...) return { n = select("#", ...), ... } end
    assert.same({ n = 6, "answer 1", nil, 3, "a", nil, nil }, packed(task:wait()))
    assert.is_true(task:done())
    assert.same({ n = 6, "answer 1", nil, 3, "a", nil, nil }, packed(task:wait()))
    assert.same({ "spawned", "begins" }, order)
  end)

  it("is waited for by several, in tasks, in coroutines and in the main chunk", function()
    calls.hold(1)
    local task = luaprov.spawn(function() return calls.get "/1" end)
    local function wait() return task:wait() end
    local waiters = { luaprov.spawn(wait), luaprov.spawn(function() return coroutine.wrap(wait)() end) }
    calls.arrived(1)
    luaprov.spawn(calls.release, 1)
    assert.equal("answer 1", coroutine.wrap(wait)())
    assert.equal("answer 1", wait())
    for _, waiter in ipairs(waiters) do assert.equal("answer 1", waiter:wait()) end
  end)

  it("raises an error of its function in whoever waits, with its traceback, each time", function()
    local function the_culprit() error "on purpose" end
    local task = luaprov.spawn(function()
      luaprov.sleep(0)
      the_culprit()
    end)
    for _ = 1, 2 do
      local ok, err = pcall(task.wait, task)
      assert.is_false(ok)
      assert.matches("^%S*tasks_spec.lua:%d+: on purpose\nstack traceback:\n", err)
      assert.matches("the_culprit", err, 1, true)
    end
    assert.is_true(task:done())
  end)

  it("raises a table as it is", function()
    local thrown = { reason = "mine" }
    local task = luaprov.spawn(error, thrown)
    local ok, err = pcall(task.wait, task)
    assert.is_false(ok)
    assert.equal(thrown, err)
  end)

  it("lets tasks begin tasks, and wait for them", function()
    local function sum(n) return n == 0 and 0 or n + luaprov.spawn(sum, n - 1):wait() end
    assert.equal(5050, luaprov.spawn(sum, 100):wait())
  end)

  it("lets go of those that wake each other for those that wait for answers", function()
    calls.hold(1)
    local stop, turns = false, 0
    luaprov.spawn(function()
      while not stop do
        turns = turns + 1
        luaprov.spawn(function() end):wait()
      end
    end)
    local call = luaprov.spawn(calls.get, "/1")
    calls.arrived(1)
    calls.release(1)
    assert.equal("answer 1", call:wait())
    stop = true
    assert.is_true(turns > 1)
  end)

  it("refuses what is no function, and a task that waits for itself", function()
    local ok, err = pcall(function() luaprov.spawn {} end)
    assert.is_false(ok)
    assert.matches("tasks_spec.lua:%d+: spawn takes a function first, not table", err)
    local task
    task = luaprov.spawn(function() return coroutine.wrap(function() task:wait() end)() end)
    ok, err = pcall(task.wait, task)
    assert.is_false(ok)
    assert.matches("tasks_spec.lua:%d+: a task cannot wait for itself", err)
  end)

  it("ends with an error when tasks wait for each other", function()
    local one, two
    one = luaprov.spawn(function() two:wait() end)
    two = luaprov.spawn(function() one:wait() end)
    local ok, err = pcall(one.wait, one)
    assert.is_false(ok)
    assert.matches("waits for something that nothing will bring", err, 1, true)
  end)

  it("shows what it is", function()
    local task = luaprov.spawn(function() end)
    assert.equal("luaprov task, going on", tostring(task))
    task:wait()
    assert.equal("luaprov task, done", tostring(task))
  end)

  it("carries thousands", function()
    local list, going, most = {}, 0, 0
    for i = 1, 5000 do
      list[i] = luaprov.spawn(function()
        going = going + 1
        most = math.max(most, going)
        luaprov.sleep(0.01)
        going = going - 1
        return i
      end)
    end
    for i = 1, #list do assert.equal(i, list[i]:wait()) end
    assert.equal(5000, most)
  end)

  describe("and nobody waits", function()
    local function child(text) return support.child("local luaprov = require 'luaprov'\n" .. text, {}) end

    it("tells what it raised, with its traceback", function()
      local said = child [[
        local function the_culprit() error "on purpose" end
        luaprov.spawn(function() the_culprit() end)
        luaprov.sleep(0)
        print "goes on"]]
      assert.matches("goes on", said, 1, true)
      assert.matches("luaprov: a task failed, and nobody waited for it: stdin:%d+: on purpose\nstack traceback:\n",
        said)
      assert.matches("the_culprit", said, 1, true)
    end)

    it("tells it once, and soon after the task is forgotten", function()
      local said = child [[
        luaprov.spawn(error, setmetatable({}, { __tostring = function() return "my own" end }))
        luaprov.sleep(0)
        luaprov.sleep(0)
        collectgarbage()
        collectgarbage()
        io.stderr:write "later"]]
      assert.equal("luaprov: a task failed, and nobody waited for it: my own\nlater", said)
    end)

    it("tells nothing of what was waited for, is cancelled, went well, or has not ended", function()
      assert.equal("done", child [[
        local failed = luaprov.spawn(error, "seen")
        assert(not pcall(failed.wait, failed))
        local cancelled = luaprov.spawn(luaprov.sleep, 50)
        luaprov.sleep(0)
        cancelled:cancel()
        luaprov.spawn(luaprov.sleep, 50)
        luaprov.spawn(function() return nil, "not raised" end)
        luaprov.sleep(0)
        print "done"]])
    end)

    it("ends with the script", function()
      local said = child [[
        luaprov.spawn(function()
          print "begins"
          luaprov.sleep(50)
          print "never"
        end)
        luaprov.sleep(0)
        print "ends"]]
      assert.equal("begins\nends", said)
    end)
  end)

  it("needs no engine for tasks that only sleep", function()
    assert.equal("nil", support.child([[
      local core = require "luaprov.core"
      local made
      local make = core.engine
      function core.engine() made = true return make() end
      local luaprov = require "luaprov"
      luaprov.map({ 1, 2, 3 }, function() luaprov.sleep(0.001) end)
      print(made)]], {}))
  end)

  it("leaves the errors of calls as they are", function()
    local task = luaprov.spawn(calls.call, "/x", { deadline = 0 })
    local response, err = task:wait()
    assert.is_nil(response)
    assert.is_true(errors.is(err))
    assert.equal("timeout", err.kind)
  end)
end)
