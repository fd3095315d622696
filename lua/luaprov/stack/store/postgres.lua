--- A state that a team shares: PostgreSQL. The tables stand in the first schema of the connection's search_path.
local errors = require "luaprov.stack.store.errors"
local postgres = require "luaprov.postgres"
local schema = require "luaprov.stack.store.schema"
local secret = require "luaprov.secret"
local transaction = require "luaprov.stack.store.transaction"

local M = {}

local WORDS = {
  ["{now}"] = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
  ["{text}"] = 'TEXT COLLATE "C"',
  ["{lock}"] = "FOR UPDATE",
}

local function translate(sql) return (sql:gsub("%b{}", WORDS):gsub("%?(%d+)", "$%1")) end

-- PostgreSQL's texts have no NUL. In ours it is \1 and 0, and \1 is \1 and 1; a text without them stays as it is.
local function replace(text, from, to)
  local parts, at = {}, 1
  while true do
    local first, last = text:find(from, at, true)
    if not first then break end
    parts[#parts + 1] = text:sub(at, first - 1)
    at = last + 1
  end
  parts[#parts + 1] = text:sub(at)
  return table.concat(parts, to)
end

local function encode(text)
  if text:find("\1", 1, true) then text = replace(text, "\1", "\0011") end
  if text:find("\0", 1, true) then text = replace(text, "\0", "\0010") end
  return text
end

local function decode(text)
  if not text:find("\1", 1, true) then return text end
  return (text:gsub("\1(.)", { ["0"] = "\0", ["1"] = "\1" }))
end

local KINDS = {
  ["53100"] = "full", ["25006"] = "readonly", ["42501"] = "readonly", ["55P03"] = "busy", ["40001"] = "busy",
  ["40P01"] = "busy", ["58030"] = "io", ["XX001"] = "corrupt", ["XX002"] = "corrupt", ["22021"] = "invalid",
}

-- The connection is gone or could not be made (as the binding has it), or is about to go: the server ends, or begins.
local BROKEN = { ["08001"] = true, ["08006"] = true, ["57P01"] = true, ["57P02"] = true, ["57P03"] = true }

local function error_of(message, code)
  local kind = KINDS[code] or BROKEN[code] and "unavailable" or "failed"
  if message:find("No space left on device", 1, true) or message:find("File too large", 1, true) then kind = "full" end
  return errors.new(kind, ("PostgreSQL: %s (%s)"):format(message, code)), BROKEN[code] or false
end

-- What every connection of ours is set to. A commit that is told to be done is on the disk; nobody waits forever for a
-- process that was stopped in a transaction, nor does ours keep others waiting.
local function settings(busy)
  local milliseconds = ("%d"):format(math.max(1, math.floor(busy * 1000)))
  return {
    "SET lock_timeout TO " .. milliseconds,
    "SET idle_in_transaction_session_timeout TO 60000",
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
  }
end

local function connect(url, busy)
  local text, why = url, nil
  if secret.is(url) then text, why = url:reveal() end
  if not text then return nil, errors.new("unavailable", "PostgreSQL: the URL cannot be opened: " .. why) end
  local handle, message, code = postgres.open(text)
  if not handle then return nil, (error_of(message, code)) end
  for _, sql in ipairs(settings(busy)) do
    local ok
    ok, message, code = handle:query(sql)
    if not ok then
      handle:close()
      return nil, (error_of(message, code))
    end
  end
  return handle
end

-- Not to_regclass: it may answer from before the lock that was waited for.
local TABLES = "SELECT COUNT(*) AS known FROM pg_catalog.pg_class WHERE relname = 'luaprov_meta' "
  .. "AND pg_catalog.pg_table_is_visible(oid)"

--- @param url string|luaprov.Secret
--- @param options table create, busy, pause, patience: see store.open
--- @return luaprov.Database|nil
--- @return luaprov.StoreError|nil
function M.open(url, options)
  -- Only in the function: whoever prints a store finds no URL in it.
  local db, err = transaction.new {
    open = function() return connect(url, options.busy) end,
    translate = translate, encode = encode, decode = decode, error = error_of, pause = options.pause,
    patience = options.patience,
  }
  if not db then return nil, err end
  local ok, known
  known, err = db:transaction("read", function() return db:query(TABLES)[1].known end)
  if known == 0 then
    if options.create then
      -- Two that find nothing at once make it one after the other.
      ok, err = schema.make(db, function()
        db:query("SELECT pg_advisory_xact_lock(7815265, 1)")
        return db:query(TABLES)[1].known == 1
      end)
    else
      err = errors.new("missing", "PostgreSQL: there is no state in this database")
    end
  elseif known then
    ok = true
  end
  if ok then ok, err = schema.check(db, "PostgreSQL") end
  if ok then return db end
  db:close()
  return nil, err
end

return M
