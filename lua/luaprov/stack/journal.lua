--- What we are about to do is on the disk before it is done, and what came of it before anything follows from it.
---
--- All that tasks have for the disk in one turn of the loop is committed together: they share its price.
local errors = require "luaprov.errors"
local runtime = require "luaprov.runtime"

local M = {}

---@class luaprov.Journal
local Journal = {}
Journal.__index = Journal

--- @param store luaprov.Store whose lease is held
--- @return luaprov.Journal journal `broken`: why nothing can be written any more
function M.new(store) return setmetatable({ store = store }, Journal) end

-- Errors of one item: the others of its batch are not to suffer from it.
local OWN = { invalid = true, missing = true, exists = true, short = true }

-- Each task's items alone: batch.starts has where they begin.
local function write_each(self, batch)
  local items, starts = batch.items, batch.starts
  for i, start in ipairs(starts) do
    local own = {}
    for at = start, (starts[i + 1] or #items + 1) - 1 do own[#own + 1] = items[at] end
    local ok, err = self.store:commit(own)
    batch.errors[start] = not ok and err or false
    if not ok and not OWN[err.kind] then self.broken = self.broken or err end
  end
end

local function write_all(self, batch)
  local ok, err = self.store:commit(batch.items)
  if ok then return end
  batch.err = err
  if not OWN[err.kind] then
    self.broken = self.broken or err
  elseif batch.starts[2] then
    batch.errors = {}
    write_each(self, batch)
  end
end

-- What became of a task's items.
local function result_of(batch, start)
  local err = batch.err
  if err and batch.errors and batch.errors[start] ~= nil then err = batch.errors[start] end
  if err then return nil, err end
  return true
end

local function write(self, batch)
  self.batch = nil
  local ok, raised = pcall(write_all, self, batch)
  if not ok then
    -- Nobody is to wait for what does not come.
    self.broken = self.broken or errors.new { kind = "rejected", outcome = "not_sent",
      message = "the state could not be written: " .. tostring(raised) }
    batch.err = self.broken
  end
  batch.written = true
  batch.event:set()
  for i = 1, #batch.later, 2 do
    local fn, what = batch.later[i], batch.later[i + 1]
    fn(what, result_of(batch, what.start))
  end
end

-- Adds items to what is written next; returns where they begin.
local function add(self, first, more)
  local batch = self.batch
  if not batch then
    batch = { items = {}, starts = {}, later = {}, event = runtime.event() }
    self.batch = batch
    -- Behind all tasks that are ready now.
    runtime.spawn(write, self, batch)
  end
  local items, starts = batch.items, batch.starts
  local start = #items + 1
  starts[#starts + 1] = start
  if first then items[start] = first end
  for i = 1, more and #more or 0 do items[#items + 1] = more[i] end
  return batch, start
end

local function commit(self, first, more)
  if self.broken then return nil, self.broken end
  local batch, start = add(self, first, more)
  while not batch.written do
    local ok, why = batch.event:wait()
    if not ok and not batch.written then
      return nil, errors.new { kind = why, outcome = "not_sent", message = why .. " while the state was written" }
    end
  end
  return result_of(batch, start)
end

--- Writes items in one transaction, with those of other tasks; they are on the disk when it returns.
--- @param items table[] as Store:commit takes them
--- @return boolean|nil done
--- @return luaprov.StoreError|luaprov.Error|nil err
function Journal:commit(items) return commit(self, nil, items) end

--- What is to be done: nothing is sent before this returns true.
--- @param intent table as Store:commit takes it; gains its id
--- @param items table[]|nil more to write with it
--- @return boolean|nil done
--- @return luaprov.StoreError|luaprov.Error|nil err
function Journal:begin(intent, items)
  intent.id = self.store:next_id()
  return commit(self, { intent = intent }, items)
end

--- What came of it.
--- @param intent table
--- @param outcome string done, not_sent, refused, absent, …
--- @param result any
--- @param items table[]|nil what follows from it
--- @return boolean|nil done
--- @return luaprov.StoreError|luaprov.Error|nil err
function Journal:finish(intent, outcome, result, items)
  return commit(self, { settled = intent.id, outcome = outcome, result = result }, items)
end

--- The same for whoever does not wait for it.
--- @param fn function called with `what`, and then as `finish` returns, when it is written or cannot be
--- @param what table gains `start`
function Journal:finish_later(intent, outcome, result, items, fn, what)
  if self.broken then return fn(what, nil, self.broken) end
  local batch, start = add(self, { settled = intent.id, outcome = outcome, result = result }, items)
  local later = batch.later
  what.start = start
  later[#later + 1] = fn
  later[#later + 1] = what
end

return M
