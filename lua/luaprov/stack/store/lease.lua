--- The lease: who may write. Its times are the database's, so that two machines need not have the same clock.
---
--- Each holder has a number, the fence, that is higher than all before. A write of whoever has lost the lease fails for
--- it: one that was stopped and goes on later cannot know that its time is over.
local core = require "luaprov.core"
local digest = require "luaprov.digest"
local errors = require "luaprov.stack.store.errors"
local rows = require "luaprov.stack.store.rows"

local M = {}

local FIRST_LOOK, LONGEST_LOOK = 0.05, 1 -- seconds between looks at a lease that somebody else has

---@class luaprov.Lease
---@field fence integer
---@field holder string
---@field since number seconds since 1970, of the database
---@field ends number seconds of core.now(): nothing that is sent may be answered later than this
---@field lost luaprov.StoreError|nil somebody else has it
local Lease = {}
Lease.__index = Lease

local LOOK = "SELECT fence, token, holder, since, ends, {now} AS now FROM luaprov_lease WHERE name = 'apply' {lock}"

local TAKE = "UPDATE luaprov_lease SET fence = ?1, token = ?2, holder = ?3, since = {now}, "
  .. "ends = {now} + CAST(?4 AS BIGINT) WHERE name = 'apply'"

local RENEW = "UPDATE luaprov_lease SET ends = {now} + CAST(?2 AS BIGINT) WHERE name = 'apply' AND fence = ?1"

-- The row stays, with whose it was.
local RELEASE = "UPDATE luaprov_lease SET token = NULL, ends = {now} WHERE name = 'apply' AND fence = ?1 "
  .. "AND token IS NOT NULL"

local function row_of(db)
  local row = db:query(LOOK)[1]
  if not row then error(errors.new("corrupt", "the state has no lease: its tables were changed"), 0) end
  return row
end

local function is_held(row) return row.token ~= nil and row.ends ~= nil and row.ends > row.now end

local function about(row)
  return {
    holder = row.holder, since = row.since and row.since / 1000, ends = row.ends and row.ends / 1000,
    left = is_held(row) and (row.ends - row.now) / 1000 or 0, fence = row.fence,
  }
end

local function time(seconds) return os.date("!%Y-%m-%d %H:%M:%S UTC", math.floor(seconds)) end

local function held_error(row)
  local holder = about(row)
  return errors.new("held", ("%s has the state since %s, until %s unless it goes on"):format(holder.holder,
    time(holder.since), time(holder.ends)), holder)
end

local function lost_error(row)
  local holder = about(row)
  return errors.new("lost", ("the lease of the state is lost: %s has it since %s"):format(tostring(holder.holder),
    time(holder.since or 0)), holder)
end

--- Who has the lease, or had it last.
--- @param db luaprov.Database
--- @return table|nil { holder, since, ends, left, fence }; left is 0 where nobody has it
--- @return luaprov.StoreError|nil err
function M.look(db)
  return db:transaction("read", function()
    -- Nothing is to be kept from anybody here, and a transaction that reads could not.
    return about(db:query((LOOK:gsub(" {lock}", "")))[1])
  end)
end

local function take(db, options, token)
  local asked = core.now()
  local lease, err = db:transaction("write", function()
    local row = row_of(db)
    -- Whose token is ours was taken by us, and the answer got lost.
    if is_held(row) and row.token ~= token then error(held_error(row), 0) end
    if row.token ~= token then
      db:query(TAKE, row.fence + 1, token, options.holder, math.floor(options.seconds * 1000))
      row = row_of(db)
    end
    return setmetatable({
      db = db, fence = row.fence, holder = row.holder, since = row.since / 1000, seconds = options.seconds,
      ends = asked + options.seconds, number = 0, prefix = ("%d-"):format(row.fence),
    }, Lease)
  end)
  return lease, err
end

--- Takes the lease, or says who has it.
--- @param db luaprov.Database
--- @param options table holder, seconds, wait (seconds to wait for somebody else), on_wait (called with the error
---   before each look)
--- @return luaprov.Lease|nil
--- @return luaprov.StoreError|nil
function M.take(db, options)
  local fault = rows.text_fault(options.holder)
  if fault then error("the lease's holder " .. fault, 3) end
  if type(options.seconds) ~= "number" or not (options.seconds >= 0.001 and options.seconds <= 86400) then
    error("the lease's seconds are not from 0.001 to 86400", 3)
  end
  local token, ends, pause = digest.random(16), core.now() + (options.wait or 0), FIRST_LOOK
  while true do
    local lease, err = take(db, options, token)
    if lease then return lease end
    local left = ends - core.now()
    if err.kind ~= "held" or left <= 0 then return nil, err end
    if options.on_wait then options.on_wait(err) end
    db.pause(math.min(err.left + 0.001, pause, left))
    pause = math.min(pause * 2, LONGEST_LOOK)
  end
end

--- Within a transaction: ends it unless the lease is still ours.
function Lease:check()
  local row = row_of(self.db)
  if row.fence == self.fence then return end
  self.lost = lost_error(row)
  error(self.lost, 0)
end

-- Within a transaction of its own, what only the holder may do.
local function change(self, work)
  if self.lost then return nil, self.lost end
  return self.db:transaction("write", function(db)
    self:check()
    work(db)
    return true
  end)
end

--- Makes it last from now on.
--- @param seconds number|nil as when it was taken
--- @return boolean|nil done
--- @return luaprov.StoreError|nil err
function Lease:renew(seconds)
  seconds = seconds or self.seconds
  local asked = core.now()
  local ok, err = change(self, function(db) db:query(RENEW, self.fence, math.floor(seconds * 1000)) end)
  if ok then self.ends = asked + seconds end
  return ok, err
end

--- Gives it back: whoever waits has it at once, or when nothing that is on its way can be acted on any more.
--- @param at number|nil seconds of core.now(): until when that may be
--- @return boolean|nil done
--- @return luaprov.StoreError|nil err
function Lease:release(at)
  if self.released then return true end
  local left = at and at - core.now() or 0
  if left > 0 then return self:renew(left + 0.01) end
  local ok, err = change(self, function(db) db:query(RELEASE, self.fence) end)
  if ok then self.released = true end
  return ok, err
end

return M
