-- A state that a team shares: a server that is stopped and comes back, connections that break, passwords.
local place = require "tests.packages.place"
local postgres = require "luaprov.postgres"
local secret = require "luaprov.secret"
local servers = require "tests.store.server"
local stores = require "luaprov.stack.store"
local support = require "tests.support"

local LIMIT = 8 * 1024 * 1024 -- bytes of a file of the server's

local function fails(kind, value, err)
  assert.is_nil(value)
  assert.equal(kind, err and err.kind, tostring(err))
  return err.message
end

local function record(number, bytes)
  return { record = { address = ("a.b.%06d"):format(number), provider = "a", resource = "b", id = number,
    fields = { text = ("x"):rep(bytes or 10) } } }
end

describe("a state on PostgreSQL", function()
  local server
  setup(function() server = servers.start(LIMIT) end)
  teardown(function()
    server:stop()
    -- Whatever happened, its log has no password; but one test calls a user so.
    assert.is_nil((table.concat(server.log, "\n"):gsub('[Rr]ole "[^"]*"', ""):gsub('user "[^"]*"', "")
      :find(servers.PASSWORD, 1, true)))
    support.clean()
  end)

  local function open(url, options)
    local store = assert(stores.open(url, options))
    return store, assert(store:lease { holder = "ann", seconds = 600 })
  end

  it("is found by a URL in a secret, too", function()
    local url = server:fresh()
    local store = open(secret.new(url))
    assert(store:commit { record(1) })
    assert.is_nil(support.shown(store):find(servers.PASSWORD, 1, true))
    store:close()
    store = assert(stores.open((url:gsub("^postgresql", "postgres"))))
    assert.equal(1, #assert(store:records()))
    store:close()
    fails("unavailable", stores.open(secret.env "LUAPROV_NO_SUCH_VARIABLE"))
  end)

  it("is one state, however many make it at once", function()
    local backends = require "tests.store.backends"
    local url, running = server:fresh(), {}
    for i = 1, 8 do
      running[i] = backends.begin(([[
        local store = assert(require("luaprov.stack.store").open(%q))
        io.write(store:hash "x")
      ]]):format(url))
    end
    local first
    for _, process in ipairs(running) do
      local hash = process:read("*a")
      process:close()
      first = first or hash
      assert.equal(64, #hash, hash)
      assert.equal(first, hash)
    end
  end)

  it("stands beside others' tables, and leaves them alone", function()
    local url = server:fresh()
    local db = assert(postgres.open(url))
    assert(db:query "CREATE TABLE records (a TEXT)")
    local store = open(url)
    assert(store:commit { record(1) })
    assert.same({}, (assert(db:query "SELECT * FROM records")))
    store:close()
    db:close()
  end)

  it("says that a user may not write it", function()
    local url = server:fresh()
    local store = open(url)
    store:close()
    local only = url .. "%20-cdefault_transaction_read_only%3Don"
    store = assert(stores.open(only))
    assert.same({}, store:records())
    fails("readonly", store:lease { holder = "bob", seconds = 5 })
    store:close()
    fails("readonly", stores.open(server:fresh() .. "%20-cdefault_transaction_read_only%3Don"))
  end)

  describe("whose server is restarted", function()
    for _, signal in ipairs { "INT", "QUIT" } do
      it("in the midst goes on where it was (" .. signal .. ")", function()
        local pauses = 0
        -- It comes back when the store has found it gone for the third time.
        local store, lease = open(server:fresh(), { pause = function()
          pauses = pauses + 1
          if pauses == 3 then assert(server:run()) end
        end })
        local ids = {}
        for i = 1, 20 do
          ids[i] = store:next_id()
          assert(store:commit { { intent = { id = ids[i], address = "a.b." .. i, provider = "a", resource = "b",
            operation = "create" } } })
          if i == 10 then server:stop(signal) end
          assert(store:commit { { settled = ids[i], outcome = "done" }, record(i) })
        end
        assert.is_true(pauses >= 3)
        assert.equal(20, #assert(store:records()))
        assert.same({}, store:open_intents())
        assert.is_true(lease:renew())
        assert.is_true(lease:release())
        store:close()
      end)
    end

    it("says so when it does not come back", function()
      local store = open(server:fresh(), { patience = 0.3 })
      server:stop()
      local message = fails("unavailable", store:commit { record(1) })
      assert.is_truthy(message:find("^PostgreSQL: connection to server at "), message)
      assert.is_nil(message:find(servers.PASSWORD, 1, true))
      fails("unavailable", store:records())
      -- And works when it has come.
      assert(server:run())
      assert(store:commit { record(1) })
      assert.equal(1, #assert(store:records()))
      store:close()
    end)
  end)

  describe("whose connection breaks", function()
    local function cut(db)
      local other = assert(postgres.open(server.url))
      local own = assert(db.handle:query "SELECT pg_backend_pid() AS pid")[1].pid
      -- It has ended when it is no longer there.
      assert(other:query("SELECT pg_terminate_backend($1, 10000)", own))
      other:close()
    end

    it("within a transaction runs it again, from its beginning", function()
      local store = open(server:fresh())
      local runs = 0
      assert(store.db:transaction("write", function(db)
        runs = runs + 1
        assert.equal(runs > 1, db.repeated)
        db:query("INSERT INTO luaprov_meta (name, value) VALUES (?1, 'x')", "run " .. runs)
        if runs < 3 then cut(db) end
        db:query "UPDATE luaprov_meta SET value = value"
        return true
      end))
      assert.equal(3, runs)
      assert.same({ { name = "run 3" } }, store.db:transaction("read", function(db)
        return db:query "SELECT name FROM luaprov_meta WHERE name LIKE 'run%'"
      end))
      store:close()
    end)

    -- The worst moment: it was committed, and nobody says so.
    it("in the commit commits what was committed once", function()
      local url = server:fresh()
      local store = open(url)
      local lost = 0
      local function lose_the_answer()
        local handle = store.db.handle
        store.db.handle = {
          query = function(_, ...) return handle:query(...) end,
          begin = function(_, ...) return handle:begin(...) end,
          rollback = function() return handle:rollback() end,
          close = function() handle:close() end,
          commit = function()
            assert(handle:commit())
            lost = lost + 1
            return nil, "server closed the connection unexpectedly", "08006"
          end,
        }
      end
      local id = store:next_id()
      local intent = { intent = { id = id, address = "a.b.c", provider = "a", resource = "b", operation = "create" } }
      lose_the_answer()
      assert(store:commit { intent })
      assert.equal(1, #assert(store:open_intents()))
      lose_the_answer()
      assert(store:commit { { settled = id, outcome = "done" }, record(1), record(2) })
      assert.same({}, store:open_intents())
      lose_the_answer()
      assert(store:move("a.b.000001", "a.b.moved"))
      lose_the_answer()
      assert(store:remove "a.b.000002")
      assert.equal(1, #assert(store:records()))
      lose_the_answer()
      assert(store.held:renew())
      lose_the_answer()
      assert(store.held:release())
      lose_the_answer()
      -- Taken twice it would be held by ourselves.
      assert.equal(2, assert(store:lease { holder = "ann", seconds = 60 }).fence)
      assert.equal(7, lost)
      store:close()
    end)

    it("after the lease went to somebody else writes nothing", function()
      local url = server:fresh()
      local store = open(url)
      local other = assert(stores.open(url))
      cut(store.db)
      assert(other.db:transaction("write", function(db) return db:query "UPDATE luaprov_lease SET ends = 1" end))
      assert(other:lease { holder = "bob", seconds = 60 })
      assert.equal("lost", select(2, store:commit { record(1) }).kind)
      assert.same({}, other:records())
      store:close()
      other:close()
    end)
  end)

  it("waits for who writes, and not for ever", function()
    local url = server:fresh()
    local store = open(url, { busy = 0.05 })
    local other = assert(stores.open(url))
    assert(other.db:transaction("write", function(db)
      db:query "SELECT * FROM luaprov_lease FOR UPDATE"
      fails("busy", store:commit { record(1) })
      return true
    end))
    assert(store:commit { record(1) })
    store:close()
    other:close()
  end)

  -- The system's limit on the size of a file stands for the disk, as it can be had everywhere: tables end there.
  it("says that the disk is full, and works when there is room", function()
    local store = open(server:fresh())
    assert(store.db:transaction("write", function(db)
      return db:query "ALTER TABLE luaprov_records ALTER COLUMN fields SET STORAGE PLAIN"
    end))
    local done = 0
    local function fill() return store:commit { record(2 * done + 1, 7000), record(2 * done + 2, 7000) } end
    local ok, err = fill()
    while ok do
      done = done + 1
      assert.is_true(done < 2 * LIMIT / 14000, "there is no limit")
      ok, err = fill()
    end
    local message = fails("full", nil, err)
    assert.is_truthy(message:find("File too large", 1, true), message)
    fails("full", fill())
    assert.equal(2 * done, #assert(store:records()))
    local gone = {}
    for i = 1, done do gone[i] = { remove = ("a.b.%06d"):format(i) } end
    assert(store:commit(gone))
    assert(store.db.handle:query "VACUUM luaprov_records")
    assert(fill())
    assert.equal(done + 2, #assert(store:records()))
    store:close()
  end)

  describe("and its password", function()
    local PASSWORD = servers.PASSWORD

    it("is shown by no error of the server's, nor of libpq's", function()
      local port = server.port
      for _, url in ipairs {
        ("postgresql://luaprov:%s@127.0.0.1:%d/no_such_database"):format(PASSWORD, port),
        ("postgresql://luaprov:%sx@127.0.0.1:%d/postgres"):format(PASSWORD, port),
        ("postgresql://nobody:%s@127.0.0.1:%d/postgres"):format(PASSWORD, port),
        ("postgresql://%s:%s@127.0.0.1:%d/%s"):format(PASSWORD, PASSWORD, port, PASSWORD),
        ("postgresql://luaprov:%s@127.0.0.1:1/postgres"):format(PASSWORD),
        ("postgresql://luaprov:%s@no-such-host.invalid/postgres"):format(PASSWORD),
        ("postgresql://luaprov@127.0.0.1:%d/postgres?password=%sx"):format(port, PASSWORD),
        ("postgresql://luaprov:%s@127.0.0.1:%d/postgres?sslmode=nonsense"):format(PASSWORD, port),
        ("postgresql://luaprov:%s@127.0.0.1:%d/postgres?options=-cno.such%%20-c"):format(PASSWORD, port),
      } do
        local message = fails("unavailable", stores.open(url))
        assert.is_nil(message:find(PASSWORD, 1, true), message)
        assert.is_nil(message:find("\n", 1, true), message)
      end
    end)

    it("is shown by no error of a URL that is wrong", function()
      for _, url in ipairs {
        "postgresql://luaprov:%s/x@127.0.0.1:5432/postgres", "postgresql://luaprov:%s@x@127.0.0.1/postgres",
        "postgresql://luaprov:12/%s@127.0.0.1/postgres", "postgresql://luaprov:%s?x@127.0.0.1/postgres",
        "postgresql://luaprov:%s#x@127.0.0.1/postgres", "postgresql://luaprov:%s%%zz@127.0.0.1/postgres",
        "postgresql://luaprov:%s@127.0.0.1/postgres?%s", "postgresql://luaprov:%s@127.0.0.1/postgres?%s=1",
        "postgresql://luaprov:%s@127.0.0.1:%s/postgres", "postgresql://luaprov:%s", "postgresql://luaprov:%s/postgres",
        "postgresql://luaprov:%s@[::1/postgres", "postgresql://luaprov:%s@127.0.0.1:99999999/postgres",
        "postgresql://luaprov:%s@127.0.0.1:/postgres", "postgresql://luaprov:%s@[::1]x/postgres",
        "Postgresql://luaprov:%s@127.0.0.1/postgres",
      } do
        url = url:gsub("%%s", PASSWORD):gsub("%%%%", "%%")
        local store, err = stores.open(url, { patience = 0 })
        assert.is_nil(store)
        assert.is_nil(err.message:find(PASSWORD, 1, true), err.message)
        -- Nothing of it went anywhere: it was refused as it stands.
        assert.is_truthy(err.message:find("URL", 1, true), err.message)
      end
      assert.is_nil(select(2, postgres.open("postgresql://a:" .. PASSWORD .. "\0@b")):find(PASSWORD, 1, true))
      assert.is_nil(select(2, postgres.open("password=" .. PASSWORD)):find(PASSWORD, 1, true))
    end)

    it("may have any character, written as URLs have it", function()
      local db = assert(postgres.open(server.url))
      assert(db:query [[CREATE ROLE odd LOGIN PASSWORD 'a/b@c:d?e#f%g h"é']])
      db:close()
      local url = ("postgresql://odd:a%%2Fb%%40c%%3Ad%%3Fe%%23f%%25g%%20h%%22%%C3%%A9@127.0.0.1:%d/postgres"):format(
        server.port)
      db = assert(postgres.open(url))
      assert.equal("odd", assert(db:query "SELECT CAST(current_user AS TEXT) AS name")[1].name)
      db:close()
      -- By a socket in the file system, and by an IPv6 address where there is one.
      db = assert(postgres.open(("postgresql://luaprov:%s@/postgres?host=%s&port=%d"):format(PASSWORD, server.folder,
        server.port)))
      db:close()
      db = assert(postgres.open(("postgresql://luaprov:%s@[::1]:1,127.0.0.1:%d/postgres"):format(PASSWORD,
        server.port)))
      db:close()
    end)
  end)

  it("says nothing on the terminal of what the server remarks", function()
    local script = support.file("notice.lua", ([[
      local db = assert(require("luaprov.postgres").open(%q))
      assert(db:query "DO $$ BEGIN RAISE WARNING 'look'; END $$")
      print "done"
    ]]):format(server.url))
    local output = place.done(("LD_PRELOAD=\"$preload\" LUA_PATH=%s LUA_CPATH=%s %s %s"):format(
      place.quote(package.path), place.quote(package.cpath), support.interpreter, script))
    assert.equal("done", output)
  end)
end)
