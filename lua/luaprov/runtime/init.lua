--- How a call waits. The rest of luaprov knows a runtime only by this name.
local context = require "luaprov.runtime.context"
local events = require "luaprov.runtime.events"
local host = require "luaprov.runtime.host"
local map = require "luaprov.runtime.map"
local tasks = require "luaprov.runtime.tasks"

local M = {}

--- Seconds of a clock that never goes back.
M.now = host.now

--- One request.
M.transfer = host.transfer

--- Whom to wait for, and how long.
M.event = events.new
M.sleep = events.sleep
M.sleep_until = events.sleep_until
M.deadline = context.deadline
M.deadline_now = context.deadline_now
M.cancelled = context.cancelled
M.bounds = context.bounds

--- Several at once.
M.spawn = tasks.spawn
M.share = tasks.share
M.map = map.map
M.all = map.all

--- What is to be undone if the code that runs never goes on.
M.kills = host.kills
M.guard = host.guard
M.unguard = host.unguard

--- What is to be said of a call if the script ends before it.
M.open_call = host.open_call
M.close_call = host.close_call

--- What other processes see, too, or nil.
M.store = host.store

--- For those who share the loop.
M.watch = host.watch
M.unwatch = host.unwatch

--- Runs the loop until `done()` is true: for a process that serves, and waits for nothing of its own.
--- @param done function asked before and within every turn
function M.run_until(done) host.run(done) end

return M
