--- The host of scripts: one engine, tasks as coroutines, and a loop that runs whenever somebody waits.
---
--- A task that waits gives way to the loop, also from a coroutine of its own. The main chunk, and a coroutine of it,
--- run the loop until what they wait for is there. Tasks that still run when the script ends end with it; a call of
--- theirs that was on its way is told on standard error, with its outcome.
local carry = require "luaprov.runtime.carry"
local loop = require "luaprov.runtime.loop"
local report = require "luaprov.runtime.report"

report.start()

local M = {
  now = loop.now, transfer = loop.transfer, wait = loop.wait, wake = loop.wake, current = carry.current,
  around = carry.around, watch = loop.watch, unwatch = loop.unwatch, run = loop.run,
  open_call = report.open_call, close_call = report.close_call,
}

function M.task() return loop.task end

M.task_of = M.task

function M.start(task, body)
  task.co = carry.create(body)
  loop.push(task)
  return true
end

M.start_alone = M.start

-- A coroutine that has ended leaves nothing behind, and what ends one in the midst of a wait ends the script.
function M.collect() end
M.kills = false
function M.guard() end
function M.unguard() end

-- Every process is on its own.
function M.store() end

return M
