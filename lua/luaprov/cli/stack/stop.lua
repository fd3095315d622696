--- A Ctrl-C in the midst of many calls: the first lets what is on its way end, and nothing new begins; the second ends
--- the process at once.
local interrupts = require "luaprov.runtime.interrupts"
local loop = require "luaprov.runtime.loop"

local M = {}

local Stop = {}
Stop.__index = Stop

function M.new() return setmetatable({ asked = false }, Stop) end

--- Runs `work`; a Ctrl-C meanwhile is no error in it.
--- @param work function
--- @param tell function called at the first Ctrl-C
--- @return any what work returns
function Stop:during(work, tell)
  local before = loop.on_interrupt
  function loop.on_interrupt(...)
    if self.asked then return before(...) end
    self.asked = true
    interrupts.take()
    tell()
  end
  local results = { pcall(work) }
  loop.on_interrupt = before
  if not results[1] then error(results[2], 0) end
  return results[2], results[3]
end

--- Whether nothing new is to begin: a function, as apply.run takes it.
function Stop:wanted()
  return function() return self.asked end
end

return M
