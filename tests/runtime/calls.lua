-- What the specs of tasks share: a listener that holds its answers back until a test says so.
local control = require "tests.contract.control"
local http = require "luaprov.http"

local M = {}

local listener

function M.start() listener = control.start() end

function M.stop() listener:stop() end

--- Answers for /1 to /COUNT, held back.
function M.hold(count)
  listener:reset()
  local answers = {}
  for i = 1, count do answers[i] = { match = { path = "/" .. i }, status = 200, text = "answer " .. i, hold = true } end
  listener:script(answers)
end

--- @return table|nil response
--- @return luaprov.Error|nil err
function M.call(path, options)
  local request = { method = "GET", url = listener.url .. path, deadline = http.now() + 20 }
  for name, value in pairs(options or {}) do request[name] = value end
  return http.exchange(request)
end

function M.get(path) return assert(M.call(path)).body end

--- Waits until as many requests have arrived; the others go on.
function M.arrived(count) M.get("/-/requests?wait=" .. count) end

--- Gives the oldest answers that are held.
function M.release(count) assert(M.call("/-/release?count=" .. count, { method = "POST", body = "" })) end

--- What had arrived.
function M.requests() return listener:requests() end

return M
