-- Processes that are waited for while the sandboxes of this one go on.
local core = require "luaprov.core"
local luaprov = require "luaprov"

local M = {}

local LONGEST = 240 -- seconds that a command may take

local function read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read("*a")
  file:close()
  return text
end

--- Runs a command of the shell in a folder.
--- @return integer status the exit status
--- @return string output of both streams
function M.run(folder, command)
  local status = folder .. "/status"
  os.remove(status)
  os.execute(("cd '%s' && { timeout -k 5 %d %s >output 2>&1 </dev/null; echo $? >status.new; mv status.new status; } &")
    :format(folder, LONGEST, command))
  local ends, code = core.now() + LONGEST + 20, nil
  while not code do
    if core.now() > ends then error("did not end: " .. command) end
    luaprov.sleep(0.02)
    code = read(status)
  end
  return tonumber(code), read(folder .. "/output") or ""
end

--- What a command of the shell printed, at once.
function M.text(command)
  local pipe = assert(io.popen(command, "r"))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

return M
