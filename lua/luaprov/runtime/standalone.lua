--- The runtime of scripts: one engine, tasks as coroutines, and a loop that runs whenever somebody waits.
---
--- A task that waits gives way to the loop, also from a coroutine of its own. The main chunk, and a coroutine of it,
--- run the loop until what they wait for is there. Tasks that still run when the script ends end with it; a call of
--- theirs that was on its way is told on standard error, with its outcome.
local context = require "luaprov.runtime.context"
local events = require "luaprov.runtime.events"
local loop = require "luaprov.runtime.loop"
local map = require "luaprov.runtime.map"
local report = require "luaprov.runtime.report"
local tasks = require "luaprov.runtime.tasks"

report.start()

local M = {}

--- Seconds of a clock that never goes back.
M.now = loop.now

--- One request.
M.transfer = loop.transfer

--- Whom to wait for, and how long.
M.event = events.new
M.sleep = events.sleep
M.sleep_until = events.sleep_until
M.deadline = context.deadline
M.deadline_now = context.deadline_now
M.cancelled = context.cancelled

--- Several at once.
M.spawn = tasks.spawn
M.share = tasks.share
M.map = map.map
M.all = map.all

--- For those who share the loop.
M.watch = loop.watch
M.unwatch = loop.unwatch

--- Runs the loop until `done()` is true: for a process that serves, and waits for nothing of its own.
--- @param done function asked before and within every turn
function M.run_until(done) loop.run(done) end

return M
