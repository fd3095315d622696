-- A sandbox in a process of its own, as `luaprov sandbox` starts it.
local M = {}
M.__index = M

local build = os.getenv("LUAPROV_BUILD") or "build"

--- @param arguments string|nil of the command line
--- @param environment string|nil what stands before the command: "A=b cd folder;"
--- @return table process pid, exports ({ NAME = value }), lines (all that it printed), url
function M.start(arguments, environment)
  local program = build:sub(1, 1) == "/" and build or io.popen("pwd"):read("*l") .. "/" .. build
  local pipe = assert(io.popen(("%s echo $$; exec %s/bin/luaprov sandbox %s"):format(environment or "", program,
    arguments or ""), "r"))
  local self = setmetatable({ pipe = pipe, pid = pipe:read("*l"), exports = {}, lines = {} }, M)
  for line in pipe:lines() do
    self.lines[#self.lines + 1] = line
    local name, value = line:match("^export ([%w_]+)=(.*)$")
    if name then self.exports[name] = value end
    self.url = line:match("^# luaprov sandbox at (%S+):")
    if self.url then return self end
  end
  pipe:close()
  error("the sandbox did not start: " .. table.concat(self.lines, "\n"))
end

--- Ends it and waits until it has ended.
--- @param signal string|nil "KILL"; TERM by default
function M:stop(signal)
  if not self.pipe then return end
  os.execute(("kill -%s %s 2>/dev/null"):format(signal or "TERM", self.pid))
  self.pipe:read("*a")
  self.pipe:close()
  self.pipe = nil
end

return M
