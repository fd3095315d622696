--- When a call may be sent: a provider's limits, kept for each account by all clients and tasks of the process.
---
--- A vendor counts arrivals, and nobody knows when a request arrived; only that it had by the time of its answer. So
--- with n calls a window, the (n + 1)th sending waits until one window after the *answer* of the first: then no window
--- of the vendor's, wherever it begins, has more than n. What the vendor itself says (its headers, a 429) goes before
--- what we reckon: others may use the same account.
local core = require "luaprov.core"
local runtime = require "luaprov.runtime"
local slots = require "luaprov.policy.slots"
local told = require "luaprov.policy.told"

local M = {}

local AT_ONCE = 64 -- calls of one account in flight, where the provider file says nothing
local MORE_AFTER = 10 -- good answers after which one more may be in flight again
local SPARE = 64 -- tickets of a limiter beyond those that its windows count
local HUGE = math.huge
local kills = runtime.kills -- whether whoever has a turn may be ended, and never give it back
local FORGET = 60 -- seconds after which a vendor's "fewer at once" says nothing any more

local Limiter = {}
Limiter.__index = Limiter

-- ---- which limiter ----

local known = setmetatable({}, { __mode = "v" }) -- by provider and account, while somebody has it
local kept, count, sweep_at = {}, 0, 256 -- those whose past still bounds what comes, whoever has forgotten them
local rules = setmetatable({}, { __mode = "k" }) -- by a provider's limits
local NONE = { at_once = math.huge } -- the engine has its own bound for a host

local function rules_of(limits)
  if rules[limits] then return rules[limits] end
  local rule = { windows = {}, most = 0, longest = 0, cap = limits.at_once or AT_ONCE, reader = told.reader(limits) }
  for i, window in ipairs(limits) do
    rule.windows[i] = window
    rule.most, rule.longest = math.max(rule.most, window[1]), math.max(rule.longest, window.per)
  end
  rule.size = 2 * rule.most + SPARE -- all that may be in flight may turn out not to be sent
  -- Shared are the vendor's own words; our guess of how many at once is each process's.
  rule.shared = {}
  for i, window in ipairs(limits) do rule.shared[i] = window end
  if limits.at_once then rule.shared[#rule.shared + 1] = { limits.at_once, per = 0 } end
  rules[limits] = rule
  return rule
end

--- The limiter of an account; the same one for everybody who asks with the same words.
--- @param provider table description
--- @param account string whatever tells one account from another; it is not shown anywhere
--- @param counted boolean|nil false: the vendor counts no calls of this account
--- @return table limiter
function M.of(provider, account, counted)
  local key = provider.name .. "\0" .. tostring(provider.file) .. "\0" .. tostring(counted) .. "\0" .. account
  local limiter = known[key]
  if limiter then return limiter end
  local rule = rules_of(counted == false and NONE or provider.limits)
  limiter = setmetatable({
    rule = rule, sent = {}, place = 0, in_flight = 0, cap = rule.cap, good = 0, held = 0, told = {}, last = 0,
    fewer = 0,
  }, Limiter)
  local store = rule.shared[1] and runtime.store()
  limiter.slots = store and slots.new(store, key, rule.shared)
  known[key] = limiter
  return limiter
end

-- Whether an account's past bounds nothing any more.
local function is_over(self, now)
  return self.in_flight == 0 and not self.head and self.held <= now and told.is_over(self.told, now)
    and self.last + self.rule.longest <= now and (self.cap == self.rule.cap or self.last + FORGET <= now)
end

-- Each sweep waits until there are twice as many as the last one has left.
local function keep(self, now)
  kept[self], count = true, count + 1
  if count <= sweep_at then return end
  for limiter in pairs(kept) do
    if is_over(limiter, now) and limiter ~= self then kept[limiter], count = nil, count - 1 end
  end
  sweep_at = math.max(256, 2 * count)
end

-- ---- when ----

local function ready_at(self, now)
  if self.in_flight >= self.cap then return HUGE end
  local at, rule = self.held, self.rule
  if rule.reader then at = math.max(at, told.until_when(self.told, self.in_flight, now)) end
  local sent, windows, place, size = self.sent, rule.windows, self.place, rule.size
  for i = 1, #windows do
    local window = windows[i]
    local first = sent[(place - window[1]) % size + 1]
    if first then
      local free = first.answered + window.per
      if free > at then at = free end
    end
  end
  return at
end

--- When the next call may be sent.
--- @param now number seconds of core.now()
--- @return number at math.huge: that hangs on an answer
Limiter.ready_at = ready_at

--- Whether anybody waits for a turn.
function Limiter:is_awaited() return self.head ~= nil end

-- What the vendor named goes beyond whoever waits: longer than its patience, and than any window lasts.
local function is_too_late(self, patience, now)
  local at = math.max(self.held, told.until_when(self.told, self.in_flight, now))
  return at - now > math.max(patience, self.rule.longest) and at - now
end

-- Whoever has a turn and never goes on gives it back.
local function bury(self, ticket) self:leave(ticket) end

-- Takes a turn; nil, and when to ask again, where other processes have all. The tickets lie in a ring, in the order of
-- the sendings, and are used again: answered is math.huge until there is an answer.
local function go(self, now, waited, lasts)
  local place, sent = self.place % self.rule.size + 1, self.sent
  local ticket = sent[place]
  if not ticket or ticket.answered == HUGE then
    ticket = { sent = now, guard = false, answered = HUGE, waited = waited, places = false }
  end
  if kills then ticket.guard = runtime.guard(bury, self, ticket) end
  if self.slots then
    local later
    ticket.places, later = self.slots:claim(lasts)
    if not ticket.places then
      runtime.unguard(ticket.guard)
      ticket.guard = false
      return nil, now + later
    end
  end
  ticket.sent, ticket.answered, ticket.waited = now, HUGE, waited
  sent[place], self.place, self.in_flight = ticket, place, self.in_flight + 1
  if self.rule.most > 0 and not kept[self] then keep(self, now) end
  return ticket
end

-- ---- first come, first served ----

local function join(self, me)
  me.before = self.tail
  if self.tail then self.tail.after = me else self.head = me end
  self.tail = me
end

local function part(self, me)
  if me.before then me.before.after = me.after else self.head = me.after end
  if me.after then me.after.before = me.before else self.tail = me.before end
end

local function wake(self) self.head.event:set() end

local function quit(self, me)
  part(self, me)
  if self.head then wake(self) end
end

local function wait(self, me, patience, lasts)
  while true do
    local now = core.now()
    local at = self.head == me and ready_at(self, now) or math.huge
    if at <= now then
      local ticket, later = go(self, now, true, lasts)
      if ticket then return ticket end
      at = later
    end
    local seconds = self.head == me and is_too_late(self, patience, now)
    if seconds then return nil, "rate_limited", seconds end
    local _, why = me.event:wait(at < math.huge and at or nil)
    if why == "cancelled" then return nil, why end
    if why and (runtime.deadline_now() or math.huge) <= core.now() then return nil, "timeout" end
  end
end

--- Waits for a turn. Every ticket is to be given back, whatever becomes of the call.
--- @param patience number seconds: a wait that the vendor itself names may be as long as this, or as a window
--- @param lasts number seconds that the call may take at most, once it has its turn
--- @param now number|nil seconds of core.now(), of whoever knows it
--- @return table|nil ticket for `leave`; waited: whether it did
--- @return string|nil why "cancelled" or "timeout": the task is, or its deadline has passed; "rate_limited": the vendor
---   has named a time that is too late
--- @return number|nil seconds until that time
function Limiter:enter(patience, lasts, now)
  now = now or core.now()
  if not self.head and ready_at(self, now) <= now then
    local ticket = go(self, now, false, lasts)
    if ticket then return ticket end
  end
  local me = { event = runtime.event() }
  join(self, me)
  local guard = runtime.guard(quit, self, me)
  -- Whoever is torn out of its wait (a Ctrl-C) must not stand in the way of those behind.
  local ok, ticket, why, seconds = pcall(wait, self, me, patience, lasts)
  runtime.unguard(guard)
  quit(self, me)
  if not ok then error(ticket, 0) end
  return ticket, why, seconds
end

-- ---- what comes back ----

-- Takes a ticket out of the order: the later ones are each one earlier.
local function forget(self, ticket)
  local sent, size, last = self.sent, self.rule.size, self.place
  local place
  for back = 0, size - 1 do
    place = (last - 1 - back) % size + 1
    if sent[place] == ticket then break end
    if back == size - 1 then return end
  end
  while place ~= last do
    local after = place % size + 1
    sent[place], place = sent[after], after
  end
  sent[last], self.place = ticket, (last - 2) % size + 1
end

local function slow_down(self, ticket, retry_after, now)
  self.good = 0
  if retry_after and retry_after >= 0 then
    self.held = math.max(self.held, now + retry_after)
    if self.slots then self.slots:hold(retry_after) end
  elseif retry_after and ticket.sent >= self.fewer then
    -- Once for all that were on their way together.
    self.cap, self.fewer = math.max(1, math.floor((self.in_flight + 1) / 2)), now
  end
end

local function speed_up(self)
  self.good = self.good + 1
  if self.good >= MORE_AFTER then self.good, self.cap = 0, self.cap + 1 end
end

--- Gives a turn back.
--- @param ticket table
--- @param answer table|nil status, headers, retry_after: nil when there was none
--- @param not_sent boolean|nil nothing has arrived, or will
function Limiter:leave(ticket, answer, not_sent)
  local now = core.now()
  if kills then
    runtime.unguard(ticket.guard)
    ticket.guard = false -- it knows the coroutine, and that its request
  end
  if ticket.places then
    if not_sent then self.slots:give_back(ticket.places) else self.slots:answered(ticket.places) end
  end
  ticket.answered, self.last = now, now
  self.in_flight = self.in_flight - 1
  if not_sent then
    forget(self, ticket)
  else
    local reader = self.rule.reader
    local heard = answer and reader and told.hear(self.told, reader, answer.headers, ticket.sent, now)
    if answer and answer.status == 429 then
      slow_down(self, ticket, answer.retry_after, now)
      if not kept[self] then keep(self, now) end
    else
      if reader and not heard then told.lose(self.told) end
      if answer and self.cap < self.rule.cap then speed_up(self) end
    end
  end
  if self.head then wake(self) end
end

return M
