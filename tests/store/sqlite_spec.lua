-- A state in a file: what the file may be, and where it may lie.
local place = require "tests.packages.place"
local stores = require "luaprov.stack.store"
local support = require "tests.support"

local quote = place.quote

local function fails(kind, value, err)
  assert.is_nil(value)
  assert.equal(kind, err and err.kind, tostring(err))
  return err.message
end

local function write(path, bytes)
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
end

local function record(number, bytes)
  return { record = { address = ("a.b.%06d"):format(number), provider = "a", resource = "b", id = number,
    fields = { text = ("x"):rep(bytes or 10) } } }
end

-- A state with some records, closed.
local function made(count)
  local path = support.folder() .. "/state.db"
  local store = assert(stores.open(path))
  local lease = assert(store:lease { holder = "ann", seconds = 60 })
  for i = 1, count or 20 do assert(store:commit { record(i, 1000) }) end
  assert(lease:release())
  store:close()
  return path
end

describe("the file of a state", function()
  teardown(support.clean)

  it("is made anew after a kill in the midst of that, and what that left goes", function()
    local path = support.folder() .. "/state.db"
    local old, young = path .. ".new-0123456789abcdef", path .. ".new-fedcba9876543210"
    local mine = { path .. ".new-0123", path .. ".new-0123456789abcdefg", path .. ".new-backup" }
    for _, name in ipairs { old, old .. "-wal", young, mine[1], mine[2], mine[3] } do write(name, "x") end
    for _, name in ipairs { old, old .. "-wal", mine[1], mine[2], mine[3] } do
      place.done("touch -d '1 minute ago' " .. name)
    end
    assert(stores.open(path)):close()
    for _, name in ipairs { old, old .. "-wal" } do assert.is_nil(io.open(name), name) end
    for _, name in ipairs { young, mine[1], mine[2], mine[3] } do assert.equal("x", support.read(name)) end
  end)

  it("is made with its folder, for its owner alone, and nothing is left beside it", function()
    local folder = support.folder()
    local path = folder .. "/.luaprov/state.db"
    local store = assert(stores.open(path))
    assert.equal("700", place.done("stat -c %a " .. folder .. "/.luaprov"))
    assert.equal("600\n600\n600", place.done("stat -c %a " .. folder .. "/.luaprov/*"))
    store:close()
    assert.equal("state.db", place.done("ls " .. folder .. "/.luaprov"))
    -- One folder is made, and not a way of them.
    fails("unavailable", stores.open(folder .. "/no/such/state.db"))
    fails("unavailable", stores.open(path .. "/state.db"))
  end)

  it("may have any name", function()
    local folder = support.folder()
    for _, name in ipairs { "with blank", "it's", "ü?mode=memory", "file:x", "a%20b", "postgres" } do
      local path = folder .. "/" .. name
      local store = assert(stores.open(path))
      store:close()
      assert.is_truthy(support.read(path):find("^SQLite format 3"))
    end
    for _, nonsense in ipairs { "", "a\0b", 5 } do
      assert.has_error(function() stores.open(nonsense) end)
    end
  end)

  it("is flushed to the disk with every commit", function()
    local store = assert(stores.open(support.folder() .. "/state.db"))
    assert.equal(2, assert(store.db.handle:query "PRAGMA synchronous")[1].synchronous) -- FULL
    assert.equal("wal", assert(store.db.handle:query "PRAGMA journal_mode")[1].journal_mode)
    store:close()
  end)

  it("is one state, however many make it at once", function()
    local backends = require "tests.store.backends"
    local path, running = support.folder() .. "/state.db", {}
    for i = 1, 8 do
      running[i] = backends.begin(([[
        local store = assert(require("luaprov.stack.store").open(%q))
        io.write(store:hash "x")
      ]]):format(path))
    end
    local hashes = {}
    for i, process in ipairs(running) do
      hashes[i] = process:read("*a")
      process:close()
      assert.equal(64, #hashes[i], hashes[i])
      assert.equal(hashes[1], hashes[i])
    end
  end)

  it("is refused when it was cut off, wherever, and left as it is", function()
    local path = made()
    local whole = support.read(path)
    assert.is_true(#whole > 30000 and #whole % 4096 == 0)
    for _, length in ipairs { 1, 15, 50, 99, 100, 1000, 4095, 4096, 8192, #whole / 2, #whole - 4096, #whole - 1 } do
      length = math.floor(length)
      write(path, whole:sub(1, length))
      local store, err = stores.open(path)
      local read
      if store then
        -- Not all of SQLite's pages are read when it is opened.
        read, err = store:records()
        store:close()
      end
      assert.is_true(read == nil, length .. " bytes were taken for a state")
      assert.is_true(err.kind == "corrupt" or err.kind == "foreign", length .. ": " .. tostring(err))
      assert.is_true(whole:sub(1, length) == support.read(path), length .. " bytes were changed")
    end
    write(path, "")
    assert.is_truthy(fails("corrupt", stores.open(path)):find("the file is empty", 1, true))
    assert.equal("", support.read(path))
  end)

  it("is refused when bytes of it are others", function()
    local path = made()
    local whole = support.read(path)
    write(path, whole:sub(1, 4096) .. ("\255"):rep(#whole - 4096))
    local store, err = stores.open(path)
    assert.is_nil(store)
    assert.equal("corrupt", err.kind)
  end)

  it("is refused when it is something else, and left as it is", function()
    local folder = support.folder()
    for i, bytes in ipairs { "return {}", ("no database at all\n"):rep(1000), ("\0"):rep(5000),
      "SQLite format 3\0" .. ("\1"):rep(5000) } do
      local path = folder .. "/foreign" .. i
      write(path, bytes)
      local message = fails("foreign", stores.open(path))
      assert.is_truthy(message:find("it is no SQLite database, and so no state of luaprov's; it is left as it is", 1,
        true), message)
      assert.equal(bytes, support.read(path))
    end
    -- Somebody else's database.
    local path = folder .. "/other.db"
    local db = assert(require("luaprov.sqlite").open(path, true))
    assert(db:query "CREATE TABLE customers (name TEXT)")
    db:close()
    local bytes = support.read(path)
    local message = fails("foreign", stores.open(path))
    assert.is_truthy(message:find("it is a database, but no state of luaprov's", 1, true), message)
    assert.equal(bytes, support.read(path))
    assert.equal("", place.done("ls " .. folder .. " | grep -e -wal -e -shm -e .new || true"))
    fails("unavailable", stores.open(folder))
    fails("unavailable", stores.open "/dev/null/state.db")
  end)

  -- The system forgets all locks of a process on a file when it closes that file, whoever opened it there.
  it("stays locked while it is opened once more, so that nobody else takes away the log", function()
    local path = support.folder() .. "/state.db"
    local store = assert(stores.open(path))
    assert(store:lease { holder = "ann", seconds = 60 })
    assert(store:commit { record(1) })
    local again = assert(stores.open(path))
    again:close()
    local child = ([[
      local store = assert(require("luaprov.stack.store").open(%q))
      io.write(#assert(store:records()))
      store:close()
    ]]):format(path)
    assert.equal("1", support.child(child, {}))
    assert.equal("state.db\nstate.db-shm\nstate.db-wal", place.done("ls $(dirname " .. path .. ")"))
    assert(store:commit { record(2) })
    assert.equal("2", support.child(child, {}))
    store:close()
    assert.equal("2", support.child(child, {}))
  end)

  it("is whole after its writer was killed in the midst", function()
    local path = support.folder() .. "/state.db"
    local pipe = require("tests.store.backends").begin(([[
      local store = assert(require("luaprov.stack.store").open(%q))
      assert(store:lease { holder = "ann", seconds = 0.001 })
      for i = 1, 1e9 do
        assert(store:commit { { record = { address = ("a.b.%%09d"):format(i), provider = "a", resource = "b" } } })
        if i == 1 then print(io.open("/proc/self/stat"):read("*n")) end
        print(i)
        io.stdout:flush()
      end
    ]]):format(path))
    local pid, told = pipe:read("*l"), 0
    for line in pipe:lines() do
      told = tonumber(line) or told -- the shell says that it was killed
      if line == "50" then os.execute("kill -KILL " .. pid) end
    end
    pipe:close()
    local store = assert(stores.open(path))
    local found = #assert(store:records())
    -- What was told is there; what was being written when it came may be.
    assert.is_true(told >= 50 and (found == told or found == told + 1), told .. " were told, " .. found .. " are there")
    assert(store:lease { holder = "bob", seconds = 60, wait = 10 })
    assert(store:commit { record(1) })
    store:close()
  end)
end)

describe("a statement without rows", function()
  local sqlite = require "luaprov.sqlite"
  local db
  before_each(function()
    db = assert(sqlite.open(":memory:", true))
    assert(db:query "CREATE TABLE k (k INTEGER PRIMARY KEY, t, u)")
  end)
  after_each(function() db:close() end)

  local ADD = "INSERT INTO k (k, t, u) VALUES (?1, ?2, ?3)"

  it("takes a list, and says how many it changed", function()
    assert.equal(1, db:put(ADD, { 1, "a\0b", nil }))
    assert.equal(1, db:put(ADD, { 2, nil, true, "more" }))
    assert.equal(2, db:put("UPDATE k SET t = ?1", { { blob = "x" } }))
    assert.equal(0, db:put("DELETE FROM k WHERE k = 3", {}))
    assert.same({ { k = 1, t = "x" }, { k = 2, t = "x", u = 1 } }, db:query "SELECT * FROM k")
  end)

  it("that fails ends its transaction, and leaves the next one as it is", function()
    assert(db:begin "write")
    assert.equal(1, db:put(ADD, { 1 }))
    local changed, _, code = db:put(ADD, { 1 })
    assert.is_nil(changed)
    assert.equal("CONSTRAINT", code)
    assert.equal("ABORT", select(3, db:put(ADD, { 2 })))
    assert.is_nil((db:commit()))
    assert.equal(1, db:put(ADD, { 1, 2 ^ 53 - 1 }))
    assert.same({ { k = 1, t = 2 ^ 53 - 1 } }, db:query "SELECT * FROM k")
  end)

  it("takes nothing else", function()
    assert.has_error(function() db:put("SELECT 1", {}) end)
    assert.has_error(function() db:put(ADD) end)
    assert.has_error(function() db:put(ADD, { print }) end)
    assert.has_error(function() db:put(ADD, { 0 / 0 }) end)
    assert.equal("ERROR", select(3, db:put("no SQL", {})))
    assert.same({}, db:query "SELECT * FROM k")
  end)
end)

describe("a full disk", function()
  teardown(support.clean)

  -- SQLite's own limit stands for the disk: it can be lifted again.
  it("undoes the commit, which works when there is room", function()
    local store = assert(stores.open(support.folder() .. "/state.db"))
    assert(store:lease { holder = "ann", seconds = 60 })
    local pages = assert(store.db.handle:query "PRAGMA page_count")[1].page_count
    assert(store.db.handle:query(("PRAGMA max_page_count = %d"):format(pages + 10)))
    local done = 0
    local function fill() return store:commit { record(2 * done + 1, 2000), record(2 * done + 2, 2000) } end
    local ok, err = fill()
    while ok do
      done = done + 1
      ok, err = fill()
    end
    assert.is_true(done > 2 and done < 100)
    fails("full", nil, err)
    fails("full", store:commit { record(2 * done + 1, 50000), record(2 * done + 2, 2000) })
    assert.equal(2 * done, #assert(store:records()))
    assert(store.db.handle:query "PRAGMA max_page_count = 100000")
    assert(store:commit { record(2 * done + 1, 2000), record(2 * done + 2, 2000) })
    assert.equal(2 * done + 2, #assert(store:records()))
    store:close()
  end)

  -- The system's limit on the size of a file: that needs no root and no mount, and the system's own write fails.
  it("keeps all that was committed before the system wrote no more", function()
    local path = support.folder() .. "/state.db"
    local script = support.file("fill.lua", ([[
      local store = assert(require("luaprov.stack.store").open(%q))
      assert(store:lease { holder = "ann", seconds = 0.001 })
      local done = 0
      while true do
        local ok, err = store:commit { { record = { address = "a.b." .. done, provider = "a", resource = "b",
          fields = { ("x"):rep(5000) } } } }
        if not ok then
          print(done, err.kind, (store:commit { { remove = "a.b.none" }, { record = { address = "a.b.big",
            provider = "a", resource = "b", fields = { ("x"):rep(500000) } } } }), #assert(store:records()), err)
          break
        end
        done = done + 1
      end
    ]]):format(path))
    local limit = "trap '' XFSZ; ulimit -f 1000; "
    local output = place.done((limit .. "LD_PRELOAD=\"$preload\" LUA_PATH=%s LUA_CPATH=%s %s %s"):format(
      quote(package.path), quote(package.cpath), support.interpreter, script))
    local done, kind, ok, found, message = output:match("^(%d+)\t(%w+)\t(%w+)\t(%d+)\t(.*)$")
    assert.equal("full", kind, output)
    assert.is_true(tonumber(done) > 10)
    assert.equal("nil", ok)
    assert.equal(done, found)
    assert.is_truthy(message:find("state.db: ", 1, true), message)
    assert.is_truthy(message:find("File too large", 1, true), message)
    local store = assert(stores.open(path))
    assert.equal(tonumber(done), #assert(store:records()))
    assert(store:lease { holder = "bob", seconds = 60, wait = 10 })
    assert(store:commit { { record = { address = "a.b.after", provider = "a", resource = "b" } } })
    store:close()
  end)
end)

describe("a folder that cannot be written", function()
  teardown(support.clean)

  -- Root may write everywhere, so the store is asked by somebody who is not: with a copy of the modules that everybody
  -- may read, wherever the build folder lies.
  local as_other, modules
  setup(function()
    as_other = ""
    if place.done("id -u") == "0" then as_other = "setpriv --reuid=65534 --regid=65534 --clear-groups " end
    modules = support.folder()
    local version = place.versions[support.interpreter]
    local build = os.getenv("LUAPROV_BUILD") or "build"
    for _, part in ipairs { "lib", "share" } do
      place.done(("cp -r %s/%s/lua/%s %s/%s"):format(quote(build), part, version, modules, part))
    end
    place.done("chmod -R a+rX " .. modules)
  end)

  local function as_somebody_else(text)
    local script = support.file("ask.lua", text)
    place.done(("chmod 755 $(dirname %s) && chmod 644 %s"):format(script, script))
    -- A sanitizer would look into what it may not.
    return place.done(("LD_PRELOAD=\"$preload\" ASAN_OPTIONS=detect_leaks=0 LUA_PATH=%s LUA_CPATH=%s %s%s %s"):format(
      quote(("%s/share/?.lua;%s/share/?/init.lua;;"):format(modules, modules)), quote(modules .. "/lib/?.so;;"),
      as_other, support.interpreter, script))
  end

  it("has no state made in it", function()
    local folder = support.folder()
    place.done("chmod 555 " .. folder)
    for _, path in ipairs { folder .. "/state.db", folder .. "/.luaprov/state.db" } do
      local output = as_somebody_else(([[
        local store, err = require("luaprov.stack.store").open(%q)
        print(store, err.kind, err)
      ]]):format(path))
      assert.is_truthy(output:find("^nil\tunavailable\t" .. folder), output)
      assert.is_truthy(output:find("Permission denied", 1, true) or output:find("unable to open", 1, true), output)
    end
    assert.equal("", place.done("ls -A " .. folder))
  end)

  it("has a state in it that can be read, while nobody writes to it", function()
    local path = made(3)
    place.done(("chmod 444 %s && chmod 555 $(dirname %s)"):format(path, path))
    local text = ([[
      local store, err = require("luaprov.stack.store").open(%q)
      if not store then print(err.kind, err) os.exit() end
      local rows, why = store:records()
      print(rows and #rows, why and why.kind, why)
      %%s
    ]]):format(path)
    assert.matches("^3\tnil\t", as_somebody_else(text:format ""))
    -- Whoever may write begins to, beside a process that has it open.
    assert.matches("^3\tnil\tnil\nnil\tbusy\t[^\n]*try again", as_somebody_else(text:format([[
      package.loaded["luaprov.sqlite"].size = function() return 4096 end
      rows, why = store:records()
      print(rows, why.kind, why)]])))
    local bytes = support.read(path)
    place.done("chmod 755 $(dirname " .. path .. ")")
    write(path .. "-wal", "something")
    place.done(("chmod 444 %s-wal && chmod 555 $(dirname %s)"):format(path, path))
    assert.matches("^readonly\t.*its log cannot be read without writing beside it", as_somebody_else(text:format ""))
    assert.equal(bytes, support.read(path))
  end)

  it("has a state in it that is not written, and left as it is", function()
    local path = made(3)
    local bytes = support.read(path)
    place.done(("chmod 444 %s && chmod 555 $(dirname %s)"):format(path, path))
    local output = as_somebody_else(([[
      local store, err = require("luaprov.stack.store").open(%q)
      local lease
      if store then lease, err = store:lease { holder = "x", seconds = 5 } end
      print(lease, err.kind, err)
    ]]):format(path))
    assert.is_truthy(output:find("^nil\treadonly\t") or output:find("^nil\tunavailable\t"), output)
    assert.equal(bytes, support.read(path))
  end)
end)
