-- What goes into a database comes out of it.
local binding_of = require

return function(backend)
  local sql = backend.sql
  local exact = rawget(_G, "jit") == nil

  describe("a value", function()
    local db
    before_each(function()
      db = backend.connect()
      assert(db:query(sql "CREATE TABLE v (i BIGINT, t TEXT, b {blob}, r {real})"))
    end)
    after_each(function() db:close() end)

    local function kept(column, value)
      assert(db:query "DELETE FROM v")
      assert(db:query(sql(("INSERT INTO v (%s) VALUES (?1)"):format(column)), value))
      local rows = assert(db:query "SELECT * FROM v")
      assert.equal(1, #rows)
      return rows[1][column], rows[1]
    end

    it("that is an integer of 64 bits stays what it is", function()
      for _, value in ipairs { 0, 1, -1, 2147483648, -2147483649, 9007199254740992, -9007199254740992 } do
        assert.equal(value, (kept("i", value)))
      end
      for _, digits in ipairs { "9007199254740993", "123456789012345678", "9223372036854775807", "-9223372036854775808",
        "-9007199254740993" } do
        -- LuaJIT cannot hold it, and gets its digits.
        local value = kept("i", exact and math.tointeger(digits) or digits)
        assert.equal(exact and "integer" or "string", exact and math.type(value) or type(value))
        assert.equal(digits, exact and ("%d"):format(value) or value)
        -- As digits it can be written everywhere.
        assert.same(value, (kept("i", digits)))
      end
      for _, value in ipairs { 0, 1234567890123, -5 } do
        local found = kept("i", value)
        assert.equal(exact and "integer" or "number", exact and math.type(found) or type(found))
      end
    end)

    it("that is a text stays what it is, whatever it looks like", function()
      for _, text in ipairs { "", " ", "'; DROP TABLE v; --", "\\", "\\000", "?1 $1 %s", "ü€😀 \226\128\168", "123",
        "1e5", "NULL", "a\r\n\tb", "\1\0021", ("x"):rep(300000) } do
        assert.equal(text, (kept("t", text)))
      end
    end)

    it("that is bytes stays what it is", function()
      local all = {}
      for i = 0, 255 do all[#all + 1] = string.char(i) end
      for _, bytes in ipairs { "", "\0", "a\0b\0", table.concat(all), ("\255\0"):rep(70000) } do
        assert.equal(bytes, (kept("b", { blob = bytes })))
      end
    end)

    it("that is nothing is nothing: no column of the row", function()
      for _, column in ipairs { "i", "t", "b", "r" } do
        local value, row = kept(column, nil)
        assert.is_nil(value)
        assert.is_nil(next(row))
      end
      -- In the midst of others, and at the end.
      assert(db:query(sql "INSERT INTO v (i, t, r) VALUES (?1, ?2, ?3)", 7, nil, nil))
      local rows = assert(db:query "SELECT i, t, r FROM v WHERE i = 7")
      assert.same({ { i = 7 } }, rows)
    end)

    it("that is a float stays what it is, in any locale", function()
      local was = os.setlocale()
      -- Where no such locale is installed the test is as in C.
      local _ = os.setlocale "de_DE.UTF-8" or os.setlocale "de_DE.utf8"
      for _, value in ipairs { 0.5, -0.1, 1e300, 5e-324, 1 / 3, 1.7976931348623157e308 } do
        assert.equal(value, (kept("r", value)))
      end
      os.setlocale(was)
    end)

    it("that is true or false is 1 or 0", function()
      assert.equal(1, (kept("i", true)))
      assert.equal(0, (kept("i", false)))
    end)

    it("that no database has is refused, and nothing is written", function()
      for _, value in ipairs { 0 / 0, 1 / 0, -1 / 0, {}, { blob = 5 }, print, io.stdout, coroutine.create(print) } do
        assert.has_error(function() db:query(sql "INSERT INTO v (t) VALUES (?1)", value) end)
      end
      assert.same({}, (assert(db:query "SELECT * FROM v")))
    end)
  end)

  describe("the binding", function()
    it("refuses what is no use of it", function()
      local db = backend.connect()
      assert.has_error(function() db:query() end)
      assert.has_error(function() db:query {} end)
      assert.has_error(function() db.query({}, "SELECT 1") end)
      assert.has_error(function() db:begin "sideways" end)
      assert.has_error(function() db:commit() end)
      assert(db:begin "write")
      assert.has_error(function() db:begin "write" end)
      assert(db:rollback())
      assert(db:rollback())
      local many = {}
      for i = 1, 65 do many[i] = i end
      local unpack = rawget(table, "unpack") or rawget(_G, "unpack")
      assert.has_error(function() db:query("SELECT 1", unpack(many)) end)
      assert.equal(backend.module .. (backend.name == "SQLite" and ": open" or ": connected"), tostring(db))
      db:close()
      db:close()
      assert.equal(backend.module .. ": closed", tostring(db))
      for _, name in ipairs { "query", "begin", "commit", "rollback" } do
        local ok, why = pcall(db[name], db, name == "query" and "SELECT 1" or nil)
        assert.is_false(ok)
        assert.is_truthy(why:find("this database is closed", 1, true), why)
      end
      assert.has_error(function() binding_of(backend.module).open() end)
      assert.has_error(function() binding_of(backend.module).open {} end)
    end)

    it("ends what nobody holds any more", function()
      for _ = 1, 30 do
        local db = backend.connect()
        db:query "SELECT 1"
        db:begin "write"
      end
      collectgarbage()
      collectgarbage()
    end)
  end)
end
