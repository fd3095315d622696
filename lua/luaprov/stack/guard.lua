--- Keeps the lease while an apply goes on, and lets nothing be sent that could be acted on after its end: whoever has
--- it next waits for that, and for nothing else.
local core = require "luaprov.core"
local errors = require "luaprov.errors"
local runtime = require "luaprov.runtime"

local M = {}

M.MARGIN = 15 -- seconds that a lease lasts beyond the longest try,
M.LEAST = 1   -- and has to: what is written before something is sent takes its time

local SLACK = 5 -- seconds: what is to be sent has to be written first, with what others write

local Guard = {}
Guard.__index = Guard

local CHANGES = { create = true, update = true, delete = true }

local function longest_try(manifest)
  local longest = 0
  for _, account in ipairs(manifest.accounts) do
    if account.state then longest = math.max(longest, account.state.timeout) end
  end
  return longest
end

--- How long a lease is for a manifest's clients.
--- @param manifest table
--- @return number seconds
--- @return number least what it has to be
function M.seconds(manifest)
  local longest = longest_try(manifest)
  return longest + M.MARGIN, longest + M.LEAST
end

local function renew(self)
  local ok, err = self.lease:renew()
  if not ok then self.broken = self.broken or err end
  return ok
end

--- Makes the lease last until a time, and a little longer where it can.
--- @param at number seconds of core.now()
--- @return boolean|nil ok
--- @return luaprov.Error|nil err
function Guard:reach(at)
  if self.broken == nil and at + self.spare > self.lease.ends then renew(self) end
  if self.broken == nil and at <= self.lease.ends then return true end
  local why = self.broken and self.broken.message or "a try takes longer than the lease of the state lasts"
  return nil, errors.new { kind = "cancelled", outcome = "not_sent", message = "nothing was sent: " .. why }
end

local function watch(self, state)
  local exchange = state.exchange
  state.exchange = function(request, what)
    if CHANGES[what] then
      local ok, err = self:reach(request.deadline)
      if not ok then return nil, err end
      self.last = math.max(self.last, request.deadline)
    end
    return exchange(request, what)
  end
  return function() state.exchange = exchange end
end

local function keep(self)
  while not self.over and not self.broken do
    self.event:wait(core.now() + self.lease.seconds / 3)
    if not self.over then renew(self) end
  end
end

--- @param lease luaprov.Lease
--- @param manifest table
--- @return table guard last: until when (seconds of core.now()) something that was sent may be acted on; broken: why
---   the lease is lost
function M.new(lease, manifest)
  local spare = math.max(0, math.min(SLACK, (lease.seconds - longest_try(manifest)) / 2))
  local self = setmetatable({ lease = lease, spare = spare, last = 0, undo = {}, event = runtime.event() }, Guard)
  for i, account in ipairs(manifest.accounts) do self.undo[i] = account.state and watch(self, account.state) end
  self.keeper = runtime.spawn(keep, self)
  return self
end

--- Ends it: the lease stays as it is.
function Guard:stop()
  self.over = true
  self.event:set()
  for _, undo in pairs(self.undo) do undo() end
end

return M
