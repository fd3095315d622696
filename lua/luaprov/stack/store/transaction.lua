--- Transactions over a connection to either database: all of it or nothing, however it ends.
---
--- A connection that breaks is made anew, and the transaction is run again: what may have been committed then is
--- committed twice, so whatever runs in one must be able to.
local core = require "luaprov.core"
local errors = require "luaprov.stack.store.errors"

local M = {}
M.__index = M

local FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1 -- seconds between tries to connect

---@class luaprov.Database
---@field handle userdata|nil luaprov.sqlite or luaprov.postgres; nil while the connection is broken
---@field open fun(): userdata|nil, luaprov.StoreError|nil a connection
---@field translate fun(sql: string): string
---@field encode (fun(text: string): string)|nil
---@field decode (fun(text: string): string)|nil
---@field error fun(message: string, code: string): luaprov.StoreError, boolean and whether the connection is broken
---@field pause fun(seconds: number)
---@field patience number seconds to try to connect again
---@field repeated boolean whether this transaction was run before, and may have been committed then

--- @param fields table all of a luaprov.Database but handle
--- @return luaprov.Database|nil
--- @return luaprov.StoreError|nil
function M.new(fields)
  local self = setmetatable(fields, M)
  self.statements = {}
  local err
  self.handle, err = self.open()
  if not self.handle then return nil, err end
  return self
end

local BROKEN = {} -- what a transaction ends with whose connection broke

local function refuse(self, message, code)
  local err, broken = self.error(message, code)
  if not broken then error(err, 0) end
  self.handle:close()
  self.handle = nil
  self.why = err
  error(BROKEN, 0)
end

-- Without patterns: LuaJIT has none with a NUL in them.
local function each_text(fn, ...)
  local count, values = select("#", ...), { ... }
  for i = 1, count do
    if type(values[i]) == "string" then values[i] = fn(values[i]) end
  end
  return values, count
end

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

local function translated(self, sql)
  local text = self.translate(sql)
  self.statements[sql] = text
  return text
end

--- One statement, within a transaction; what is refused there ends the transaction.
--- @param sql string its parameters are ?1, ?2 …; {now} is the database's time (milliseconds since 1970), {lock} keeps
---   the rows that were selected from other writers, {text} is the type of a text
--- @return table[] rows { column = value } each
--- @return integer changed
function M:query(sql, ...)
  local text = self.statements[sql] or translated(self, sql)
  if not self.encode then
    local rows, changed, code = self.handle:query(text, ...)
    if not rows then refuse(self, changed, code) end
    return rows, changed
  end
  local values, count = each_text(self.encode, ...)
  local rows, changed, code = self.handle:query(text, unpack(values, 1, count))
  if not rows then refuse(self, changed, code) end
  for _, row in ipairs(rows) do
    for name, value in pairs(row) do
      if type(value) == "string" then row[name] = self.decode(value) end
    end
  end
  return rows, changed
end

--- The same for a statement without rows, whose parameters are in a list.
--- @param sql string
--- @param values table
--- @param count integer how many there are
--- @return integer changed
function M:put(sql, values, count)
  local handle = self.handle
  if self.encode or not handle.put then
    local _, changed = self:query(sql, unpack(values, 1, count))
    return changed
  end
  local changed, message, code = handle:put(self.statements[sql] or translated(self, sql), values)
  if not changed then refuse(self, message, code) end
  return changed
end

local function run(self, mode, work)
  local ok, message, code = self.handle:begin(mode)
  if not ok then refuse(self, message, code) end
  local result = work(self)
  ok, message, code = self.handle:commit()
  if not ok then refuse(self, message, code) end
  return result
end

local function connect_again(self, ends)
  local pause = FIRST_PAUSE
  while true do
    local handle, err = self.open()
    self.handle = handle
    if handle then return true end
    self.why = err
    if core.now() + pause > ends then return nil, err end
    self.pause(pause)
    pause = math.min(pause * 2, LONGEST_PAUSE)
  end
end

--- Runs `work(db)` in a transaction. An error of a store that it raises rolls back and is returned; any other goes on.
--- @param mode string "write", or "read": one moment throughout
--- @param work function db -> result
--- @return any result nil when it failed
--- @return luaprov.StoreError|nil err
function M:transaction(mode, work)
  if self.closed then error("this store is closed", 3) end
  local ends = core.now() + self.patience
  self.repeated = false
  while true do
    if not self.handle then
      local connected, why = connect_again(self, ends)
      if not connected then return nil, why end
    end
    local ok, result = pcall(run, self, mode, work)
    if ok then return result end
    if self.handle then self.handle:rollback() end
    if result ~= BROKEN then
      if not errors.is(result) then error(result, 0) end
      return nil, result
    end
    if core.now() >= ends then return nil, self.why end
    self.repeated = true
  end
end

function M:close()
  self.closed = true
  if self.handle then self.handle:close() end
  self.handle = nil
end

return M
