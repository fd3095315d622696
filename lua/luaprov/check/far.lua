--- The other process of a check, as the check sees it: starts it, and asks it. See `keeper`.
local errors = require "luaprov.errors"
local fill = require "luaprov.sandbox.fill"
local http = require "luaprov.http"
local json = require "luaprov.json"
local quote = require "luaprov.quote"

local M = {}
M.__index = M

local PATIENCE = 60 -- seconds for one answer

-- The same program, with the same modules.
local PROGRAM = [[
package.path, package.cpath = %q, %q
local ok, why = pcall(require("luaprov.check.keeper").main, %q, %q)
if not ok and not tostring(why):find("interrupted!", 1, true) then error(why, 0) end]]

--- Starts it.
--- @param file string of the provider
--- @return table|nil far
--- @return luaprov.Error|nil err
function M.start(file)
  local key = fill.uuid()
  local program = PROGRAM:format(package.path, package.cpath, file, key)
  -- $PPID: of the shell that popen starts, which is this process.
  local pipe, why = io.popen("exec /proc/$PPID/exe -e " .. quote(program) .. " /dev/null", "r")
  local url = pipe and pipe:read("*l")
  if url then return setmetatable({ pipe = pipe, url = url .. "/" .. key }, M) end
  if pipe then pipe:close() end
  return nil, errors.new { kind = "unsupported", outcome = "not_sent",
                           message = "the process of the sandboxes does not start" .. (why and ": " .. why or "") }
end

--- Asks for something. What goes wrong here is no matter of a cell, and is raised.
--- @param what table do (see `keeper`) and what that takes
--- @return table answer
function M:ask(what)
  local response, err = http.exchange {
    method = "POST", url = self.url, body = assert(json.encode(what)), deadline = http.now() + PATIENCE,
    limit = 64 * 1024 * 1024, transport = { proxy = false, about = "check" },
  }
  if not response then error("the process of the sandboxes does not answer: " .. tostring(err), 0) end
  local answer = json.decode(response.body)
  if type(answer) ~= "table" or answer.failed then
    error("the process of the sandboxes: " .. tostring(answer and answer.failed), 0)
  end
  return answer
end

--- Ends it; harmless when it has ended.
function M:stop()
  if not self.pipe then return end
  local pipe = self.pipe
  self.pipe = nil
  local ok, why = pcall(self.ask, self, { ["do"] = "stop" })
  if ok then pipe:close() end -- waits for its end
  return ok, why
end

return M
