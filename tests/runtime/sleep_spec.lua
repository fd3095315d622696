local http = require "luaprov.http"
local luaprov = require "luaprov"
local runtime = require "luaprov.runtime"

describe("luaprov.sleep", function()
  local function took(fn, ...)
    local before = http.now()
    fn(...)
    return http.now() - before
  end

  it("waits in the main chunk, in a task, and in coroutines of both, and returns true", function()
    local function sleep() return luaprov.sleep(0.02) end
    local function within() return coroutine.wrap(sleep)() end
    for _, fn in ipairs {
      sleep,
      within,
      function() return luaprov.spawn(sleep):wait() end,
      function() return luaprov.spawn(within):wait() end,
    } do
      local result
      local seconds = took(function() result = fn() end)
      assert.is_true(result)
      assert.is_true(seconds >= 0.02 and seconds < 10, seconds)
    end
  end)

  it("lets the others go on, each for its own time", function()
    local order = {}
    local seconds = took(luaprov.map, { 0.06, 0.02, 0.04, 0 }, function(time)
      luaprov.sleep(time)
      order[#order + 1] = time
    end)
    assert.same({ 0, 0.02, 0.04, 0.06 }, order)
    assert.is_true(seconds >= 0.06, seconds) -- one after the other the first would not be the last
  end)

  it("lets the others go on where a task cannot yield, too", function()
    local order = {}
    luaprov.all {
      function()
        ("x"):gsub("x", function() luaprov.sleep(0.03) end)
        order[#order + 1] = "gsub"
      end,
      function()
        luaprov.sleep(0.01)
        order[#order + 1] = "beside"
      end,
    }
    assert.same({ "beside", "gsub" }, order)
  end)

  it("of no time lets the others have a turn", function()
    local order = {}
    local function note(name)
      for _ = 1, 2 do
        order[#order + 1] = name
        luaprov.sleep(0)
      end
    end
    luaprov.all { function() note "a" end, function() note "b" end }
    assert.same({ "a", "b", "a", "b" }, order)
  end)

  it("refuses what is no time", function()
    for _, seconds in ipairs { -1, "1", 0 / 0, {} } do
      local ok, err = pcall(function() luaprov.sleep(seconds) end)
      assert.is_false(ok)
      assert.matches("sleep_spec.lua:%d+: sleep takes a number of seconds", err)
    end
    assert.is_false((pcall(luaprov.sleep)))
  end)

  it("until a time that has passed gives way once", function()
    assert.is_true(runtime.sleep_until(runtime.now() - 1))
  end)
end)

describe("the runtime's timers", function()
  local timers = require "luaprov.runtime.timers"

  it("are done in the order of their times, but those that are removed", function()
    -- A fixed sequence of numbers that looks like none.
    local seed = 7
    local function random(most)
      seed = seed * 16807 % 2147483647
      return seed % most
    end
    for _ = 1, 200 do
      local heap, kept, done = timers.new(), {}, {}
      local all = {}
      for i = 1, random(40) do all[i] = heap:add(random(20), function(timer) done[#done + 1] = timer.at end) end
      for i, timer in ipairs(all) do
        timer.arg = timer
        if random(3) == 0 then
          heap:remove(timer)
          heap:remove(timer)
        else
          kept[#kept + 1] = all[i].at
        end
      end
      table.sort(kept)
      local due = {}
      while heap:due() do
        due[#due + 1] = heap:due()
        heap:run(heap:due())
      end
      assert.same(kept, done)
      assert.is_nil(heap[1])
    end
  end)

  it("are not done when one that is done before removes them, nor added ones at once", function()
    local heap, done = timers.new(), {}
    local second
    heap:add(1, function()
      heap:remove(second)
      heap:add(1, function() done[#done + 1] = "added" end)
    end)
    second = heap:add(2, function() done[#done + 1] = "second" end)
    heap:run(2)
    assert.same({}, done)
    heap:run(2)
    assert.same({ "added" }, done)
  end)
end)
