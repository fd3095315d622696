--- The state and the journal: what exists, what we were about to do, and what came of it. SQLite in a file, or
--- PostgreSQL; this module and the small ones in store/ alone speak SQL.
---
---   local store = assert(store.open ".luaprov/state.db")
---   local lease = assert(store:lease { holder = "ann@build7", seconds = 60 })
---   local id = store:next_id()
---   assert(store:commit { { intent = { id = id, address = "acme.phones.desk", operation = "create", … } } })
---   … the call …
---   assert(store:commit { { settled = id, outcome = "done" }, { record = { address = "acme.phones.desk", … } } })
---
--- Nothing that it keeps shows a secret: fields are written as everything is that is shown.
local batch = require "luaprov.stack.store.batch"
local core = require "luaprov.core"
local errors = require "luaprov.stack.store.errors"
local hashes = require "luaprov.stack.store.hashes"
local json = require "luaprov.json"
local leases = require "luaprov.stack.store.lease"
local rows = require "luaprov.stack.store.rows"
local secret = require "luaprov.secret"

local M = {}

---@class luaprov.Store
local Store = {}
Store.__index = Store
Store.__name = "luaprov.store"
function Store.__tostring(self) return self.db.closed and "luaprov.store: closed" or "luaprov.store: open" end

local PAGE = 1000 -- rows that are read at once

local function is_url(place)
  if secret.is(place) then return true end
  return place:find("^[Pp]ostgres://") ~= nil or place:find("^[Pp]ostgresql://") ~= nil
end

--- Opens a state, or makes it where there is none.
--- @param place string|luaprov.Secret the path of a file; or a URL of PostgreSQL, which a secret always is
--- @param options table|nil create (false: a state that is missing is an error), busy (10 seconds to wait for another
---   writer), patience (30 seconds to wait for PostgreSQL when the connection breaks), pause (a function that waits
---   seconds)
--- @return luaprov.Store|nil
--- @return luaprov.StoreError|nil
function M.open(place, options)
  options = options or {}
  if not secret.is(place) and (type(place) ~= "string" or place == "" or place:find("\0", 1, true)) then
    error("a state's place is the path of a file or a URL of PostgreSQL", 2)
  end
  local driver = is_url(place) and "postgres" or "sqlite"
  local found, opener = pcall(require, "luaprov.stack.store." .. driver)
  if not found then
    -- A module of C that this installation was built without, or whose library is missing.
    return nil, errors.new("unavailable", ("this luaprov has no %s: %s"):format(driver, tostring(opener)))
  end
  local db, err = opener.open(place, {
    create = options.create ~= false, busy = options.busy or 10, patience = options.patience or 30,
    pause = options.pause or core.pause,
  })
  if not db then return nil, err end
  return setmetatable({ db = db }, Store)
end

--- Ends it; the lease stays until its time is over, unless it was released.
function Store:close() self.db:close() end

-- ---- who may write ----

--- Takes the lease, which every write needs.
--- @param options table holder (a text for whoever waits), seconds, wait (seconds to wait for somebody else; 0),
---   on_wait (called with the error before each look)
--- @return luaprov.Lease|nil lease fence, holder, since, ends; `lease:renew([seconds])`, `lease:release()`
--- @return luaprov.StoreError|nil err kind "held" says who has it
function Store:lease(options)
  if self.held and not self.held.released and not self.held.lost then error("this store has the lease", 2) end
  local lease, err = leases.take(self.db, options)
  self.held = lease or self.held
  return lease, err
end

--- Who has the lease, or had it last.
--- @return table|nil about holder, since, ends (seconds since 1970), left (seconds; 0: nobody has it), fence
--- @return luaprov.StoreError|nil err
function Store:holder() return leases.look(self.db) end

local function lease_of(self)
  if not self.held or self.held.released then error("a store is written with its lease", 3) end
  return self.held
end

--- A name for an intent, which no other ever has; later ones are later in the journal.
--- @return string
function Store:next_id()
  local lease = lease_of(self)
  lease.number = lease.number + 1
  return lease.prefix .. lease.number
end

-- ---- writing ----

local OPEN_OF = "SELECT id FROM luaprov_intents WHERE state = 'open' AND address = ?1"

local function write(self, steps, values, before)
  local lease = lease_of(self)
  if lease.lost then return nil, lease.lost end
  return self.db:transaction("write", function(db)
    lease:check()
    if before then before(db) end
    for i = 1, #steps do steps[i](db, values[i]) end
    return true
  end)
end

--- Writes all of a batch or nothing of it, in one transaction: it is on the disk when this returns. It may be committed
--- again, after an error and after none, and is there once.
--- @param items table[] in their order, each one of
---   { intent = { id, address, provider, resource, operation, record_id, base_url, account, key, parents, fields, hash,
---       noted, within } }: about to be done; `noted` are the ids that have the key already, `within` the seconds in
---       which it can be acted on, and no more than the lease has left
---   { settled = id, outcome = text, result = any }: what came of it
---   { record = { address, provider, resource, id, base_url, account, key, parents, fields, secrets, depends_on,
---       protect } }
---   { remove = address }, { move = address, to = address }
--- @return boolean|nil done
--- @return luaprov.StoreError|nil err
function Store:commit(items)
  local steps, values, lease = {}, {}, lease_of(self)
  for i = 1, #items do
    local step, found = batch.step(items[i], lease)
    if not step then
      found.item = i
      return nil, found
    end
    steps[i], values[i] = step, found
  end
  return write(self, steps, values)
end

-- What is open must be settled under the name that it has.
local function refuse_open(db, address)
  local open = db:query(OPEN_OF, address)[1]
  if open then
    error(errors.new("open", ("%s has an open intent (%s), which the next apply settles"):format(address, open.id)), 0)
  end
end

--- Gives a record another address.
--- @return boolean|nil done
--- @return luaprov.StoreError|nil err kind "missing", "exists", "open"
function Store:move(from, to)
  local step, values = batch.step({ move = from, to = to }, lease_of(self))
  if not step then return nil, values end
  return write(self, { step }, { values }, function(db) refuse_open(db, from) refuse_open(db, to) end)
end

--- Forgets a record; at the vendor it stays as it is.
--- @return boolean|nil done
--- @return luaprov.StoreError|nil err kind "missing", "open"
function Store:remove(address)
  local step, values = batch.step({ remove = address }, lease_of(self))
  if not step then return nil, values end
  return write(self, { step }, { values }, function(db)
    refuse_open(db, address)
    if #db:query(batch.KNOWN, address) == 0 and not db.repeated then
      error(errors.new("missing", "the state has no record " .. address), 0)
    end
  end)
end

local PRUNE = "DELETE FROM luaprov_intents WHERE state = 'settled' AND settled < {now} - CAST(?1 AS BIGINT)"

--- Shortens the journal by what was settled long ago.
--- @param seconds number
--- @return boolean|nil done
--- @return luaprov.StoreError|nil err
function Store:prune(seconds)
  return write(self, { function(db) db:query(PRUNE, math.floor(seconds * 1000)) end }, {})
end

-- ---- reading ----

local TEXTS = { fields = true, secrets = true }

local function read_record(row, as_texts)
  rows.read(rows.record, row, as_texts and TEXTS or nil)
  row.created, row.updated = row.created / 1000, row.updated / 1000
  return row
end

local function read_intent(row)
  rows.read(rows.intent, row)
  if row.result then row.result = json.decode(row.result) end
  row.left = row.deadline and (row.deadline - row.now) / 1000
  for _, name in ipairs { "deadline", "written", "settled" } do row[name] = row[name] and row[name] / 1000 end
  row.now = nil
  return row
end

local RECORD = ("SELECT %s, created, updated FROM luaprov_records"):format((rows.sql(rows.record, 1)))
local INTENT = ("SELECT fence, number, state, deadline, outcome, result, written, settled, {now} AS now, %s "
  .. "FROM luaprov_intents"):format((rows.sql(rows.intent, 1)))

local ONE = RECORD .. " WHERE address = ?1"
local INTENT_NAMED = INTENT .. " WHERE id = ?1"
local INTENTS_OPEN = INTENT .. " WHERE state = 'open' ORDER BY fence, number"
local NEXT = RECORD .. " WHERE address > ?1 ORDER BY address LIMIT " .. PAGE

--- All records, of one moment, in the order of their addresses' bytes.
--- @param as_texts boolean|nil fields and secrets stay texts of JSON, for many rows at once: see stack/rows.lua
--- @return table[]|nil records as they were committed, with created and updated (seconds since 1970)
--- @return luaprov.StoreError|nil err
function Store:records(as_texts)
  return self.db:transaction("read", function(db)
    local all, after = {}, ""
    repeat
      local page = db:query(NEXT, after)
      for _, row in ipairs(page) do
        all[#all + 1] = read_record(row, as_texts)
        after = row.address
      end
    until #page < PAGE
    return all
  end)
end

local function one(self, sql, name, read)
  local found, err = self.db:transaction("read", function(db)
    local row = db:query(sql, name)[1]
    return row and read(row) or false
  end)
  return found or nil, err
end

--- @param address string
--- @return table|nil record nil and no error: there is none
--- @return luaprov.StoreError|nil err
function Store:record(address)
  return one(self, ONE, address, read_record)
end

--- What was begun and has no end, in the order in which it was begun.
--- @return table[]|nil intents as they were committed, with fence, number, written, deadline (seconds since 1970)
---   and left (seconds until the deadline, by the database's time; negative: it is over)
--- @return luaprov.StoreError|nil err
function Store:open_intents()
  return self.db:transaction("read", function(db)
    local found = db:query(INTENTS_OPEN)
    for _, row in ipairs(found) do read_intent(row) end
    return found
  end)
end

--- @param id string
--- @return table|nil intent with state ("open" or "settled"), outcome, result and settled too; nil and no error:
---   there is none
--- @return luaprov.StoreError|nil err
function Store:intent(id)
  return one(self, INTENT_NAMED, id, read_intent)
end

-- ---- what is kept of a secret ----

--- The same for the same text, in this state: for accounts, and for what was sent.
--- @param value string|luaprov.Secret
--- @return string
function Store:hash(value) return hashes.hash(self.db.salt, value) end

return M
