-- What tasks have for the disk, written together.
local journals = require "luaprov.stack.journal"
local runtime = require "luaprov.runtime"

describe("A journal", function()
  it("keeps nobody waiting for what was not written", function()
    local store, written = {}, 0
    function store.commit(_, items)
      written = written + #items
      error("not enough memory", 0)
    end
    local journal = journals.new(store)
    local results = runtime.map({ 1, 2 }, function(number)
      local ok, err = journal:commit { { remove = "a" .. number } }
      return { ok, err }
    end)
    for i = 1, 2 do
      assert.is_nil(results[i][1])
      assert.equal("the state could not be written: not enough memory", results[i][2].message)
    end
    -- All at once, and nothing after it.
    assert.equal(2, written)
    assert.equal(journal.broken, select(2, journal:commit {}))
    assert.equal(2, written)
  end)

  -- A store that takes texts; one that begins with "bad" is invalid.
  local function texts()
    local store = { batches = {} }
    function store.commit(_, items)
      for i, item in ipairs(items) do
        if item.remove and item.remove:find "^bad" then
          return nil, { kind = "invalid", message = item.remove, item = i }
        end
      end
      table.insert(store.batches, items)
      return true
    end
    return store
  end

  it("lets nobody suffer from what is wrong with another's", function()
    local store = texts()
    local journal = journals.new(store)
    local results = runtime.map({ "a", "bad 1", "b", "bad 2" }, function(name)
      local ok, err = journal:commit { { remove = name }, { remove = name .. " too" } }
      return { ok, err and err.message }
    end)
    assert.same({ { true }, { nil, "bad 1" }, { true }, { nil, "bad 2" } }, results)
    assert.same({ { { remove = "a" }, { remove = "a too" } }, { { remove = "b" }, { remove = "b too" } } },
      store.batches)
    assert.is_nil(journal.broken)
  end)

  it("tells whoever does not wait when it is written, and what became of it", function()
    local store, told = texts(), {}
    local journal = journals.new(store)
    local function tell(what, ok, err) table.insert(told, { what.name, ok or false, err and err.message }) end
    journal:finish_later({ id = "1-1" }, "done", nil, nil, tell, { name = "first" })
    journal:finish_later({ id = "1-2" }, "done", nil, { { remove = "bad" } }, tell, { name = "second" })
    assert.same({}, told)
    assert.is_true(journal:commit { { remove = "a" } })
    assert.same({ { "first", true }, { "second", false, "bad" } }, told)
    assert.equal("1-1", store.batches[1][1].settled)
    function store.commit() return nil, { kind = "full", message = "the disk is full" } end
    journal:finish_later({ id = "1-3" }, "done", nil, nil, tell, { name = "third" })
    assert.is_nil((journal:commit { { remove = "a" } }))
    journal:finish_later({ id = "1-4" }, "done", nil, nil, tell, { name = "fourth" })
    assert.same({ { "third", false, "the disk is full" }, { "fourth", false, "the disk is full" } },
      { told[3], told[4] })
  end)
end)
