--- Waiting for one another, and for a time.
local context = require "luaprov.runtime.context"
local host = require "luaprov.runtime.host"

local M = {}

local function interrupt(waiter) host.wake(waiter, "cancelled") end

local function earlier(a, b)
  if a and b then return math.min(a, b) end
  return a or b
end

---@class luaprov.Event
local Event = {}
Event.__index = Event
Event.__name = "luaprov.event"

--- Something that tasks wait for.
--- @return luaprov.Event
function M.new() return setmetatable({ first = 1, last = 0 }, Event) end

--- Waits until the next `set`. Usable in tasks, in the main chunk, and in coroutines of both.
--- @param until_ number|nil seconds of now()
--- @return boolean|nil true
--- @return string|nil why "timeout": `until_` or the deadline has passed; "cancelled": the task is
function Event:wait(until_)
  local stop = context.stop()
  if stop then return nil, stop end
  local at = earlier(until_, context.deadline_now())
  if at and at <= host.now() then return nil, "timeout" end
  local waiter, place = { interrupt = interrupt }, self.last + 1
  self[place], self.last = waiter, place
  local value = host.wait(waiter, at)
  if value == true then return true end
  self[place] = nil
  return nil, value
end

--- Wakes all who wait now, in the order in which they began to.
function Event:set()
  local first, last = self.first, self.last
  self.first = last + 1
  for i = first, last do
    local waiter = self[i]
    self[i] = nil
    if waiter then host.wake(waiter, true) end
  end
end

--- Waits until a time; the others go on.
--- @param at number seconds of now()
--- @return boolean|nil true
--- @return string|nil why "timeout": the deadline passes before; "cancelled": the task is
function M.sleep_until(at)
  local stop = context.stop()
  if stop then return nil, stop end
  local deadline = context.deadline_now()
  local value = host.wait({ interrupt = interrupt }, earlier(at, deadline))
  if value == "cancelled" then return nil, value end
  if deadline and deadline < at then return nil, "timeout" end
  return true
end

--- Waits; the others go on.
--- @param seconds number
--- @return boolean true. In a task that is cancelled, or when a deadline passes, a luaprov.Error is raised (kind
---   "cancelled" or "timeout"), so that a loop around it ends.
function M.sleep(seconds)
  if type(seconds) ~= "number" or seconds ~= seconds or seconds < 0 then
    error("sleep takes a number of seconds, 0 or more", 2)
  end
  local ok, why = M.sleep_until(host.now() + seconds)
  if not ok then error(context.stopped(why), 0) end
  return true
end

return M
