local http = require "luaprov.http"
local luaprov = require "luaprov"
local runtime = require "luaprov.runtime"

describe("an event of the runtime", function()
  it("wakes all who wait, in the order in which they began to", function()
    local event, order = runtime.event(), {}
    local function wait(name)
      assert.is_true(event:wait())
      order[#order + 1] = name
    end
    local tasks = {}
    for i = 1, 5 do
      tasks[i] = luaprov.spawn(function()
        if i % 2 == 0 then coroutine.wrap(wait)(i) else wait(i) end
      end)
    end
    luaprov.spawn(function() event:set() end)
    assert.is_true(event:wait())
    for _, task in ipairs(tasks) do task:wait() end
    assert.same({ 1, 2, 3, 4, 5 }, order)
  end)

  it("is not kept: who comes later waits for the next", function()
    local event = runtime.event()
    event:set()
    assert.same({ nil, "timeout" }, { event:wait(runtime.now() + 0.001) })
    local seen = 0
    local task = luaprov.spawn(function()
      for _ = 1, 3 do
        event:wait()
        seen = seen + 1
      end
    end)
    for i = 1, 3 do
      luaprov.sleep(0)
      event:set()
      event:set()
      luaprov.sleep(0)
      assert.equal(i, seen)
    end
    task:wait()
  end)

  it("waits until a time", function()
    local event = runtime.event()
    for _, wait in ipairs {
      function(at) return event:wait(at) end,
      function(at) return luaprov.spawn(event.wait, event, at):wait() end,
      function(at) return coroutine.wrap(function() return event:wait(at) end)() end,
    } do
      local at = http.now() + 0.02
      local ok, why = wait(at)
      assert.same({ nil, "timeout" }, { ok, why })
      assert.is_true(http.now() >= at)
      assert.same({ nil, "timeout" }, { wait(at) })
    end
  end)

  it("passes a turn on, however many wait, and whoever has gone", function()
    local event, count, served = runtime.event(), 300, {}
    local busy = false
    local tasks = {}
    for i = 1, count do
      tasks[i] = luaprov.spawn(function()
        while busy do
          if not event:wait(i % 10 == 0 and runtime.now() + 0.001 or nil) then return end
        end
        busy = true
        luaprov.sleep(0)
        served[#served + 1] = i
        busy = false
        event:set()
      end)
    end
    for _, task in ipairs(tasks) do task:wait() end
    assert.is_true(#served >= count * 0.9)
    local in_order = {}
    for i = 1, #served do in_order[i] = served[i] end
    table.sort(in_order)
    assert.same(in_order, served)
  end)

  it("keeps nothing of those who went before it was set", function()
    local event = runtime.event()
    for _ = 1, 50 do event:wait(runtime.now() + 0.0001) end
    local kept = 0
    for key in pairs(event) do
      if type(key) == "number" then kept = kept + 1 end
    end
    assert.equal(0, kept)
  end)

  it("that is never set is told of", function()
    local ok, err = pcall(function() runtime.event():wait() end)
    assert.is_false(ok)
    assert.matches("waits for something that nothing will bring", err, 1, true)
  end)
end)
