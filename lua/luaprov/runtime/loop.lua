--- The loop: one engine, timers, and the tasks that can go on. It runs whenever somebody waits.
---
--- A task that waits gives way to the loop. The main chunk, and a coroutine of it, run the loop until what they wait
--- for is there; so does a task where it cannot yield (in a comparison of table.sort, a callback of gsub, `require`).
local carry = require "luaprov.runtime.carry"
local core = require "luaprov.core"
local interrupts = require "luaprov.runtime.interrupts"
local timers = require "luaprov.runtime.timers"

local M = {}

local can_wait, give_way, resume = carry.can_wait, carry.wait, carry.resume

-- Each nil where nobody tells of a Ctrl-C.
local came, leave, back = interrupts.came, interrupts.loop, interrupts.done

M.now = core.now
M.timers = timers.new()

--- The task whose code runs; nil for the main chunk and its coroutines. A task has `co`, and `waiting`: its waiter.
M.task = nil

local engine
local transfers, under_way = {}, 0 -- slot of a transfer -> its waiter; how many
local ready = { first = 1, last = 0 } -- tasks to resume, in order
local watchers = {} -- those who share the loop: { fd, on_turn, due = when it wants to be called }
local calling = false -- one of them
local depth = 0 -- loops that run within each other

-- Lua 5.4 has room for about fifty loops within each other on its C stack; beyond DEPTH, tasks that could go on wait
-- until no transfer is left or an inner loop has ended.
local DEPTH = 16

-- Seconds that one turn of the loop may wait; a transfer's own deadline ends it earlier. A Ctrl-C ends it at once, but
-- one that comes just before the wait begins is seen only when it is over.
local DRIVE = 1

local function push(task)
  local last = ready.last + 1
  ready[last], ready.last = task, last
end

--- A task may go on.
M.push = push

local function wake(waiter, value)
  if waiter.full then return end
  waiter.full, waiter.value = true, value
  if waiter.task then push(waiter.task) end
end

--- Ends a wait. A waiter is ended once: what comes later is too late.
--- @param waiter table
--- @param value any what `wait` returns
M.wake = wake

-- Those that were ready when the turn began: tasks that wake each other without end keep nobody else waiting. A loop
-- within one of them may have taken the rest.
local function resume_ready()
  local last = ready.last
  while ready.first <= last and ready.first <= ready.last do
    local first = ready.first
    local task = ready[first]
    ready[first], ready.first = nil, first + 1
    local co = task.co
    if co then
      local before = M.task
      M.task = task
      local ok, err = resume(co)
      M.task = before
      if not ok then error(err, 0) end -- a task's body is protected: this is a fault of ours
    end
  end
  if ready.first > ready.last then ready.first, ready.last = 1, 0 end
end

-- Waits for at most so many seconds until a transfer ends, and wakes whoever waits for what has.
local function drive(seconds)
  for _ = 1, engine:drive(seconds) do
    local slot, response = engine:next()
    local waiter = transfers[slot]
    transfers[slot] = nil
    under_way = under_way - 1
    wake(waiter, response)
  end
end

--- Cancels every transfer.
--- @param each function of what waited for it (request: as http.exchange was given it) and its response
function M.end_transfers(each)
  if not engine then return end
  local ended = {}
  for _, waiter in pairs(transfers) do
    engine:cancel(waiter.id)
    ended[#ended + 1] = waiter
  end
  drive(0)
  for _, waiter in ipairs(ended) do each(waiter, waiter.value) end
end

-- Seconds that the next turn may wait.
local function patience()
  if depth <= DEPTH and ready.first <= ready.last then return 0 end
  if not M.timers[1] and not watchers[1] then return DRIVE end
  local due = M.timers:due()
  for _, watcher in ipairs(watchers) do
    if watcher.due and (not due or watcher.due < due) then due = watcher.due end
  end
  return due and math.min(DRIVE, math.max(0, due - core.now())) or DRIVE
end

-- From the last to the first: a watcher may unwatch itself.
local function call_watchers()
  local task = M.task
  M.task = nil
  for i = #watchers, 1, -1 do
    local watcher = watchers[i]
    if watcher then
      calling = true
      local ok, seconds = pcall(watcher.on_turn)
      calling = false
      if not ok then error(seconds, 0) end
      watcher.due = seconds and core.now() + seconds
    end
  end
  M.task = task
end

--- Called when a Ctrl-C came.
--- @param is_outer boolean whether no other loop runs around this one
--- @param waiter table|nil the one that the loop ran for, if it has just been woken
M.on_interrupt = nil

local function turn(ended, waiter)
  if ready.first <= ready.last and (depth <= DEPTH or under_way == 0) then
    resume_ready()
    if ended(waiter) then return end
  end
  if came and came() then
    M.on_interrupt(depth == 1)
    if ended(waiter) then return end -- a script has caught it already: nothing is raised
  end
  local moves = watchers[1] or under_way > 0
  if not moves and not M.timers:due() and ready.first > ready.last then
    error("a task waits for something that nothing will bring", 0)
  end
  if moves then
    drive(patience())
  else
    core.pause(patience())
  end
  if M.timers[1] then M.timers:run(core.now()) end
  if watchers[1] then call_watchers() end
end

local function turns(ended, waiter)
  while not ended(waiter) do turn(ended, waiter) end
  if depth == 1 and came and came() then M.on_interrupt(true, waiter) end
end

--- Runs the loop until `ended(waiter)` is true.
--- @param ended function asked before and within every turn
--- @param waiter table|nil whom it runs for
function M.run(ended, waiter)
  if calling then error("on_turn is part of the loop: it may not wait", 0) end
  local task = M.task
  depth = depth + 1
  if leave then leave() end
  local ok, err = pcall(turns, ended, waiter)
  M.task = task
  depth = depth - 1
  if back then back(task ~= nil) end
  if not ok then error(err, 0) end
end

local function is_full(waiter) return waiter.full end

local function time_out(waiter) wake(waiter, "timeout") end

local function wait(waiter, at)
  local task = M.task
  local timer = at and M.timers:add(at, time_out, waiter)
  if task then task.waiting = waiter end
  if not waiter.full then
    if task and can_wait() then
      waiter.task = task
      give_way()
    else
      M.run(is_full, waiter)
    end
  end
  if task then task.waiting = nil end
  if timer then M.timers:remove(timer) end
  return waiter.value
end

--- Waits until somebody wakes the waiter.
--- @param waiter table interrupt: function(waiter) that wakes it when its task is cancelled; without one it waits on
--- @param at number|nil seconds of now() at which it is woken with "timeout"
--- @return any value
M.wait = wait

local function cancel_transfer(waiter) engine:cancel(waiter.id) end

--- Called once the engine is there.
function M.on_engine() end

local function start_engine()
  engine = core.engine()
  M.on_engine()
end

local function new_waiter() return { interrupt = cancel_transfer, id = 0, request = false, task = false,
                                       full = false, value = false } end

-- Of transfers that have ended: only whoever waited for one knew its waiter, and who looks at `transfers`.
local waiters, spare, SPARE = {}, 0, 256

--- Sends a request and waits for its response.
--- @param request table as luaprov.core's engine takes it
--- @return table|nil response
--- @return string|nil why the request may not be sent
function M.transfer(request)
  if calling then error("on_turn is part of the loop: it may not wait", 0) end
  -- Nothing may interrupt between the sending and the waiting.
  if leave then leave() end
  if not engine then start_engine() end
  local ok, id, slot_or_why = pcall(engine.submit, engine, request)
  if not ok or not id then
    if back then back(M.task ~= nil) end
    if not ok then error(id, 0) end
    return nil, slot_or_why
  end
  local waiter
  if spare > 0 then waiter, spare = waiters[spare], spare - 1 else waiter = new_waiter() end
  waiter.id, waiter.request, waiter.full = id, request, false
  transfers[slot_or_why], under_way = waiter, under_way + 1
  local response = wait(waiter)
  waiter.request, waiter.value, waiter.task = false, false, false
  -- In this order: a Ctrl-C between the two must not leave one there that somebody has.
  if spare < SPARE then
    waiters[spare + 1] = waiter
    spare = spare + 1
  end
  return response
end

--- Lets somebody share the loop: whoever waits polls their descriptor too.
--- @param fd integer a descriptor: while it is readable, no turn of the loop waits. Unwatch it before it is closed.
--- @param on_turn function called after every turn of the loop, outside all tasks; it neither waits nor yields. Returns
---   the seconds after which it wants to be called although nothing happens, or nil. An error that it raises is raised
---   where the loop runs.
---   While anybody shares the loop, whoever waits for something that nothing will bring waits for ever. Without them
---   that is an error; what a watcher may bring cannot be known.
--- @return table handle
function M.watch(fd, on_turn)
  if not engine then start_engine() end
  engine:watch(fd)
  local watcher = { fd = fd, on_turn = on_turn, due = 0 }
  watchers[#watchers + 1] = watcher
  return watcher
end

--- Ends what `watch` began; harmless when it has ended.
function M.unwatch(handle)
  for i, watcher in ipairs(watchers) do
    if watcher == handle then
      table.remove(watchers, i)
      engine:unwatch(handle.fd)
      return
    end
  end
end

return M
