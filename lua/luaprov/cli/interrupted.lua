--- What became of a call that a Ctrl-C has ended, as far as the report of what was on its way does not say it: earlier
--- tries, and that nothing was sent.
local errors = require "luaprov.errors"
local http = require "luaprov.http"
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
  return { outcome = errors.outcome_of_status(response.status, http.retry_after(response.headers)) }
end

--- An exchange that is watched, as `client.new` takes it.
--- @param exchange function
--- @return function
function M:watch(exchange)
  return function(request, what)
    self.on_its_way, self.request = what, request
    local response, err, part = exchange(request, what) -- a Ctrl-C is an error here
    if what == self.operation then
      local became = outcome_of(response, err)
      local line = report.describe(request, became)
      if not self.tried[line] then
        self.tried[#self.tried + 1] = line
        self.tried[line] = became.outcome
      end
    end
    self.on_its_way = nil
    return response, err, part
  end
end

--- @return string[] lines of what the report has not said
function M:lines()
  local lines, operation = {}, self.operation
  -- It has been answered, and there was no time to see how.
  if self.on_its_way and next(report.told) == nil then
    lines[1] = report.describe(self.request, { outcome = "unknown" })
  end
  for _, line in ipairs(self.tried) do
    -- A try that did nothing says nothing beside one that was on its way.
    local did_nothing = self.tried[line] == "refused" or self.tried[line] == "not_sent"
    local is_news = not (did_nothing and self.on_its_way == operation) and not report.told[line]
    if CHANGES[operation] and is_news and line ~= lines[1] then lines[#lines + 1] = line end
  end
  if CHANGES[operation] and not self.tried[1] and self.on_its_way ~= operation then
    lines[#lines + 1] = self.about .. ": not_sent, nothing was done"
  elseif not CHANGES[operation] and not self.on_its_way then
    lines[1] = self.about
  end
  return lines
end

return M
