-- Statements and transactions: what failed did not happen, and nobody is told otherwise.
local backends = require "tests.store.backends"

return function(backend)
  local sql, codes = backend.sql, backend.codes

  describe("a statement", function()
    local db
    before_each(function()
      db = backend.connect()
      assert(db:query "CREATE TABLE k (k BIGINT PRIMARY KEY, t TEXT)")
    end)
    after_each(function() db:close() end)

    local ADD = sql "INSERT INTO k (k, t) VALUES (?1, ?2)"

    local function keys(from)
      local found = {}
      for _, row in ipairs(assert((from or db):query "SELECT k FROM k ORDER BY k")) do found[#found + 1] = row.k end
      return found
    end

    local function refused(code, ...)
      local value, message, got = ...
      assert.is_nil(value)
      assert.equal("string", type(message))
      assert.equal(code, got, message)
      return message
    end

    it("that fails leaves the next one of the same text as it is", function()
      assert(db:query(ADD, 1, "a"))
      refused(codes.unique, db:query(ADD, 1, "b"))
      local _, changed = assert(db:query(ADD, 2, "b"))
      assert.equal(1, changed)
      refused(codes.unique, db:query(ADD, 2, "c"))
      assert.same({ 1, 2 }, keys())
    end)

    it("that is no SQL is refused again and again, and says why", function()
      for _ = 1, 3 do
        local message = refused(codes.syntax, db:query "SELEKT 1")
        assert.is_truthy(message:find('syntax error', 1, true), message)
      end
      assert.same({}, keys())
    end)

    it("tells how many rows it changed", function()
      for i = 1, 5 do assert(db:query(ADD, i, "x")) end
      local function changed(...) return (select(2, assert(db:query(...)))) end
      assert.equal(3, changed("UPDATE k SET t = 'y' WHERE k > 2"))
      assert.equal(0, changed("UPDATE k SET t = 'y' WHERE k > 20"))
      assert.equal(2, changed("DELETE FROM k WHERE k < 3"))
      assert.equal(0, changed("SELECT * FROM k"))
    end)

    it("may have any of very many texts", function()
      for i = 1, 300 do
        assert.equal(i, assert(db:query(("SELECT %d AS n FROM (SELECT 1 AS one) x"):format(i)))[1].n)
      end
      assert(db:query(ADD, 1, "a"))
      assert.same({ 1 }, keys())
    end)

    it("wants as many values as it has parameters", function()
      for _, arguments in ipairs { { 1 }, { 1, "a", 3 } } do
        local unpack = rawget(table, "unpack") or rawget(_G, "unpack")
        local ok, rows = pcall(db.query, db, ADD, unpack(arguments))
        assert.is_true(not ok or rows == nil)
      end
      assert.same({}, keys())
    end)

    describe("of a transaction", function()
      it("is not there before the commit, and is there afterwards", function()
        local place = backend.place()
        local one, other = backend.connect(place), backend.connect(place)
        if backend.name == "SQLite" then assert(one:query "PRAGMA journal_mode = WAL") end
        assert(one:query "CREATE TABLE k (k BIGINT PRIMARY KEY, t TEXT)")
        assert(one:begin "write")
        assert(one:query(ADD, 1, "a"))
        assert.same({}, keys(other))
        assert.is_true(one:commit())
        assert.same({ 1 }, keys(other))
        assert(one:begin "write")
        assert(one:query(ADD, 2, "a"))
        assert(one:rollback())
        assert.same({ 1 }, keys(other))
        assert.same({ 1 }, keys(one))
        one:close()
        other:close()
      end)

      it("that failed makes the commit fail, and all of it undone", function()
        assert(db:begin "write")
        assert(db:query(ADD, 1, "a"))
        refused(codes.unique, db:query(ADD, 1, "b"))
        refused(codes.failed, db:query(ADD, 2, "b"))
        refused(codes.failed, db:query "SELECT 1 AS one")
        refused(codes.failed, db:commit())
        assert.same({}, keys())
        -- And the next is a new one.
        assert(db:begin "write")
        assert(db:query(ADD, 1, "a"))
        assert.is_true(db:commit())
        assert.same({ 1 }, keys())
      end)

      it("that failed can be rolled back", function()
        assert(db:begin "write")
        refused(codes.syntax, db:query "SELEKT 1")
        assert.is_true(db:rollback())
        assert(db:query(ADD, 3, "a"))
        assert.same({ 3 }, keys())
      end)

      it("goes with a connection that is closed", function()
        local place = backend.place()
        local one, other = backend.connect(place), backend.connect(place)
        assert(one:query "CREATE TABLE k (k BIGINT PRIMARY KEY, t TEXT)")
        assert(one:begin "write")
        assert(one:query(ADD, 1, "a"))
        one:close()
        assert.same({}, keys(other))
        assert(other:begin "write")
        assert(other:query(ADD, 1, "a"))
        assert.is_true(other:commit())
        other:close()
      end)
    end)
  end)

  it("lets two processes write 1,000 transactions each", function()
    local place = backend.place()
    local db = backend.connect(place)
    if backend.name == "SQLite" then assert(db:query "PRAGMA journal_mode = WAL") end
    assert(db:query "CREATE TABLE counter (n BIGINT)")
    assert(db:query "CREATE TABLE log (n BIGINT PRIMARY KEY, writer TEXT)")
    assert(db:query "INSERT INTO counter VALUES (-2)")
    local text = [[
      local core = require "luaprov.core"
      local db = assert(%s)
      -- Both begin when both are there.
      local function must(...) return assert(db:query(...)) end
      must(%q)
      repeat until must("SELECT n FROM counter")[1].n >= 0
      for i = 1, 1000 do
        assert(db:begin "write")
        local n = assert(db:query %q)[1].n
        -- Read, and written only afterwards: two that did it at once would lose one.
        assert(db:query(%q, n + 1))
        assert(db:query(%q, n + 1, "%s"))
        assert(db:commit())
        core.pause(0.0001)
      end
      io.write "done"
    ]]
    local running = {}
    for i, writer in ipairs { "a", "b" } do
      running[i] = backends.begin(text:format(backend.connect_text:format(place),
        "UPDATE counter SET n = n + 1", sql "SELECT n FROM counter {lock}",
        sql "UPDATE counter SET n = ?1", sql "INSERT INTO log VALUES (?1, ?2)", writer))
    end
    for _, process in ipairs(running) do
      assert.equal("done", process:read("*a"))
      process:close()
    end
    assert.equal(2000, assert(db:query "SELECT n FROM counter")[1].n)
    local of, turns, last = { a = 0, b = 0 }, 0, nil
    for _, row in ipairs(assert(db:query "SELECT writer FROM log ORDER BY n")) do
      of[row.writer] = of[row.writer] + 1
      if row.writer ~= last then turns = turns + 1 end
      last = row.writer
    end
    assert.same({ a = 1000, b = 1000 }, of)
    assert.is_true(turns > 2, "the two did not write at the same time")
    db:close()
  end)
end
