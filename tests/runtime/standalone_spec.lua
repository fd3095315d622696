local control = require "tests.contract.control"
local http = require "luaprov.http"
local luaprov = require "luaprov"
local runtime = require "luaprov.runtime"

describe("the stand-alone runtime", function()
  local listener

  setup(function() listener = control.start() end)
  teardown(function() listener:stop() end)
  before_each(function() listener:reset() end)

  local function get(path)
    local response = assert(http.exchange { method = "GET", url = listener.url .. path, deadline = http.now() + 20 })
    return response.body
  end

  -- The listener's control interface, spoken to by tasks: waiting there lets the others run.
  local function wait_for_requests(count) get("/-/requests?wait=" .. count) end

  local function release(count)
    assert(http.exchange { method = "POST", url = listener.url .. "/-/release?count=" .. count, body = "",
                           deadline = http.now() + 20 })
  end

  local function script(count, hold)
    local answers = {}
    for i = 1, count do
      answers[i] = { match = { path = "/" .. i }, status = 200, text = "answer " .. i, hold = hold or nil }
    end
    listener:script(answers)
  end

  it("lets the main chunk wait", function()
    script(1)
    assert.equal("answer 1", get "/1")
  end)

  it("keeps nothing of a task that has waited for a transfer", function()
    script(1)
    local results = setmetatable({}, { __mode = "v" })
    local function wait()
      results[1] = luaprov.spawn(function() return { get "/1" } end):wait()
      return results[1][1]
    end
    assert.equal("answer 1", wait())
    collectgarbage()
    collectgarbage()
    assert.is_nil(results[1])
  end)

  it("lets a coroutine of the user wait", function()
    script(2)
    local co = coroutine.wrap(function()
      coroutine.yield(get "/1")
      return get "/2"
    end)
    assert.equal("answer 1", co())
    assert.equal("answer 2", co())
  end)

  describe("map", function()
    it("refuses an option that it does not have", function()
      for _, options in ipairs { { concurency = 2 }, 2 } do
        local ok, err = pcall(luaprov.map, {}, print, options)
        assert.is_false(ok)
        assert.truthy(err:find("^tests/runtime/standalone_spec.lua") or err:find("map"), err)
      end
    end)

    it("returns results and errors by index", function()
      script(3)
      local results, errors = luaprov.map({ 1, 2, 3 }, function(item, index)
        assert(item == index)
        local body = get("/" .. item)
        if item == 2 then return nil, "no " .. item end
        return body
      end)
      assert.equal("answer 1", results[1])
      assert.is_nil(results[2])
      assert.equal("answer 3", results[3])
      assert.same({ [2] = "no 2" }, errors)
    end)

    it("has all calls in flight at once", function()
      script(20, true)
      local items = {}
      for i = 1, 20 do items[i] = i end
      items[21] = "release"
      local results = luaprov.map(items, function(item)
        if item ~= "release" then return get("/" .. item) end
        wait_for_requests(20)
        release(20)
        return "released"
      end, { concurrency = 21 })
      for i = 1, 20 do assert.equal("answer " .. i, results[i]) end
      assert.equal("released", results[21])
    end)

    it("runs no more at once than it was told", function()
      script(12)
      for _, concurrency in ipairs { 1, 3 } do
        listener:reset()
        script(12)
        local running, most = 0, 0
        local items = {}
        for i = 1, 12 do items[i] = i end
        local results = luaprov.map(items, function(item)
          running = running + 1
          most = math.max(most, running)
          local body = get("/" .. item)
          running = running - 1
          return body
        end, { concurrency = concurrency })
        assert.equal(12, #results)
        assert.equal(concurrency, most)
      end
    end)

    it("carries hundreds of tasks", function()
      local count = 300
      script(count)
      local items = {}
      for i = 1, count do items[i] = i end
      local results, errors = luaprov.map(items, function(item) return get("/" .. item) end, { concurrency = 100 })
      for i = 1, count do assert.equal("answer " .. i, results[i]) end
      assert.is_nil(next(errors))
      local requests, connections = listener:requests(count)
      assert.equal(count, #requests)
      assert.is_true(connections <= 100)
    end)

    it("takes an empty list and functions that wait for nothing", function()
      assert.same({}, (luaprov.map({}, function() error("not called") end)))
      assert.same({ 2, 4 }, (luaprov.map({ 1, 2 }, function(n) return 2 * n end)))
    end)

    it("can be called within a task", function()
      script(4)
      local results = luaprov.map({ 1, 3 }, function(first)
        return (luaprov.map({ first, first + 1 }, function(n) return get("/" .. n) end))
      end)
      assert.same({ { "answer 1", "answer 2" }, { "answer 3", "answer 4" } }, results)
    end)

    it("raises what a task raises, with its traceback, once the others have ended", function()
      script(3)
      local ended = {}
      local function the_culprit()
        get "/1"
        error("on purpose")
      end
      local ok, err = pcall(luaprov.map, { 1, 2, 3 }, function(item)
        if item == 1 then the_culprit() end
        local body = get("/" .. item)
        ended[#ended + 1] = body
      end)
      assert.is_false(ok)
      assert.matches("standalone_spec.lua:%d+: on purpose\n", err)
      assert.matches("stack traceback", err, 1, true)
      assert.matches("the_culprit", err, 1, true)
      table.sort(ended)
      assert.same({ "answer 2", "answer 3" }, ended)
    end)

    it("starts no more items once one has raised", function()
      script(2)
      local begun = 0
      local ok = pcall(luaprov.map, { 1, 2, 3, 4, 5, 6, 7, 8 }, function()
        begun = begun + 1
        error("on purpose")
      end, { concurrency = 2 })
      assert.is_false(ok)
      assert.is_true(begun <= 2)
      assert.equal("answer 1", get "/1")
    end)

    it("raises a table as it is", function()
      local thrown = { reason = "mine" }
      local ok, err = pcall(luaprov.map, { 1 }, function() error(thrown) end)
      assert.is_false(ok)
      assert.equal(thrown, err)
    end)

    it("refuses what it cannot take, at the caller's line", function()
      for words, call in pairs {
        ["map takes a list first, not nil"] = function() luaprov.map(nil, print) end,
        ["map takes a function second, not table"] = function() luaprov.map({}, {}) end,
        ["concurrency is a number of at least 1"] = function() luaprov.map({}, print, { concurrency = 0 }) end,
        ["all takes a list of functions"] = function() luaprov.all(print) end,
      } do
        local ok, err = pcall(call)
        assert.is_false(ok)
        assert.matches("standalone_spec.lua:%d+: " .. words, err)
      end
    end)
  end)

  it("all calls several functions at once", function()
    script(1, true)
    local results, errors = luaprov.all {
      function() return get "/1" end,
      function()
        wait_for_requests(1)
        release(1)
        return nil, "nothing to return"
      end,
    }
    assert.same({ "answer 1" }, results)
    assert.same({ [2] = "nothing to return" }, errors)
  end)

  describe("with coroutines of the user within tasks", function()
    it("keeps each with its own answer", function()
      script(20)
      local items = {}
      for i = 1, 10 do items[i] = i end
      local results = luaprov.map(items, function(i)
        local both = coroutine.wrap(function()
          coroutine.yield(get("/" .. i))
          coroutine.yield(get("/" .. 10 + i))
        end)
        return both() .. ", " .. both()
      end)
      for i = 1, 10 do assert.equal(("answer %d, answer %d"):format(i, 10 + i), results[i]) end
    end)

    it("runs other tasks while one of them waits", function()
      script(2, true)
      local results = luaprov.all {
        function() return coroutine.wrap(function() return get "/1" end)() end,
        function()
          local body
          coroutine.wrap(function() body = get "/2" end)()
          return body
        end,
        function()
          wait_for_requests(2)
          release(2)
        end,
      }
      assert.same({ "answer 1", "answer 2" }, results)
    end)

    it("carries many", function()
      local count = 150
      script(count)
      local items = {}
      for i = 1, count do items[i] = i end
      local results = luaprov.map(items, function(i)
        return coroutine.wrap(function() return get("/" .. i) end)()
      end, { concurrency = count })
      for i = 1, count do assert.equal("answer " .. i, results[i]) end
    end)
  end)

  describe("share", function()
    it("runs a function once for all who ask meanwhile", function()
      script(1)
      local runs, key = 0, {}
      local results = luaprov.map({ 1, 2, 3, 4, 5 }, function()
        return { runtime.share(key, function()
          runs = runs + 1
          return get "/1", "second"
        end) }
      end)
      assert.equal(1, runs)
      for i = 1, 5 do assert.same({ "answer 1", "second" }, results[i]) end
    end)

    it("runs it again for who asks later, and for another key", function()
      local runs, key = 0, {}
      local function run()
        runs = runs + 1
        return runs
      end
      assert.equal(1, runtime.share(key, run))
      assert.equal(2, runtime.share(key, run))
      assert.equal(3, runtime.share({}, run))
    end)

    it("raises what it raises to all who asked", function()
      script(1)
      local key = {}
      local raised = 0
      luaprov.map({ 1, 2, 3 }, function()
        local ok, err = pcall(runtime.share, key, function()
          get "/1"
          error("on purpose", 0)
        end)
        if not ok and err == "on purpose" then raised = raised + 1 end
      end)
      assert.equal(3, raised)
      assert.equal("again", runtime.share(key, function() return "again" end))
    end)

    it("runs once for coroutines that are no tasks, too", function()
      script(1)
      local key = {}
      local results = luaprov.map({ 1, 2 }, function()
        return coroutine.wrap(function() return (runtime.share(key, function() return get "/1" end)) end)()
      end)
      assert.same({ "answer 1", "answer 1" }, results)
    end)

    it("ends with an error when it waits for itself", function()
      local key = {}
      local ok, err = pcall(runtime.share, key, function() return runtime.share(key, function() return 1 end) end)
      assert.is_false(ok)
      assert.matches("waits for something that nothing will bring", err, 1, true)
    end)
  end)
end)
