--- When a call may be sent: a provider's limits, kept for each account by all clients and tasks of the process together.
---
--- A vendor counts arrivals, and nobody knows when a request arrived; only that it had by the time of its answer. So with
--- n calls a window, the (n + 1)th sending waits until one window after the *answer* of the first: then no window of the
--- vendor's, wherever it begins, has more than n. What the vendor itself says (its headers, a 429) goes before what we
--- reckon: others may use the same account.
local core = require "luaprov.core"
local runtime = require "luaprov.runtime"

local M = {}

local AT_ONCE = 64 -- calls of one account in flight, where the provider file says nothing
local MORE_AFTER = 10 -- good answers after which one more may be in flight again

local Limiter = {}
Limiter.__index = Limiter

local limiters = {} -- by provider and account

local function new(limits)
  local most = 0
  for _, window in ipairs(limits) do most = math.max(most, window[1]) end
  local cap = limits.at_once or AT_ONCE
  return setmetatable({
    windows = limits, most = most, headers = limits.headers, sent = {}, in_flight = 0, cap = cap, full_cap = cap,
    good = 0, held = 0, queue = { first = 1, last = 0 },
  }, Limiter)
end

--- The limiter of an account; the same one for everybody who asks with the same words.
--- @param provider table description
--- @param account string whatever tells one account from another; it is not shown anywhere
--- @param counted boolean|nil false: the vendor counts no calls of this account
--- @return table limiter
function M.of(provider, account, counted)
  local key = provider.name .. "\0" .. tostring(provider.file) .. "\0" .. tostring(counted) .. "\0" .. account
  limiters[key] = limiters[key] or new(counted == false and {} or provider.limits)
  return limiters[key]
end

-- When the next call may be sent: a time, or math.huge when that hangs on an answer.
local function ready_at(self, now)
  if self.in_flight >= self.cap then return math.huge end
  local at = self.held
  for _, window in ipairs(self.windows) do
    local first = self.sent[#self.sent - window[1] + 1]
    if first then at = first.answered and math.max(at, first.answered + window.per) or math.huge end
    if at == math.huge then return at end
  end
  local told = self.told
  if told and now < told.ends and told.left <= 0 then at = math.max(at, told.ends) end
  return at
end

local function head(self)
  local queue = self.queue
  while queue.first <= queue.last and queue[queue.first].left do
    queue[queue.first] = nil
    queue.first = queue.first + 1
  end
  return queue[queue.first]
end

local function wake(self)
  local first = head(self)
  if first then first.event:set() end
end

local function go(self)
  local ticket = {}
  self.sent[#self.sent + 1] = ticket
  if #self.sent > 2 * self.most + 16 then
    local kept = {}
    for i = #self.sent - self.most, #self.sent do kept[#kept + 1] = self.sent[i] end
    self.sent = kept
  end
  self.in_flight = self.in_flight + 1
  if self.told then self.told.left = self.told.left - 1 end
  return ticket
end

--- Waits for a turn, first come first served.
--- @param ends number seconds of the clock; math.huge: for ever
--- @return table|nil ticket to give back with `leave`; waited: whether it did
--- @return string|nil why timeout or cancelled
function Limiter:enter(ends)
  local now = core.now()
  if not head(self) and ready_at(self, now) <= now then return go(self) end
  local me, queue = { event = runtime.event() }, self.queue
  queue.last = queue.last + 1
  queue[queue.last] = me
  while true do
    local at = head(self) == me and ready_at(self, now) or math.huge
    if at <= now then
      me.left = true
      local ticket = go(self)
      ticket.waited = true
      wake(self)
      return ticket
    end
    local _, why = me.event:wait(math.min(at, ends))
    now = core.now()
    if why == "cancelled" or now >= ends then
      me.left = true
      wake(self)
      return nil, why == "cancelled" and why or "timeout"
    end
    me.event = runtime.event()
  end
end

-- What a header whose template is one placeholder says.
local function told_by(self, headers, what)
  for name, parts in pairs(self.headers or {}) do
    if #parts == 1 and type(parts[1]) == "table" and parts[1].name == what then return tonumber(headers[name:lower()]) end
  end
end

local function hear(self, answer, now)
  local remaining, reset = told_by(self, answer.headers, "remaining"), told_by(self, answer.headers, "reset")
  if remaining and reset then
    -- What is in flight may be counted already, or not yet: the safer of the two.
    local left, ends = remaining - self.in_flight, now + reset
    local told = self.told
    if told and now < told.ends and told.left < left and math.abs(told.ends - ends) < 1 then left = told.left end
    self.told = { left = left, ends = ends }
  end
  if answer.status == 429 then
    self.good = 0
    if answer.retry_after == -1 then self.cap = math.max(1, math.floor((self.in_flight + 1) / 2))
    elseif answer.retry_after then self.held = math.max(self.held, now + answer.retry_after) end
  elseif self.cap < self.full_cap then
    self.good = self.good + 1
    if self.good >= MORE_AFTER then self.good, self.cap = 0, self.cap + 1 end
  end
end

--- Gives a turn back.
--- @param ticket table
--- @param answer table|nil status, headers, retry_after: nil when there was none
--- @param not_sent boolean|nil nothing has arrived, or will
function Limiter:leave(ticket, answer, not_sent)
  local now = core.now()
  ticket.answered = now
  self.in_flight = self.in_flight - 1
  if not_sent then
    for i = #self.sent, 1, -1 do
      if self.sent[i] == ticket then
        table.remove(self.sent, i)
        break
      end
    end
  elseif answer then
    hear(self, answer, now)
  end
  wake(self)
end

return M
