--- What became of a call that a Ctrl-C has ended, as far as the report of what was on its way does not say it: earlier
--- tries, and that nothing was sent.
local errors = require "luaprov.errors"
local report = require "luaprov.runtime.report"

local M = {}
M.__index = M

local CHANGES = { create = true, update = true, delete = true }

--- @param about string the call, for a message
--- @param operation string
function M.new(about, operation) return setmetatable({ about = about, operation = operation, tried = {} }, M) end

local function outcome_of(response, err)
  if not response then return { outcome = err.outcome } end
  if response.status >= 200 and response.status < 300 then
    return { outcome = "answered", status = response.status }
  end
  return { outcome = errors.outcome_of_status(response.status, response.headers["retry-after"]) }
end

--- An exchange that is watched, as `client.new` takes it.
--- @param exchange function
--- @return function
function M:watch(exchange)
  return function(request, what)
    self.on_its_way, self.request = what, request
    local response, err, part = exchange(request, what) -- a Ctrl-C is an error here
    if what == self.operation then
      local line = report.describe(request, outcome_of(response, err))
      if not self.tried[line] then self.tried[#self.tried + 1] = line end
      self.tried[line] = true
    end
    self.on_its_way = nil
    return response, err, part
  end
end

--- @return string[] lines of what the report has not said
function M:lines()
  local lines, operation = {}, self.operation
  -- It has been answered, and there was no time to see how.
  if self.on_its_way and not report.told then
    lines[1] = report.describe(self.request, { outcome = "unknown" })
  end
  for _, line in ipairs(self.tried) do
    if CHANGES[operation] and line ~= lines[1] then lines[#lines + 1] = line end
  end
  if CHANGES[operation] and not self.tried[1] and self.on_its_way ~= operation then
    lines[#lines + 1] = self.about .. ": not_sent, nothing was done"
  elseif not CHANGES[operation] and not self.on_its_way then
    lines[1] = self.about
  end
  return lines
end

return M
