--- Many at once: a function for each item of a list, in as many tasks as may run at once.
local context = require "luaprov.runtime.context"
local host = require "luaprov.runtime.host"
local tasks = require "luaprov.runtime.tasks"

local M = {}

-- Runs `work` in `count` tasks and waits for their end, whatever becomes of the task around them: they are cancelled
-- with it, and then end soon.
local function run(work, count)
  local waiter, workers, left = {}, {}, count
  local function on_end()
    left = left - 1
    if left == 0 then host.wake(waiter) end
  end
  for i = 1, count do workers[i] = tasks.child(work, on_end) end
  if count == 0 then return end
  local ok, err = pcall(host.wait, waiter)
  if ok then
    for _, worker in ipairs(workers) do host.collect(worker) end
    return
  end
  -- A Ctrl-C: nobody waits for them any more.
  for _, worker in ipairs(workers) do worker:cancel() end
  error(err, 0)
end

local function read_concurrency(options)
  if options ~= nil and type(options) ~= "table" then error("map takes a table of options third", 3) end
  local concurrency = options and options.concurrency or 16
  if type(concurrency) ~= "number" or concurrency < 1 or concurrency ~= concurrency then
    error("concurrency is a number of at least 1", 3)
  end
  for name in pairs(options or {}) do
    if name ~= "concurrency" then error("map has no option '" .. tostring(name) .. "' (there is concurrency)", 3) end
  end
  return concurrency
end

--- Calls `fn(item, index)` for every item of a list, many at once.
--- @param list table
--- @param fn function
--- @param options table|nil concurrency: how many at once, 16 by default
--- @return table results what fn returned first, by index; nil where it returned nil
--- @return table errors what fn returned second, by index; empty when all went well. When the task that maps is
---   cancelled, or its deadline passes, that is the error of the items that had not begun.
--- An error raised by fn is raised here, with its traceback, when the items that had begun have ended: it cancels none.
function M.map(list, fn, options)
  if type(list) ~= "table" then error("map takes a list first, not " .. type(list), 2) end
  if type(fn) ~= "function" then error("map takes a function second, not " .. type(fn), 2) end
  local concurrency = read_concurrency(options)
  local results, errors, raised = {}, {}, nil
  local next_index, count = 1, #list
  local function work()
    while next_index <= count and not raised and not context.stop() do
      local index = next_index
      next_index = index + 1
      local ok, result, err = xpcall(fn, context.traced, list[index], index)
      if ok then
        results[index], errors[index] = result, err
      else
        raised = raised or { result }
      end
    end
  end
  run(work, math.min(math.floor(concurrency), count))
  if raised then error(raised[1], 0) end
  local stop = next_index <= count and context.stop()
  for index = next_index, stop and count or 0 do errors[index] = context.stopped(stop) end
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

return M
