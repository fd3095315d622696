--- Ctrl-C, where the interpreter tells of it; elsewhere it is as the host program has it.
---
--- While the loop runs an error in its midst would leave it half done, so it asks in each turn instead. A task's own
--- code is left alone for a while, too: most of it soon waits, and then the loop sees to it.
local carry = require "luaprov.runtime.carry"

local M = {}

-- Instructions of Lua, some milliseconds of them, after which a task that does not wait is interrupted in its midst.
local BUSY = 1000000

local host = debug.getregistry()["luaprov.interpreter"]

--- Whether a Ctrl-C came that the loop has to see to. This one, `loop` and `done` are nil where nobody tells of one.
M.came = host and host.came

--- Whether a Ctrl-C has been raised.
M.raised = host and host.raised or function() return false end

--- What was going on has been ended. Raises the Ctrl-C where the loop runs, if it is not an error there already: up to
--- the outermost loop. A second one, of a script that has caught the first, ends the process.
--- @param is_outer boolean
function M.raise(is_outer)
  if not is_outer then error("interrupted!", 0) end
  if host.take() then error("interrupted!", 0) end
end

--- Takes a Ctrl-C that came, for whoever sees to it; it is raised nowhere then. The next one ends the process.
function M.take()
  if host then host.take() end
end

--- Calls `fn` before a Ctrl-C ends the process at once.
M.before_end = host and host.before_end or function() end

if host then
  --- Says that the loop runs from now on, and may not be interrupted in its midst. What is said is undone by `done`.
  function M.loop() host.aim(nil) end

  local function aim(co, in_task) host.aim(co == carry.MAIN and true or co, in_task and BUSY or 1) end

  --- Says that the code of whoever has called the loop goes on.
  --- @param in_task boolean
  function M.done(in_task) aim(carry.current(), in_task) end

  carry.on_switch = aim
end

return M
