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
end)
