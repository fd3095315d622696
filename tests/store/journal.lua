-- The state and its journal.
local json = require "luaprov.json"
local secret = require "luaprov.secret"
local stores = require "luaprov.stack.store"
local support = require "tests.support"

return function(backend)
  local function open(place, options)
    local store = assert(stores.open(place, options))
    return store, assert(store:lease { holder = "ann@here", seconds = 600 })
  end

  local function record(address, more)
    local made = { address = address, provider = "hubster", resource = "hubs", id = "h-1" }
    for name, value in pairs(more or {}) do made[name] = value end
    return { record = made }
  end

  local function intent(store, address, more)
    local made = { id = store:next_id(), address = address, provider = "hubster", resource = "hubs",
      operation = "create" }
    for name, value in pairs(more or {}) do made[name] = value end
    return { intent = made }, made.id
  end

  local function fails(kind, value, err)
    assert.is_nil(value)
    assert.equal(kind, err and err.kind, tostring(err))
    assert.equal(err.message, tostring(err))
    return err.message
  end

  describe("a state", function()
    local place, store, lease
    before_each(function()
      place = backend.place()
      store, lease = open(place)
    end)
    after_each(function() store:close() end)

    it("is made once, and found again", function()
      assert(store:commit { record "hubster.hubs.acme" })
      assert(lease:release())
      store:close()
      local again = assert(stores.open(place, { create = false }))
      assert.equal("hubster.hubs.acme", assert(again:records())[1].address)
      again:close()
      fails("missing", stores.open(backend.place(), { create = false }))
    end)

    it("keeps every part of a record", function()
      local whole = {
        address = "hubster.hubs.ä\0c", provider = "hubster", resource = "hubs", id = 1165,
        base_url = "http://127.0.0.1:1/v1", account = store:hash "client-1", key = { name = "a\0b", number = 5 },
        parents = { hub = "h-1" }, secrets = { ["configuration.token"] = "x:y" },
        fields = { name = "Süd 😀", empty = json.array {}, nothing = json.null, flag = false, deep = { { 1, 2.5 } } },
      }
      assert(store:commit { { record = whole } })
      local found = assert(store:record(whole.address))
      local now = os.time()
      assert.is_true(math.abs(found.created - now) < 100 and found.created == found.updated)
      found.created, found.updated = nil, nil
      assert.same(whole, found)
      assert.is_true(json.is_array(found.fields.empty))
      local nothing, err = store:record "hubster.hubs.none"
      assert.is_nil(nothing)
      assert.is_nil(err)
    end)

    it("keeps ids of 64 bits, texts of digits, and those of any other kind", function()
      local big = rawget(_G, "jit") and "9223372036854775807" or math.maxinteger -- luacheck: ignore 143
      for i, id in ipairs { big, "0017", 17, "a\0b", "ü", { account = 1, name = "x" } } do
        assert(store:commit { record("a.b.c" .. i, { id = id }) })
        assert.same(id, store:record("a.b.c" .. i).id)
      end
      assert(store:commit { record("a.b.none", { id = json.null }) })
    end)

    it("lists its records in the order of their addresses' bytes, however many", function()
      local batch = {}
      for i = 1, 2500 do batch[i] = record(("a.b.%s%d"):format(i % 2 == 0 and "Z" or "ä", i), { id = i }) end
      assert(store:commit(batch))
      local found = assert(store:records())
      assert.equal(2500, #found)
      for i = 2, #found do assert.is_true(found[i - 1].address < found[i].address) end
    end)

    it("is needed under its new name when it is moved", function()
      assert(store:commit { record "a.b.c", record("a.b.d", { depends_on = { "a.b.cc", "a.b.c" } }),
        record("a.b.e", { depends_on = { "a.b.cc" } }) })
      assert.is_true(store:move("a.b.c", "a.b.x"))
      assert.same({ "a.b.cc", "a.b.x" }, assert(store:record "a.b.d").depends_on)
      assert.same({ "a.b.cc" }, assert(store:record "a.b.e").depends_on)
    end)

    it("is written over, moved and removed", function()
      assert(store:commit { record("a.b.c", { id = 1, fields = { x = 1 } }), record("a.b.d", { id = 2 }) })
      assert(store:commit { record("a.b.c", { id = 1 }) })
      assert.is_nil(store:record("a.b.c").fields)
      assert.is_true(store:move("a.b.c", "a.b.e"))
      assert.is_nil((store:record "a.b.c"))
      assert.equal(1, store:record("a.b.e").id)
      fails("missing", store:move("a.b.c", "a.b.f"))
      fails("exists", store:move("a.b.d", "a.b.e"))
      assert.is_true(store:remove "a.b.d")
      fails("missing", store:remove "a.b.d")
      assert.equal(1, #assert(store:records()))
    end)

    it("keeps what was created when as long as the id is the same", function()
      assert(store:commit { record("a.b.c", { id = 1 }) })
      -- No clock of a test: the time of before is written there.
      assert(store.db:transaction("write", function(db)
        return db:query "UPDATE luaprov_records SET created = 1000, updated = 1000"
      end))
      assert(store:commit { record("a.b.c", { id = 1, fields = {} }) })
      local kept = store:record "a.b.c"
      assert.is_true(kept.created == 1 and kept.updated > 1e9)
      assert(store:commit { record("a.b.c", { id = 2 }) })
      assert.is_true(store:record("a.b.c").created > 1e9)
    end)

    it("has none of a batch of which one item is wrong", function()
      local bad = ("x"):rep(10) .. "\255"
      for i, wrong in ipairs {
        record("a.b.c", { provider = false }), record("", {}), record(bad), record("a.b.c", { fields = { bad } }),
        record("a.b.c", { fields = { 0 / 0 } }), { remove = bad }, { move = "a", to = bad }, { remove = 5 },
        { intent = { id = "x", address = "a", provider = "p", resource = "r", operation = "create" } },
        { intent = { id = "999-1", address = "a", provider = "p", resource = "r", operation = "create" } },
        intent(store, "a.b.c", { within = -1 }), intent(store, "a.b.c", { within = 0 / 0 }),
        intent(store, "a.b.c", { operation = 5 }), { settled = "1-1" },
        { settled = "1-1", outcome = "x", result = print },
      } do
        local _, err = store:commit { record "a.b.good", wrong }
        fails("invalid", nil, err)
        assert.equal(2, err.item, "case " .. i)
      end
      fails("missing", store:commit { record "a.b.good", { settled = "1-99", outcome = "done" } })
      fails("missing", store:commit { record "a.b.good", { move = "none", to = "other" } })
      assert.same({}, store:records())
      for _, nonsense in ipairs { {}, { other = 1 }, "x" } do
        assert.has_error(function() store:commit { nonsense } end)
      end
    end)

    it("can be read by others while it is written", function()
      local other = assert(stores.open(place))
      assert(store.db:transaction("write", function(db)
        db:query "UPDATE luaprov_meta SET value = value"
        assert.same({}, other:records())
        return true
      end))
      other:close()
    end)

    it("is closed once and for all", function()
      store:close()
      store:close()
      assert.equal("luaprov.store: closed", tostring(store))
      assert.has_error(function() store:records() end)
      assert.has_error(function() store:commit {} end)
    end)

    it("says that another is of a newer schema, and leaves it as it is", function()
      assert(store.db:transaction("write", function(db)
        return db:query "UPDATE luaprov_meta SET value = '2' WHERE name = 'schema'"
      end))
      local message = fails("newer", stores.open(place))
      assert.is_truthy(message:find("is of schema 2, which a newer luaprov has written", 1, true), message)
    end)

    it("says that another's tables are no state", function()
      assert(store.db:transaction("write", function(db)
        return db:query "UPDATE luaprov_meta SET value = 'tea' WHERE name = 'format'"
      end))
      fails("foreign", stores.open(place))
      assert(store.db:transaction("write", function(db)
        db:query "DROP TABLE luaprov_meta"
        return db:query "CREATE TABLE luaprov_meta (temperature BIGINT)"
      end))
      fails("foreign", stores.open(place))
    end)

    it("says that what it holds is not what it was", function()
      assert(store:commit { record "a.b.c" })
      assert(store.db:transaction("write", function(db)
        return db:query "UPDATE luaprov_records SET id = '{'"
      end))
      fails("corrupt", store:records())
      fails("corrupt", store:record "a.b.c")
    end)
  end)

  describe("the journal", function()
    local store
    before_each(function() store = open(backend.place()) end)
    after_each(function() store:close() end)

    it("has an intent until it is settled, in the order in which they were begun", function()
      local ids = {}
      for batch = 1, 3 do
        local items = {}
        for i = 1, 4 do items[i], ids[#ids + 1] = intent(store, ("a.b.c%d-%d"):format(batch, i)) end
        assert(store:commit(items))
      end
      local function open_ids()
        local found = {}
        for i, one in ipairs(assert(store:open_intents())) do found[i] = one.id end
        return found
      end
      assert.same(ids, open_ids())
      assert(store:commit {
        { settled = ids[3], outcome = "done", result = { id = 7 } }, record("a.b.c1-3", { id = 7 }),
      })
      assert.equal(ids[3], table.remove(ids, 3))
      assert.same(ids, open_ids())
    end)

    it("keeps every part of an intent, and what came of it", function()
      local whole = {
        id = store:next_id(), address = "ocamba_eu.integrations.ä", provider = "ocamba", resource = "integrations",
        operation = "update", record_id = 1165, base_url = "http://127.0.0.1:1", account = store:hash "token",
        key = { name = "x" }, parents = { hub = 3 }, fields = { name = "x\0", list = { 1, 2 } },
        hash = store:hash "fields", noted = { 1, "two" },
      }
      local given = {}
      for name, value in pairs(whole) do given[name] = value end
      given.within = 30
      assert(store:commit { { intent = given } })
      local found = assert(store:open_intents())[1]
      assert.is_true(found.left > 20 and found.left <= 30)
      assert.is_true(math.abs(found.deadline - found.written - 30) < 0.01)
      assert.is_true(math.abs(found.written - os.time()) < 100)
      assert.same({ "open", 1, 1 }, { found.state, found.fence, found.number })
      for name, value in pairs(whole) do assert.same(value, found[name], name) end
      assert(store:commit { { settled = whole.id, outcome = "refused", result = { status = 409, text = "n\0" } } })
      found = assert(store:intent(whole.id))
      assert.same({ "settled", "refused", { status = 409, text = "n\0" } },
        { found.state, found.outcome, found.result })
      assert.is_true(found.settled >= found.written)
      local nothing, err = store:intent "1-999"
      assert.is_nil(nothing)
      assert.is_nil(err)
    end)

    it("takes no intent that could be acted on after the lease", function()
      assert(store:commit { (intent(store, "a.b.c", { within = 590 })) })
      local _, err = store:commit { (intent(store, "a.b.d")), (intent(store, "a.b.e", { within = 601 })) }
      local message = fails("short", nil, err)
      assert.is_truthy(message:find("^the lease ends in %d+%.%d s, before the 601 s in which a%.b%.e can be acted on$"),
        message)
      assert.equal(2, err.item)
      assert.equal(1, #assert(store:open_intents()))
      assert(store.held:renew(700))
      assert(store:commit { (intent(store, "a.b.e", { within = 601 })) })
    end)

    it("may have no deadline, and no result", function()
      local item, id = intent(store, "a.b.c")
      assert(store:commit { item })
      local found = assert(store:open_intents())[1]
      assert.is_nil(found.deadline)
      assert.is_nil(found.left)
      assert(store:commit { { settled = id, outcome = "done" } })
      assert.is_nil(store:intent(id).result)
    end)

    it("has a batch once that is committed twice", function()
      local item, id = intent(store, "a.b.c")
      local batch = { item, { settled = id, outcome = "done" }, record("a.b.c", { id = 1 }), { remove = "a.b.x" } }
      assert(store:commit { item })
      assert(store:commit { item })
      assert.equal(1, #assert(store:open_intents()))
      assert(store:commit(batch))
      assert(store:commit(batch))
      assert.same({}, store:open_intents())
      assert.equal(1, #assert(store:records()))
    end)

    it("keeps the address of an open intent from being moved and removed", function()
      local item, id = intent(store, "a.b.c")
      assert(store:commit { item, record "a.b.c", record "a.b.d" })
      fails("open", store:move("a.b.c", "a.b.e"))
      fails("open", store:remove "a.b.c")
      assert(store:commit { { settled = id, outcome = "done" } })
      assert.is_true(store:remove "a.b.c")
      item = intent(store, "a.b.new")
      assert(store:commit { item })
      fails("open", store:move("a.b.d", "a.b.new"))
    end)

    it("is shortened by what was settled long ago, and by nothing else", function()
      local old, old_id = intent(store, "a.b.old")
      local new, new_id = intent(store, "a.b.new")
      local open_one, open_id = intent(store, "a.b.open")
      assert(store:commit { old, new, open_one, { settled = old_id, outcome = "done" },
        { settled = new_id, outcome = "done" } })
      assert(store.db:transaction("write", function(db)
        return db:query("UPDATE luaprov_intents SET written = 1, settled = CASE WHEN id = ?1 THEN 1 ELSE settled END",
          old_id)
      end))
      assert(store:prune(3600))
      assert.is_nil((store:intent(old_id)))
      assert.is_truthy(store:intent(new_id))
      assert.is_truthy(store:intent(open_id))
    end)

    it("never gives an id twice, in this lease and in the next", function()
      local seen = {}
      for _ = 1, 3 do
        for _ = 1, 5 do
          local id = store:next_id()
          assert.is_nil(seen[id])
          seen[id] = true
        end
        assert(store.held:release())
        assert(store:lease { holder = "ann@here", seconds = 600 })
      end
    end)
  end)

  describe("a secret", function()
    local store, place
    local TEXT = "t0ken-that-nobody-sees"
    before_each(function()
      place = backend.place()
      store = open(place)
    end)
    after_each(function() store:close() end)

    -- Every text and number of every table.
    local function all_of_it()
      return assert(store.db:transaction("read", function(db)
        local parts = {}
        for _, name in ipairs { "meta", "records", "intents", "lease" } do
          for _, row in ipairs(db:query("SELECT * FROM luaprov_" .. name)) do parts[#parts + 1] = support.shown(row) end
        end
        return table.concat(parts, "\n")
      end))
    end

    it("is kept nowhere", function()
      local value = secret.new(TEXT)
      local item, id = intent(store, "a.b.c", {
        fields = { token = value, deep = { { value } } }, key = { token = value }, hash = store:hash(value),
        account = store:hash(value), noted = { value }, parents = { token = value },
      })
      assert(store:commit { item, record("a.b.c", {
        fields = { token = value }, key = { value }, parents = { value }, id = { value },
        account = store:hash(value), secrets = { token = store:hash(value) },
      }), { settled = id, outcome = "done", result = { fields = { token = value } } } })
      local text = all_of_it()
      assert.is_truthy(text:find("<secret>", 1, true))
      assert.is_nil(text:find(TEXT, 1, true))
      -- And in no file of SQLite's.
      if backend.name == "SQLite" then
        -- Read by another process: one that opens and closes a database itself loses SQLite's locks.
        for _, tail in ipairs { "", "-wal" } do
          local pipe = io.popen("cat " .. place .. tail)
          local bytes = pipe:read("*a")
          pipe:close()
          assert.is_true(#bytes > 4000)
          assert.is_nil(bytes:find(TEXT, 1, true))
        end
      end
      local _, err = store:commit { record("a.b.c", { address = value }) }
      fails("invalid", nil, err)
    end)

    it("is recognised, and told from another", function()
      assert.equal(store:hash(TEXT), store:hash(secret.new(TEXT)))
      assert.are_not.equal(store:hash(TEXT), store:hash(TEXT .. "x"))
      local other = open(backend.place())
      assert.are_not.equal(store:hash(TEXT), other:hash(TEXT))
      other:close()
      assert.has_error(function() store:hash(5) end)
      assert.has_error(function() store:hash(secret.env "LUAPROV_NO_SUCH_VARIABLE") end)
    end)

    it("is not shown by the store", function()
      assert.is_nil(support.shown(store):find(TEXT, 1, true))
      assert.is_nil(support.shown(store):find(require("tests.store.server").PASSWORD, 1, true))
    end)
  end)
end
