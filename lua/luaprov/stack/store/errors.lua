--- What a store returns as `nil, err`.
local M = {}

--- Every `err.kind`.
---   held          another apply has the lease: `holder`, `since` and `ends` (seconds since 1970), `left` (seconds)
---   lost          the lease went to somebody else; the same fields
---   busy          another process wrote for longer than we wait
---   full          the disk is
---   io            the disk failed
---   readonly      the state cannot be written
---   corrupt       the file is damaged; `address`: only the row of this one
---   foreign       it is no state of luaprov's
---   newer         it is one of a newer luaprov's
---   unavailable   it cannot be reached, or opened
---   missing       there is nothing of that name
---   exists        there is something of that name
---   open          an intent of that address is open
---   short         the lease ends before what is to be begun: it is to be renewed first
---   invalid       what is to be kept cannot be
---   failed        anything else that the database refused
---
--- After `io` and `unavailable` a commit may have been done; the same batch can be committed again.
---@class luaprov.StoreError
---@field kind string
---@field message string
---@field item integer|nil of `invalid` and `short`: which of the batch
local mt = { __name = "luaprov.store.error", __tostring = function(err) return err.message end }

--- @param kind string
--- @param message string
--- @param more table|nil further fields
--- @return luaprov.StoreError
function M.new(kind, message, more)
  local err = { kind = kind, message = message }
  for name, value in pairs(more or {}) do err[name] = value end
  return setmetatable(err, mt)
end

--- @param value any
--- @return boolean
function M.is(value) return getmetatable(value) == mt end

return M
