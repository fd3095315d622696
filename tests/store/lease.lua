-- The lease: one writes at a time, and who has lost it writes no more.
local backends = require "tests.store.backends"
local core = require "luaprov.core"
local stores = require "luaprov.stack.store"

return function(backend)
  describe("the lease", function()
    local place, one, other
    local pauses
    before_each(function()
      pauses = {}
      place = backend.place()
      one = assert(stores.open(place))
      other = assert(stores.open(place, { pause = function(seconds) pauses[#pauses + 1] = seconds end }))
    end)
    after_each(function()
      one:close()
      other:close()
    end)

    -- As if so many seconds had gone by.
    local function pass(seconds)
      assert(one.db:transaction("write", function(db)
        return db:query("UPDATE luaprov_lease SET since = since - CAST(?1 AS BIGINT), ends = ends - CAST(?1 AS BIGINT)",
          seconds * 1000)
      end))
    end

    local RECORD = { record = { address = "a.b.c", provider = "a", resource = "b", id = 1 } }

    it("is needed to write, and not to read", function()
      assert.same({}, one:records())
      assert.same({}, one:open_intents())
      for _, fn in ipairs {
        function() one:commit { RECORD } end, function() one:next_id() end, function() one:move("a", "b") end,
        function() one:remove "a" end, function() one:prune(1) end,
      } do
        local ok, why = pcall(fn)
        assert.is_false(ok)
        assert.is_truthy(why:find("a store is written with its lease", 1, true), why)
      end
    end)

    it("is one's at a time, and who asks is told whose, and since when", function()
      local before = core.now()
      local lease = assert(one:lease { holder = "ann@build7", seconds = 60 })
      assert.equal(1, lease.fence)
      assert.is_true(lease.ends >= before + 60 and lease.ends <= core.now() + 60)
      local none, err = other:lease { holder = "bob@home", seconds = 60 }
      assert.is_nil(none)
      assert.same({ "held", "ann@build7" }, { err.kind, err.holder })
      assert.is_true(err.left > 50 and err.left <= 60)
      assert.equal(lease.since, err.since)
      local time = "20%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d UTC"
      assert.is_truthy(tostring(err):find("^ann@build7 has the state since " .. time .. ", until " .. time
        .. " unless it goes on$"), tostring(err))
      local about = assert(other:holder())
      assert.same({ "ann@build7", 1 }, { about.holder, about.fence })
      assert.is_true(about.left > 50)
      assert.has_error(function() one:lease { holder = "ann@build7", seconds = 60 } end)
    end)

    it("is somebody else's at once when it is given back", function()
      local lease = assert(one:lease { holder = "ann", seconds = 60 })
      assert.is_true(lease:release())
      assert.is_true(lease:release())
      assert.equal(0, assert(one:holder()).left)
      assert.equal(2, assert(other:lease { holder = "bob", seconds = 60 }).fence)
      assert.has_error(function() one:commit {} end)
      assert.same({}, pauses)
    end)

    it("is waited for as long as wanted", function()
      assert(one:lease { holder = "ann", seconds = 60 })
      -- A clock of its own: every wait takes as long as it says.
      local now = core.now
      local clock = now()
      function core.now() return clock end -- luacheck: ignore
      local told = 0
      local store = assert(stores.open(place, { pause = function(seconds) clock = clock + seconds end }))
      local function on_wait() told = told + 1 end
      local none, err = store:lease { holder = "bob", seconds = 60, wait = 10, on_wait = on_wait }
      local waited = clock
      core.now = now -- luacheck: ignore
      assert.is_nil(none)
      assert.equal("held", err.kind)
      assert.is_true(told > 5 and told < 20, told .. " looks")
      assert.is_true(waited > 0)
      store:close()
    end)

    it("goes to who waits when its time is over, and not before", function()
      assert(one:lease { holder = "ann", seconds = 60 })
      local looks = 0
      local lease = assert(other:lease { holder = "bob", seconds = 60, wait = 100, on_wait = function(err)
        looks = looks + 1
        assert.equal("ann", err.holder)
        if looks == 3 then pass(61) else pass(10) end
      end })
      assert.same({ 3, 2, 3 }, { looks, lease.fence, #pauses })
    end)

    it("is lost to who took it when its time was over: nothing more is written", function()
      local lease = assert(one:lease { holder = "ann", seconds = 60 })
      local intent = { intent = { id = one:next_id(), address = "a.b.c", provider = "a", resource = "b",
        operation = "create" } }
      assert(one:commit { intent })
      pass(61)
      assert(other:lease { holder = "bob", seconds = 60 })
      for _, fn in ipairs {
        function() return one:commit { RECORD } end, function() return one:commit {} end,
        function() return one:commit { { settled = intent.intent.id, outcome = "done" } } end,
        function() return one:move("a.b.c", "a.b.d") end, function() return one:remove "a.b.c" end,
        function() return one:prune(0) end, function() return lease:renew() end, function() return lease:release() end,
      } do
        lease.lost = nil -- each asks the database
        local ok, err = fn()
        assert.is_nil(ok)
        assert.same({ "lost", "bob" }, { err.kind, err.holder })
        assert.equal(err, lease.lost)
        assert.equal(err, select(2, fn()))
      end
      assert.same({}, other:records())
      assert.equal(1, #assert(other:open_intents()))
      -- Whoever lost it may ask for it again.
      assert.equal("held", select(2, one:lease { holder = "ann", seconds = 60 }).kind)
    end)

    it("is still one's own when its time is over and nobody took it", function()
      local lease = assert(one:lease { holder = "ann", seconds = 60 })
      pass(61)
      assert.is_true(one:commit { RECORD })
      assert.is_true(lease:renew())
      assert.equal("held", select(2, other:lease { holder = "bob", seconds = 60 }).kind)
      assert.is_true(assert(one:holder()).left > 50)
    end)

    it("lasts longer when it is renewed", function()
      local lease = assert(one:lease { holder = "ann", seconds = 60 })
      pass(50)
      assert.is_true(assert(one:holder()).left < 11)
      local before = core.now()
      assert.is_true(lease:renew())
      assert.is_true(lease.ends >= before + 60)
      assert.is_true(assert(one:holder()).left > 50)
      assert.is_true(lease:renew(1000))
      assert.is_true(assert(one:holder()).left > 900)
      assert.is_true(lease.ends >= before + 1000)
    end)

    it("takes no nonsense", function()
      for _, wrong in ipairs {
        {}, { holder = "ann" }, { seconds = 5 }, { holder = 5, seconds = 5 }, { holder = "ann", seconds = 0 },
        { holder = "ann", seconds = 0 / 0 }, { holder = "ann", seconds = "5" }, { holder = "\255", seconds = 5 },
      } do
        assert.has_error(function() one:lease(wrong) end)
      end
    end)

    it("is taken by one of many that ask at once", function()
      local running, text = {}, [[
        local stores = require "luaprov.stack.store"
        local store = assert(stores.open(%q, { busy = 60 }))
        local lease, err = store:lease { holder = "%d", seconds = 60 }
        io.write(lease and "taken " .. lease.fence or err.kind)
      ]]
      for i = 1, 6 do running[i] = backends.begin(text:format(place, i)) end
      local results = {}
      for i, process in ipairs(running) do
        results[i] = process:read("*a")
        process:close()
      end
      table.sort(results)
      assert.same({ "held", "held", "held", "held", "held", "taken 1" }, results)
    end)

    it("is never two's: each write of many that take turns is there once", function()
      local running, text = {}, [[
        local stores = require "luaprov.stack.store"
        local core = require "luaprov.core"
        local store = assert(stores.open(%q, { busy = 60, pause = function() core.pause(0.001) end }))
        for i = 1, 20 do
          local lease = assert(store:lease { holder = "%s", seconds = 60, wait = 60 })
          local number = #assert(store:records())
          assert(store:commit { { record = { address = ("a.b.%%04d"):format(number), provider = "a", resource = "%s",
            id = i } } })
          assert(lease:release())
        end
        io.write "done"
      ]]
      for i = 1, 3 do running[i] = backends.begin(text:format(place, i, i)) end
      for _, process in ipairs(running) do
        assert.equal("done", process:read("*a"))
        process:close()
      end
      assert.equal(60, #assert(one:records()))
      assert.equal(60, assert(one:holder()).fence)
    end)
  end)
end
