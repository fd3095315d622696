--- A state in a file: SQLite, with a log beside the file so that who reads keeps nobody from writing.
local digest = require "luaprov.digest"
local errors = require "luaprov.stack.store.errors"
local schema = require "luaprov.stack.store.schema"
local sqlite = require "luaprov.sqlite"
local transaction = require "luaprov.stack.store.transaction"

local M = {}

local WORDS = {
  ["{now}"] = "CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)",
  ["{text}"] = "TEXT",
  ["{lock}"] = "",
}

local function translate(sql) return (sql:gsub("%b{}", WORDS)) end

local KINDS = {
  BUSY = "busy", LOCKED = "busy", FULL = "full", IOERR = "io", READONLY = "readonly", CORRUPT = "corrupt",
  NOTADB = "foreign", CANTOPEN = "unavailable",
}

local SAID = {
  busy = "another process is writing to it, and was not waited for any longer",
  foreign = "it is no SQLite database, and so no state of luaprov's; it is left as it is",
  readonly = "the file, or its folder, may not be written by whoever runs this",
  corrupt = "the file is damaged, or was cut off; it is left as it is. Put a copy of it in its place",
}

local function error_of(path)
  return function(message, code)
    local kind = KINDS[code] or "failed"
    -- A limit on the size of files is a disk that is full for one file.
    if kind == "io" and (message:find("File too large", 1, true) or message:find("No space left", 1, true)
        or message:find("quota exceeded", 1, true)) then
      kind = "full"
    end
    return errors.new(kind, ("%s: %s (%s)"):format(path, SAID[kind] or message, SAID[kind] and message or code)), false
  end
end

local NEW = ".new-" -- the name of a state that is being made goes on so

-- SQLite takes a file for whole whose last page is not. It writes whole ones; but where a full disk kept it from that,
-- the page is in the log.
local function is_cut(db, path)
  local page = db:query("PRAGMA page_size")[1].page_size
  return (sqlite.size(path) or 0) % page ~= 0 and (sqlite.size(path .. "-wal") or 0) == 0
end

-- A file, with what `error_of` makes of an error.
local function connect(path, create, busy, fail)
  local handle, message, code = sqlite.open(path, create, busy)
  if not handle then return nil, (fail(message, code)) end
  return handle
end

-- A log that is not there, or has nothing, keeps nothing from whoever reads the file alone.
local function is_whole(path) return (sqlite.size(path .. "-wal") or 0) == 0 end

-- Where nothing may be written, a state can be read that nobody writes: SQLite makes files beside it otherwise.
local function connect_frozen(path, fail)
  if not is_whole(path) then return nil, (fail("its log cannot be read without writing beside it", "READONLY")) end
  local name = path:gsub("[^%w/._-]", function(byte) return ("%%%02X"):format(byte:byte()) end)
  return connect("file:" .. name .. "?immutable=1", "read", 0, fail)
end

-- What is read there counts only if nobody began to write meanwhile.
local function freeze(db, path)
  local transaction_of = db.transaction
  function db:transaction(mode, work)
    local result, err = transaction_of(self, mode, work)
    if err or is_whole(path) then return result, err end
    return nil, errors.new("busy", path .. ": somebody has begun to write to it: try again")
  end
end

local UNFINISHED = 10 -- seconds after which whoever was making a state does so no more

-- A state is made whole under another name: one that is empty was cut off, and was not just begun.
local function make(path, fields)
  local folder = path:match("^(.*)/[^/]*$")
  if folder and folder ~= "" then
    local ok, why = sqlite.make_folder(folder)
    if not ok then return nil, errors.new("unavailable", ("%s: the folder cannot be made: %s"):format(folder, why)) end
  end
  local name = path .. NEW .. digest.random(8)
  local function away()
    for _, tail in ipairs { "", "-wal", "-shm", "-journal" } do os.remove(name .. tail) end
  end
  fields.open = function() return connect(name, true, fields.busy, fields.error) end
  local db, err = transaction.new(fields)
  local made
  if db then
    local logged, message, code = db.handle:query("PRAGMA journal_mode = WAL")
    if logged then made, err = schema.make(db) else err = fields.error(message, code) end
    db:close()
  end
  if not made then
    away()
    return nil, err
  end
  local ok, message, code = sqlite.publish(name, path)
  away()
  -- Somebody else was first: theirs is as good.
  if ok or code == "EEXIST" then return true end
  return nil, errors.new("unavailable", ("%s: it cannot be made: %s"):format(path, message))
end

local TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'luaprov_meta'"

-- A database that is a state, or why it is none.
local function opened(fields, path)
  local db, err = transaction.new(fields)
  if not db then return nil, err end
  local ok
  ok, err = db:transaction("read", function()
    if #db:query(TABLES) == 0 then
      error(errors.new("foreign", path .. ": it is a database, but no state of luaprov's; it is left as it is"), 0)
    end
    if is_cut(db, path) then error((fields.error("", "CORRUPT")), 0) end
    return true
  end)
  if ok then ok, err = schema.check(db, path) end
  if ok then return db end
  db:close()
  return nil, err
end

--- @param path string
--- @param options table create, busy, pause, patience: see store.open
--- @return luaprov.Database|nil
--- @return luaprov.StoreError|nil
function M.open(path, options)
  local fail = error_of(path)
  local function fields()
    return {
      translate = translate, error = fail, pause = options.pause,
      patience = options.patience, busy = options.busy,
    }
  end
  local size, why, code = sqlite.size(path)
  if not size and code ~= "ENOENT" then
    return nil, errors.new("unavailable", path .. ": " .. why)
  elseif not size then
    if not options.create then return nil, errors.new("missing", path .. ": there is no state") end
    local ok, err = make(path, fields())
    if not ok then return nil, err end
  elseif size == 0 then
    return nil, errors.new("corrupt", path .. ": the file is empty: it was cut off, or is no state. Put a copy of it "
      .. "in its place, or remove it where there was no state")
  end
  if options.create then sqlite.sweep(path .. NEW, UNFINISHED) end
  local given = fields()
  given.open = function() return connect(path, false, options.busy, fail) end
  local db, err = opened(given, path)
  if db or err.kind ~= "readonly" and err.kind ~= "unavailable" then return db, err end
  given = fields()
  given.open = function() return connect_frozen(path, fail) end
  local frozen, refused = opened(given, path)
  if not frozen then return nil, is_whole(path) and err or refused end
  freeze(frozen, path)
  return frozen
end

return M
