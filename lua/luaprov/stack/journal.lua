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

local function write_each(self, parts)
  for _, part in ipairs(parts) do
    part.ok, part.err = self.store:commit(part.items)
    if not part.ok and not OWN[part.err.kind] then self.broken = self.broken or part.err end
  end
end

local function write_all(self, batch)
  local all = {}
  for _, part in ipairs(batch.parts) do
    for _, item in ipairs(part.items) do all[#all + 1] = item end
  end
  local ok, err = self.store:commit(all)
  if not ok and OWN[err.kind] then
    write_each(self, batch.parts)
  else
    for _, part in ipairs(batch.parts) do part.ok, part.err = ok, err end
    if not ok then self.broken = self.broken or err end
  end
end

local function write(self, batch)
  self.batch = nil
  local ok, raised = pcall(write_all, self, batch)
  if not ok then
    -- Nobody is to wait for what does not come.
    self.broken = self.broken or errors.new { kind = "rejected", outcome = "not_sent",
      message = "the state could not be written: " .. tostring(raised) }
    for _, part in ipairs(batch.parts) do
      if part.ok == nil then part.err = part.err or self.broken end
    end
  end
  batch.written = true
  batch.event:set()
end

--- Writes items in one transaction, with those of other tasks; they are on the disk when it returns.
--- @param items table[] as Store:commit takes them
--- @return boolean|nil done
--- @return luaprov.StoreError|luaprov.Error|nil err
function Journal:commit(items)
  if self.broken then return nil, self.broken end
  local batch = self.batch
  if not batch then
    batch = { parts = {}, event = runtime.event() }
    self.batch = batch
    -- Behind all tasks that are ready now.
    runtime.spawn(write, self, batch)
  end
  local part = { items = items }
  batch.parts[#batch.parts + 1] = part
  while not batch.written do
    local ok, why = batch.event:wait()
    if not ok and not batch.written then
      return nil, errors.new { kind = why, outcome = "not_sent", message = why .. " while the state was written" }
    end
  end
  return part.ok, part.err
end

--- What is to be done: nothing is sent before this returns true.
--- @param intent table as Store:commit takes it; gains its id
--- @param items table[]|nil more to write with it
--- @return boolean|nil done
--- @return luaprov.StoreError|luaprov.Error|nil err
function Journal:begin(intent, items)
  intent.id = self.store:next_id()
  local all = { { intent = intent } }
  for _, item in ipairs(items or {}) do all[#all + 1] = item end
  return self:commit(all)
end

--- What came of it.
--- @param intent table
--- @param outcome string done, not_sent, refused, absent, …
--- @param result any
--- @param items table[]|nil what follows from it
--- @return boolean|nil done
--- @return luaprov.StoreError|luaprov.Error|nil err
function Journal:finish(intent, outcome, result, items)
  local all = { { settled = intent.id, outcome = outcome, result = result } }
  for _, item in ipairs(items or {}) do all[#all + 1] = item end
  return self:commit(all)
end

return M
