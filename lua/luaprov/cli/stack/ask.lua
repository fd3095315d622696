--- Asks somebody at a terminal.
local core = require "luaprov.core"

local M = {}

--- Whether there is anybody to be asked.
function M.can() return core.isatty(0) end

--- @param question string
--- @return boolean whether the answer is `yes`, and nothing else
function M.yes(question)
  io.stdout:flush()
  io.stderr:write(question, " Only yes does it: ")
  local answer = io.read "*l"
  if not answer then io.stderr:write("\n") end
  return answer ~= nil and answer:match("^%s*(.-)%s*$") == "yes"
end

return M
