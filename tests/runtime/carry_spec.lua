-- Coroutines of the user within tasks, and the `coroutine` library as it is while luaprov is loaded.
local luaprov = require "luaprov"
local runtime = require "luaprov.runtime"

local function packed(...) return { n = select("#", ...), ... } end

describe("a coroutine within a task", function()
  -- With a loop within the loop this never ends: the first to wait stands below the second, which waits for it.
  it("can wait for one of another task that began to wait before", function()
    local event, order = runtime.event(), {}
    local function within(fn) return function() coroutine.wrap(fn)() end end
    luaprov.all {
      within(function()
        luaprov.sleep(0.01)
        order[#order + 1] = "first"
        event:set()
      end),
      within(function()
        assert(event:wait(runtime.now() + 10))
        order[#order + 1] = "second"
      end),
    }
    assert.same({ "first", "second" }, order)
  end)

  it("goes on when its own time has come, however long others wait", function()
    local order = {}
    luaprov.map({ 0.01, 0.05, 0.03 }, function(seconds)
      for i in coroutine.wrap(function()
        luaprov.sleep(seconds)
        coroutine.yield(seconds)
      end) do order[#order + 1] = i end
    end)
    assert.same({ 0.01, 0.03, 0.05 }, order)
  end)

  it("may stand in others, as many as Lua carries", function()
    local function nest(depth)
      if depth == 0 then
        luaprov.sleep(0.001)
        return "bottom"
      end
      return coroutine.wrap(function() return nest(depth - 1) end)()
    end
    local results = luaprov.map({ 1, 2, 3 }, function() return nest(20) end)
    assert.same({ "bottom", "bottom", "bottom" }, results)
  end)

  it("hands values in and out around its waits", function()
    local results = luaprov.all { function()
      local co = coroutine.create(function(...)
        luaprov.sleep(0)
        local back = packed(coroutine.yield(...))
        luaprov.sleep(0)
        return back[1], back[2], back[3]
      end)
      local first, second = packed(coroutine.resume(co, 1, nil, nil)), packed(coroutine.resume(co, nil, "x", nil))
      return { first, second, coroutine.status(co) }
    end }
    assert.same({ { { n = 4, true, 1 }, { n = 4, true, nil, "x", nil }, "dead" } }, results)
  end)

  it("raises what it raises after a wait", function()
    local thrown = { reason = "mine" }
    luaprov.all { function()
      local co = coroutine.create(function()
        luaprov.sleep(0)
        error(thrown)
      end)
      local ok, err = coroutine.resume(co)
      assert(not ok and err == thrown)
      ok, err = pcall(coroutine.wrap(function()
        luaprov.sleep(0)
        error "words"
      end))
      assert(not ok and err:find "carry_spec.lua:%d+: words$")
    end }
  end)

  it("cannot be resumed by another task while it waits", function()
    local co = coroutine.create(function()
      luaprov.sleep(0.01)
      return "mine"
    end)
    local results = luaprov.all {
      function() return select(2, coroutine.resume(co)) end,
      function() return { coroutine.resume(co) } end,
    }
    assert.same({ "mine", { false, "cannot resume non-suspended coroutine" } }, results)
  end)
end)

describe("the coroutine library", function()
  local lua = debug.getregistry()["luaprov.coroutine"]

  it("is changed once, however often luaprov is loaded", function()
    assert.is_true(lua.resume ~= coroutine.resume)
    local kept = {}
    for name in pairs(package.loaded) do
      if name:find "^luaprov" then kept[name], package.loaded[name] = package.loaded[name], nil end
    end
    local resume, wrap = coroutine.resume, coroutine.wrap
    local again = require "luaprov"
    assert.equal(lua, debug.getregistry()["luaprov.coroutine"])
    again.map({ 1 }, function() coroutine.wrap(again.sleep)(0) end)
    for name in pairs(package.loaded) do
      if name:find "^luaprov" then package.loaded[name] = nil end
    end
    for name, module in pairs(kept) do package.loaded[name] = module end
    coroutine.resume, coroutine.wrap = resume, wrap -- luacheck: ignore
  end)

  -- Each is done with Lua's own functions and with ours.
  local cases = {
    ["values"] = function(co)
      local one = co.create(function(...)
        local a = packed(coroutine.yield(...))
        coroutine.yield(a)
        return nil, nil
      end)
      return packed(co.resume(one, 1, nil)), packed(co.resume(one, nil, nil)), packed(co.resume(one)),
        packed(co.resume(one)), packed(co.resume(one))
    end,
    ["wrap as an iterator"] = function(co)
      local list = {}
      local function squares()
        for i = 1, 3 do coroutine.yield(i, i * i) end
      end
      for a, b in co.wrap(squares) do list[#list + 1] = { a, b } end
      return list
    end,
    ["a message, and where"] = function(co)
      return pcall(function()
        local fn = co.wrap(function() error "x" end)
        fn()
      end)
    end,
    ["an error that is no message"] = function(co) return pcall(co.wrap(function() error { 1 } end)) end,
    ["one that is dead"] = function(co)
      local fn = co.wrap(function() end)
      fn()
      return pcall(function()
        fn()
      end)
    end,
    ["one that runs"] = function(co)
      local one
      one = co.create(function() return co.resume(one) end)
      return packed(co.resume(one))
    end,
    ["one that has resumed another"] = function(co)
      local one
      one = co.create(function() return co.resume(co.create(function() return co.resume(one) end)) end)
      return packed(co.resume(one))
    end,
    ["the current one"] = function(co)
      return co.wrap(function()
        local one = coroutine.running()
        return type(one), coroutine.status(one)
      end)()
    end,
    ["what is none"] = function(co)
      local results = {}
      for i, fn in ipairs { co.resume, co.wrap } do
        for j, value in ipairs { false, 1, "x", {} } do results[4 * i + j] = (pcall(fn, value)) end
      end
      return results
    end,
  }
  if coroutine.close then -- luacheck: ignore
    cases["variables to be closed"] = assert(load([[
      local co = ...
      local closed = {}
      local ok, err = pcall(co.wrap(function()
        local v <close> = setmetatable({}, { __close = function(_, e) closed[1] = e error("from close", 0) end })
        error("first", 0)
      end))
      return ok, err, closed[1] ]])) -- luacheck: ignore
  end

  for what, case in pairs(cases) do
    it("does as Lua's does: " .. what, function()
      local theirs = packed(case { create = coroutine.create, resume = lua.resume, wrap = lua.wrap })
      local ours = packed(case { create = coroutine.create, resume = coroutine.resume, wrap = coroutine.wrap })
      assert.same(theirs, ours)
      local within = luaprov.spawn(function()
        return packed(case { create = coroutine.create, resume = coroutine.resume, wrap = coroutine.wrap })
      end):wait()
      assert.same(theirs, within)
    end)
  end
end)
