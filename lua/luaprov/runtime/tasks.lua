--- Tasks: functions that run beside each other, each in a coroutine of the loop.
local context = require "luaprov.runtime.context"
local errors = require "luaprov.errors"
local events = require "luaprov.runtime.events"
local finalizer = require "luaprov.runtime.finalizer"
local host = require "luaprov.runtime.host"

local M = {}

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

---@class luaprov.Task
local Task = {}
Task.__index = Task
Task.__name = "luaprov.task"

local function pack(...) return { n = select("#", ...), ... } end

local function finish(task, ...)
  host.unguard(task.guard)
  task.result, task.ended, task.co = pack(...), true, nil
  if task.parent then task.parent.children[task] = nil end
  task.parent, task.children = nil, nil
  if task.on_end then task.on_end(task) end
  if task.over then task.over:set() end
end

-- Makes a task; nil and why when the host lets it not.
-- options: parent (a task, which is cancelled with its children), deadline (seconds of now()), on_end (function of it),
-- alone (it is no part of what runs now)
local function start(fn, options)
  local parent = options.parent
  local task = setmetatable({ parent = parent, on_end = options.on_end }, Task)
  task.is_cancelled = parent and parent.is_cancelled
  if parent then
    parent.children = parent.children or {}
    parent.children[task] = true
  end
  local ok, why = (options.alone and host.start_alone or host.start)(task, function()
    if task.ended then return end
    task.began = true
    if options.deadline then context.bound(options.deadline) end
    task.guard = host.guard(function() finish(task, false, context.stopped "cancelled") end)
    finish(task, xpcall(fn, context.traced))
  end)
  if not ok then return nil, why end
  return task
end

local function raised(task, why)
  if not task then error(why, 0) end
  return task
end

--- A task that belongs to the code that runs: it is cancelled with the task around it, and has its deadline.
--- @param fn function
--- @param on_end function called when it has ended
function M.child(fn, on_end)
  return raised(start(fn, { parent = host.task(), deadline = context.deadline_now(), on_end = on_end }))
end

-- An error that nobody waits for is not lost: it is told when nobody can wait for it any more.
local function tell(task)
  local ok, err = task.result[1], task.result[2]
  if ok or task.is_cancelled and errors.is(err) and err.kind == "cancelled" then return end
  task.untold = finalizer(function()
    if task.seen then return end
    pcall(function() io.stderr:write("luaprov: a task failed, and nobody waited for it: ", tostring(err), "\n") end)
  end)
end

--- Starts a task. It is on its own: neither the deadline of the code that runs nor the end of the task around it ends
--- it. It ends with the script, which waits for those that it waits for.
--- @param fn function called with the further arguments
--- @return luaprov.Task task
function M.spawn(fn, ...)
  if type(fn) ~= "function" then error("spawn takes a function first, not " .. type(fn), 2) end
  local body = fn
  if select("#", ...) > 0 then
    local arguments = pack(...)
    body = function() return fn(unpack(arguments, 1, arguments.n)) end
  end
  return raised(start(body, { on_end = tell }))
end

--- Waits until the task has ended.
--- @return any what its function returned. An error that it raised is raised, with its traceback. When the task that
---   waits is cancelled, or its deadline passes, that is raised as by `sleep`; the task that it waited for goes on.
function Task:wait()
  if self == host.task() then error("a task cannot wait for itself", 2) end
  if not self.ended then
    self.over = self.over or events.new()
    local ok, why = self.over:wait()
    if not ok then error(context.stopped(why), 0) end
  end
  self.seen = true
  host.collect(self)
  local result = self.result
  if not result[1] then error(result[2], 0) end
  return unpack(result, 2, result.n)
end

--- Ends the task's transfer, wherever it stands: the call there, and every later one, returns nil and an error of kind
--- "cancelled"; waits raise it. A call that waits between two tries returns the error of its last one: its kind stays
--- what it was, and err.attempts[#err.attempts].why says that it was cancelled. A task that has not begun never does.
--- @return boolean whether it was still going on
function Task:cancel()
  if self.ended then return false end
  self.is_cancelled = true
  if not self.began then
    finish(self, false, context.stopped "cancelled")
    return true
  end
  for child in pairs(self.children or {}) do child:cancel() end
  local waiter = self.waiting
  if waiter and waiter.interrupt then waiter:interrupt() end
  return true
end

--- @return boolean whether it has ended
function Task:done() return self.ended == true end

function Task:__tostring()
  return "luaprov task, " .. (self.ended and "done" or self.is_cancelled and "cancelled" or "going on")
end

local shared = setmetatable({}, { __mode = "k" }) -- key -> task of the call that is going on

--- Runs `fn` once for all who ask with the same key while it runs: the others wait, and get what it returned.
--- It is a task of its own, so that it goes on whoever waits for it, and however.
--- @param key table
--- @param fn function returns at most two values
--- @return any value what fn returned; nil when whoever asks is cancelled, or out of time
--- @return any err what fn returned second; a luaprov.Error
--- @return boolean|nil mine whether it is that error
function M.share(key, fn)
  local stop = context.stop()
  if stop then return nil, context.stopped(stop), true end
  local task = shared[key]
  if not task then
    local why
    task, why = start(function()
      local ok, value, err = pcall(fn)
      shared[key] = nil
      return ok, value, err
    end, { alone = true })
    if not task then return nil, errors.new { kind = "unsupported", outcome = "not_sent", message = why }, true end
    task.over = events.new()
    shared[key] = task
  end
  local over, why = task.over:wait()
  if not over then return nil, context.stopped(why), true end
  local result = task.result
  if not result[2] then error(result[3], 0) end
  return result[3], result[4]
end

return M
