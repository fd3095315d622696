--- What bounds the code that runs: whether its task is cancelled, and by when it must have ended.
---
--- A deadline belongs to the coroutine that has set it, and to all that run within; not to the one around it, when a
--- coroutine yields in the midst of it.
local errors = require "luaprov.errors"
local host = require "luaprov.runtime.host"

local M = {}

local deadlines = setmetatable({}, { __mode = "k" }) -- key of a coroutine -> seconds of host.now()
local some = false -- whether there has ever been one

--- @return boolean whether the task whose code runs is cancelled
function M.cancelled()
  local task = host.task()
  return task ~= nil and task.is_cancelled == true
end

local function deadline_of(key)
  local earliest
  while key do
    local at = deadlines[key]
    if at and (not earliest or at < earliest) then earliest = at end
    key = host.around(key)
  end
  return earliest
end

--- @return number|nil seconds of now(): the earliest deadline that bounds the code that runs
function M.deadline_now() return some and deadline_of(host.current()) or nil end

--- Both at once.
--- @return boolean cancelled
--- @return number|nil deadline
function M.bounds()
  local key = some and host.current()
  local task
  if key then task = host.task_of(key) else task = host.task() end
  return task ~= nil and task.is_cancelled == true, key and deadline_of(key) or nil
end

--- Bounds the coroutine that runs.
--- @param at number seconds of now()
function M.bound(at)
  some = true
  deadlines[host.current(true)] = at
end

--- An error's traceback, while it is to be had; what is no text is raised as it is.
function M.traced(err)
  if type(err) ~= "string" then return err end
  return debug.traceback(err, 2)
end

local function left(key, before, ok, ...)
  deadlines[key] = before
  if not ok then error((...), 0) end
  return ...
end

--- Calls a function, and lets no call and no wait in it go on for longer: calls return nil and an error of kind
--- "timeout", waits raise it. A call whose next try would come too late returns the error of its last one, at once: its
--- kind stays what it was, and err.attempts[#err.attempts].why says that there is no time. Deadlines within each other:
--- the earliest counts.
--- @param seconds number
--- @param fn function
--- @return any what fn returns. An error that it raises is raised, with its traceback.
function M.deadline(seconds, fn, ...)
  if type(seconds) ~= "number" or seconds ~= seconds or seconds < 0 then
    error("deadline takes a number of seconds first, 0 or more", 2)
  end
  if type(fn) ~= "function" then error("deadline takes a function second, not " .. type(fn), 2) end
  local key, at = host.current(true), host.now() + seconds
  local before = deadlines[key]
  some = true
  deadlines[key] = before and math.min(before, at) or at
  return left(key, before, xpcall(fn, M.traced, ...))
end

local MESSAGES = { cancelled = "the task was cancelled", timeout = "the deadline has passed" }

--- @param kind string "cancelled" or "timeout"
--- @return luaprov.Error
function M.stopped(kind) return errors.new { kind = kind, outcome = "not_sent", message = MESSAGES[kind] } end

--- Why the code that runs shall not go on.
--- @return string|nil "cancelled" or "timeout"
function M.stop()
  if M.cancelled() then return "cancelled" end
  local at = M.deadline_now()
  return at and at <= host.now() and "timeout" or nil
end

return M
