--- The host of an nginx worker: transfers in an engine on a thread of its own, tasks as light threads, and a semaphore
--- for whoever waits. Nothing here, and nothing that is called, ever blocks the worker.
---
--- One light thread per worker, the bell's reader, is told by the engine's thread what has ended, and wakes who waits
--- for it. It begins with the first transfer, and ends when there is nothing to wait for: so a worker that shall exit
--- does, and so does a Lua state that serves one request only.
---
--- A light thread may be ended in the midst of a wait: its client has gone, another one of its request has called
--- ngx.exit, its parent has killed it. No code of it runs then. It is seen by its semaphore, for which nobody waits any
--- more; its transfer is cancelled, and what it has left behind is undone by its guards.
local core = require "luaprov.core"
local dictionary = require "luaprov.runtime.dictionary"

local ngx = rawget(_G, "ngx")
local M = {}

M.now, M.store = core.now, dictionary.store

local LONG = 3600 -- seconds that one wait for a semaphore may take; then it waits again
local SHORT = 0.001 -- …and nginx has no shorter time
local SWEEP = 0.2 -- seconds between looks for light threads that have been ended
-- Connections to one origin; more than in a script: how long they are looked through is not the worker's time.
local PER_HOST = 1024
local POLL = 0.01 -- seconds between looks where the bell cannot be heard

local WAITS_IN = { rewrite = true, server_rewrite = true, access = true, content = true, timer = true }

-- Misuse, but nobody knows at which level.
local function check_phase()
  local phase = ngx.get_phase()
  if WAITS_IN[phase] then return end
  error("luaprov cannot wait in nginx's phase '" .. phase .. "': call it in ngx.timer.at(0, function() … end), or in "
    .. "the phases rewrite, access and content", 0)
end

-- ---- what is known of a coroutine ----

-- Coroutine -> its place, if it has one: ctx (ngx.ctx of its request: coroutines are used again, for other requests),
-- task, around (the place of whoever has made it). Nothing that is reached from a place may hold its coroutine: in
-- LuaJIT neither would ever go.
local places = setmetatable({}, { __mode = "k" })
local running = coroutine.running

local function new_place(task, around)
  local place = { ctx = ngx.ctx, task = task, around = around }
  places[running()] = place
  return place
end

-- Slow, and seldom wanted.
local function coroutine_of(place)
  for co, other in pairs(places) do
    if other == place then return co end
  end
end

function M.current(make)
  local co = running()
  local place = places[co]
  if place and place.ctx ~= ngx.ctx then
    places[co] = nil
    place = nil
  end
  return place or make and new_place() or nil
end

function M.around(place) return place.around end

function M.task_of(place)
  while place and not place.task do place = place.around end
  return place and place.task
end

function M.task() return M.task_of(M.current()) end

-- What runs within a coroutine of a task's, or within a deadline, is bounded by it, too.
local function adopting(lua)
  return function(fn)
    local place = type(fn) == "function" and M.current()
    if not place then return lua(fn) end
    return lua(function(...)
      new_place(nil, place)
      return fn(...)
    end)
  end
end

rawset(coroutine, "create", adopting(coroutine.create))
rawset(coroutine, "wrap", adopting(coroutine.wrap))

-- ---- what is to be undone ----

M.kills = true

local guards = {} -- coroutine -> its last guard, which knows the one before

function M.guard(fn, a, b)
  local co = running()
  if not co then check_phase() end -- nginx's init runs in none
  local guard, before = { fn = fn, a = a, b = b, co = co }, guards[co]
  if before then guard.before = before end -- seldom: a table of four is a small one
  guards[co] = guard
  return guard
end

function M.unguard(guard)
  if not guard or not guard.fn then return end
  guard.fn = nil
  local last = guards[guard.co]
  while last and not last.fn do last = last.before end
  guards[guard.co] = last
end

-- Undoes what a coroutine has left behind that never goes on.
local function bury(co)
  if not co then return end -- it is gone, and has left nothing
  local guard = guards[co]
  guards[co] = nil
  while guard do
    local fn = guard.fn
    if fn then
      guard.fn = nil
      fn(guard.a, guard.b)
    end
    guard = guard.before
  end
end

-- ---- waiting ----

local semaphores = {} -- that nobody uses
local parked = {} -- waiter -> true, of those who wait now, and not for a transfer

local new_semaphore

-- nginx asks for lua-resty-core itself; another one of the worker's may come before it.
local function need_semaphores()
  if new_semaphore then return true end
  local ok, module = pcall(require, "ngx.semaphore")
  if not ok then return nil, "luaprov needs lua-resty-core (Debian's package of that name): " .. tostring(module) end
  new_semaphore = module.new
  return true
end

local function semaphore()
  local count = #semaphores
  if count == 0 then
    assert(need_semaphores())
    return assert(new_semaphore(0))
  end
  local sem = semaphores[count]
  semaphores[count] = nil
  return sem
end

function M.wake(waiter, value)
  if waiter.full then return end
  waiter.full, waiter.value = true, value
  if waiter.sem then waiter.sem:post(1) end
end

-- Waits until the waiter is full, or until `at`.
local function park(waiter, at)
  local sem = waiter.sem
  local woken
  repeat
    local left = at and at - core.now() or LONG
    woken = sem:wait(math.max(SHORT, math.min(left, LONG)))
  until waiter.full or at and core.now() >= at
  if not waiter.full then
    waiter.full, waiter.value = true, "timeout"
  elseif not woken then
    sem:wait(0) -- it was posted, and the time was over, in the same turn of the worker
  end
end

-- ---- transfers ----

local driver
local transfers = {} -- slot of its id -> its waiter, or false
local in_flight = 0
local reading = false -- the bell
local told = {} -- slots, used again and again
local waiters = {} -- that nobody uses

local function drop(waiter)
  if transfers[waiter.slot] ~= waiter then return end
  transfers[waiter.slot] = false
  in_flight = in_flight - 1
end

-- A semaphore counts who waits for it as one less, and a wake that nobody has seen yet as one more.
local function is_dead(waiter) return waiter.sem:count() >= (waiter.full and 1 or 0) end

-- Looks for those whose light threads have been ended.
local function sweep()
  local dead = {}
  for waiter in pairs(parked) do
    if is_dead(waiter) then dead[#dead + 1] = waiter end
  end
  for _, waiter in pairs(transfers) do
    if waiter and waiter.sem and is_dead(waiter) then dead[#dead + 1] = waiter end
  end
  for _, waiter in ipairs(dead) do
    parked[waiter] = nil
    waiter.full = true
    if waiter.id then
      driver:forget(waiter.id)
      drop(waiter)
    end
    bury(waiter.co)
    local place = waiter.place and waiter.place.around
    while place do
      bury(coroutine_of(place))
      place = place.around
    end
    waiter.co, waiter.place = false, false -- its task may know it
  end
end

-- Wakes who waits for what has ended, some of them at a time: the worker serves others in between. Returns how many.
local function tell()
  local count = driver:reap(told)
  for i = 1, count do
    local waiter = transfers[told[i]]
    if waiter then M.wake(waiter, true) end
  end
  return count
end

local function read_from(bell, connected)
  local swept = core.now()
  while true do
    local count = tell()
    -- Whoever has something to undo and waits elsewhere, in ngx.sleep say, is not seen by a sweep.
    local idle = count == 0 and in_flight == 0 and next(parked) == nil
    -- The engine's thread rings some times a second, so that nobody who was ended is long in the way.
    if core.now() - swept >= SWEEP then
      sweep()
      swept = core.now()
      if idle then break end
    end
    if connected then connected = bell:receive(1)
    else ngx.sleep(count > 0 and SHORT or POLL) end
  end
end

local function read_bell(_, path)
  local bell = ngx.socket.tcp()
  bell:settimeout(LONG * 1000)
  local connected = bell:connect("unix:" .. path)
  connected = driver:answer() and connected
  local ok, why = pcall(read_from, bell, connected)
  reading = false
  bell:close()
  if not ok then error(why, 0) end
end

-- Where the bell hangs while it is being connected to.
local function folder() return os.getenv "TMPDIR" or "/tmp" end

local function start_reading()
  local path, why = driver:hang(folder())
  if not path then return nil, "luaprov's engine cannot tell nginx what has ended: " .. why end
  local ok
  ok, why = ngx.timer.at(0, read_bell, path)
  if not ok then
    driver:answer() -- takes it down
    return nil, "no timer can be started: " .. why
  end
  reading = true
  return true
end

-- The first call starts the engine; so does the first one in a process that was forked from another.
local function start()
  -- Whose bell is read in this process, its engine is there.
  if reading then return true end
  local ok, why = need_semaphores()
  if not ok then return nil, why end
  if not driver or not driver:is_ours() then
    driver, why = core.driver { per_host = PER_HOST }
    if not driver then return nil, "luaprov's engine cannot be started: " .. why end
  end
  return start_reading()
end

local function wait(waiter, at)
  local co = running()
  waiter.sem, waiter.co, waiter.place = semaphore(), co, M.current()
  local task = M.task_of(waiter.place)
  if task then task.waiting = waiter end
  park(waiter, at)
  if task then task.waiting = nil end
  semaphores[#semaphores + 1] = waiter.sem
  waiter.sem, waiter.co, waiter.place = false, false, false
  return waiter.value
end

function M.wait(waiter, at)
  check_phase()
  if waiter.full then return waiter.value end
  -- Whoever has something to undo is watched; the one around may have.
  local co = running()
  local place = places[co]
  if guards[co] or place and place.around then start() end
  parked[waiter] = true
  local value = wait(waiter, at)
  parked[waiter] = nil
  return value
end

local function cancel_transfer(waiter) driver:cancel(waiter.id) end

-- One of a transfer. Of those that wait for one their light threads alone know, and who looks at `transfers`.
local function new_waiter(id, slot)
  local count = #waiters
  local waiter = waiters[count]
  if not waiter then
    return {
      id = id, slot = slot, interrupt = cancel_transfer, sem = false, co = false, place = false, full = false,
      value = false,
    }
  end
  waiters[count] = nil
  waiter.id, waiter.slot, waiter.full, waiter.value = id, slot, false, false
  return waiter
end

function M.transfer(request)
  check_phase()
  local ok, why = start()
  if not ok then return nil, why, "unsupported" end
  local id, slot = driver:submit(request)
  if not id then return nil, slot end
  local waiter = new_waiter(id, slot)
  transfers[slot] = waiter
  in_flight = in_flight + 1
  wait(waiter)
  drop(waiter)
  waiters[#waiters + 1] = waiter
  return driver:take(id)
end

-- Nobody here ends a worker by Ctrl-C and reads what it says.
function M.open_call() end
function M.close_call() end

-- ---- tasks ----

-- Task -> its light thread, and the one that has started it.
local threads, owners = setmetatable({}, { __mode = "kv" }), setmetatable({}, { __mode = "kv" })

function M.start(task, body)
  check_phase()
  owners[task] = running()
  threads[task] = ngx.thread.spawn(function()
    new_place(task)
    body()
    places[running()] = nil
  end)
  return true
end

-- In a timer: it goes on whatever becomes of the request that runs now.
function M.start_alone(task, body)
  check_phase()
  local ok, why = ngx.timer.at(0, function()
    new_place(task)
    body()
    places[running()] = nil
  end)
  if not ok then return nil, "no timer can be started: " .. why end
  return true
end

-- Else nginx keeps it until its parent ends.
function M.collect(task)
  local thread = threads[task]
  if thread and owners[task] == running() then ngx.thread.wait(thread) end
  threads[task] = nil
end

local function refuse() error("the sandbox does not run within nginx: start it with `luaprov sandbox`", 0) end

M.watch, M.unwatch, M.run = refuse, refuse, refuse

return M
