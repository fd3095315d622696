--- The runtime of scripts: one engine, tasks as coroutines, and a loop that runs whenever somebody waits.
---
--- A task that waits yields to the loop. The main chunk, and a coroutine that is not a task, run the loop until what
--- they wait for is there.
local core = require "luaprov.core"

local M = {}

local engine
local slots = {}           -- id of a transfer -> the slot that its response goes into
local tasks = setmetatable({}, { __mode = "k" }) -- coroutine -> true
local ready = { first = 1, last = 0 } -- coroutines to resume, in order

-- A coroutine of the user within a task runs the loop within the loop. Lua 5.4 has room for about fifty of these on its
-- C stack; beyond DEPTH, tasks that could go on wait until no transfer is left or an inner loop has ended.
local DEPTH = 16

-- Seconds that one turn of the loop may wait; a transfer's own deadline ends it earlier. A Ctrl-C ends it at once, but
-- one that comes just before the wait begins is seen only when it is over.
local DRIVE = 1

local watchers = {} -- those who share the loop: { fd, on_turn, due = when it wants to be called }
local calling = false -- one of them

local function push_ready(co)
  ready.last = ready.last + 1
  ready[ready.last] = co
end

-- A slot is one value that somebody waits for.
local function fill(slot, value)
  slot.full, slot.value = true, value
  for _, co in ipairs(slot) do push_ready(co) end
end

local function resume_ready()
  while ready.first <= ready.last do
    local co = ready[ready.first]
    ready[ready.first] = nil
    ready.first = ready.first + 1
    local ok, err = coroutine.resume(co)
    if not ok then error(err, 0) end -- a task's body is protected: this is a fault of ours
  end
  ready.first, ready.last = 1, 0
end

local function reap()
  for _, id in ipairs(engine:reap()) do
    local slot = slots[id]
    slots[id] = nil
    if slot then fill(slot, engine:take(id)) end
  end
end

-- Seconds that the next turn may wait.
local function patience()
  local seconds, now = DRIVE, nil
  for _, watcher in ipairs(watchers) do
    if watcher.due then
      now = now or core.now()
      seconds = math.min(seconds, math.max(0, watcher.due - now))
    end
  end
  return seconds
end

-- From the last to the first: a watcher may unwatch itself.
local function call_watchers()
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
end

local function turn(ended, depth)
  if depth <= DEPTH or not engine or engine:in_flight() == 0 then resume_ready() end
  if ended() then return end
  if not watchers[1] and (not engine or engine:in_flight() == 0 and engine:drive(0) == 0) then
    error("a task waits for something that nothing will bring", 0)
  end
  engine:drive(watchers[1] and patience() or DRIVE)
  reap()
  if watchers[1] then call_watchers() end
end

local depth_now = 0

local function run(ended, depth)
  if calling then error("on_turn is part of the loop: it may not wait", 0) end
  while not ended() do
    depth_now = depth
    turn(ended, depth)
  end
  depth_now = depth - 1
end

local function wait(slot)
  local co, main = coroutine.running()
  if co and not main and tasks[co] then
    while not slot.full do
      slot[#slot + 1] = co
      coroutine.yield()
    end
  else
    run(function() return slot.full end, co and not main and depth_now + 1 or 1)
  end
  return slot.value
end

--- Sends a request and waits for its response.
--- @param request table as luaprov.core's engine takes it
--- @return table|nil response
--- @return string|nil why the request may not be sent
function M.transfer(request)
  engine = engine or core.engine()
  local id, why = engine:submit(request)
  if not id then return nil, why end
  local slot = {}
  slots[id] = slot
  return wait(slot)
end

local function traced(err)
  if type(err) ~= "string" then return err end
  return debug.traceback(err, 2)
end

local function start(fn, slot)
  local co = coroutine.create(function()
    local result = { xpcall(fn, traced) }
    fill(slot, result)
  end)
  tasks[co] = true
  push_ready(co)
end

local shared = setmetatable({}, { __mode = "k" }) -- key -> slot of the call that is going on

--- Runs `fn` once for all who ask with the same key while it runs: the others wait, and get what it returned.
--- It is a task of its own, so that it goes on whoever waits for it, and however.
--- @param key table
--- @param fn function returns at most two values
function M.share(key, fn)
  local slot = shared[key]
  if not slot then
    slot = {}
    shared[key] = slot
    start(function()
      local ok, value, err = pcall(fn)
      shared[key] = nil
      return ok, value, err
    end, slot)
  end
  local result = wait(slot)
  if not result[2] then error(result[3], 0) end
  return result[3], result[4]
end

--- Calls `fn(item, index)` for every item of a list, many at once.
--- @param list table
--- @param fn function
--- @param options table|nil concurrency: how many at once, 16 by default
--- @return table results what fn returned first, by index; nil where it returned nil
--- @return table errors what fn returned second, by index; empty when all went well
--- An error raised by fn is raised here, with its traceback, when the items that had begun have ended.
function M.map(list, fn, options)
  if type(list) ~= "table" then error("map takes a list first, not " .. type(list), 2) end
  if type(fn) ~= "function" then error("map takes a function second, not " .. type(fn), 2) end
  if options ~= nil and type(options) ~= "table" then error("map takes a table of options third", 2) end
  local concurrency = options and options.concurrency or 16
  if type(concurrency) ~= "number" or concurrency < 1 then error("concurrency is a number of at least 1", 2) end
  for name in pairs(options or {}) do
    if name ~= "concurrency" then error("map has no option '" .. tostring(name) .. "' (there is concurrency)", 2) end
  end
  local results, errors, raised = {}, {}, nil
  local next_index, count = 1, #list
  local function work()
    while next_index <= count and not raised do
      local index = next_index
      next_index = index + 1
      local result = { xpcall(function() return fn(list[index], index) end, traced) }
      if result[1] then
        results[index], errors[index] = result[2], result[3]
      else
        raised = raised or { result[2] }
      end
    end
  end
  local slots_of_workers = {}
  for i = 1, math.min(concurrency, count) do
    slots_of_workers[i] = {}
    start(work, slots_of_workers[i])
  end
  for _, slot in ipairs(slots_of_workers) do wait(slot) end
  if raised then error(raised[1], 0) end
  return results, errors
end

--- Calls several functions at once.
--- @param functions function[]
--- @return table results as map
--- @return table errors as map
function M.all(functions)
  if type(functions) ~= "table" then error("all takes a list of functions", 2) end
  return M.map(functions, function(fn) return fn() end, { concurrency = math.max(1, #functions) })
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
  engine = engine or core.engine()
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

--- Runs the loop until `done()` is true: for a process that serves, and waits for nothing of its own.
--- @param done function asked before and within every turn
function M.run_until(done)
  local co, main = coroutine.running()
  run(done, co and not main and depth_now + 1 or 1)
end

return M
