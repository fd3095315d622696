-- Sits at a terminal and talks with a program: a pseudo-terminal of script(1), a step at a time.
local M = {}
M.__index = M

local SECONDS = 60 -- after these the program is ended, so that a prompt that never comes does not keep the tests

--- @param line string a simple command, in FOLDER/work
function M.start(folder, line)
  local file = assert(io.open(folder .. "/line", "w"))
  file:write("cd " .. folder .. "/work && exec " .. line .. "\n") -- a shell that stayed would meet Ctrl-C, too
  file:close()
  assert(os.execute(("cd %s && rm -f keys && mkfifo keys"):format(folder)))
  local self = setmetatable({ seen = "" }, M)
  -- An inputrc of this machine's would change what is seen; `dumb` has no escape sequences.
  self.pipe = assert(io.popen(("unset LD_PRELOAD; cd %s && TERM=dumb INPUTRC=/dev/null timeout %d "
    .. "script -qec 'exec sh ./line' /dev/null <keys 2>&1; echo \"status $?\""):format(folder, SECONDS), "r"))
  -- For reading, too: a key pressed after the program has ended is not to end the tests.
  self.keys = assert(io.open(folder .. "/keys", "r+"))
  self.keys:setvbuf("no")
  return self
end

--- Reads on until what was read since the last call ends as `pattern` says; what was read, or nil and that at the end
--- of the program.
function M:wait_for(pattern)
  local read = ""
  while not read:find(pattern .. "$") do
    local byte = self.pipe:read(1)
    if not byte then return nil, read end
    read, self.seen = read .. byte, self.seen .. byte
  end
  return read
end

--- A prompt ends with "> " and begins a line: "<name> expected" is none.
function M:wait_for_prompt() return self:wait_for("\n[^\r\n<]*> ") end

function M:type(keys) self.keys:write(keys) end

--- Types every item of a list once the prompt in front of it is there, and Ctrl-D after the last.
---@return string transcript, number status
function M:say(lines)
  assert(self:wait_for_prompt(), "no prompt")
  return self:say_after(lines)
end

--- The same when the first prompt has been waited for.
function M:say_after(lines)
  for _, line in ipairs(lines) do
    self:type(line .. "\n")
    local said, rest = self:wait_for_prompt()
    assert(said, rest)
  end
  self:type("\4")
  return self:finish()
end

--- Waits for the end.
---@return string transcript, number status
function M:finish()
  self.seen = self.seen .. self.pipe:read("*a")
  self.keys:close()
  self.pipe:close()
  local text, status = self.seen:match("^(.*)status (%d+)\n$")
  return (text:gsub("\r", "")), tonumber(status)
end

return M
