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
    self.on_its_way = what
    local response, err, part = exchange(request, what) -- a Ctrl-C is an error here
    self.on_its_way = nil
    if what == self.operation then
      local line = report.describe(request, outcome_of(response, err))
      if not self.tried[line] then self.tried[#self.tried + 1] = line end
      self.tried[line] = true
    end
    return response, err, part
  end
end

--- @return string[] lines of what the report has not said
function M:lines()
  if CHANGES[self.operation] then
    if self.tried[1] or self.on_its_way == self.operation then return self.tried end
    return { self.about .. ": not_sent, nothing was done" }
  end
  return self.on_its_way and {} or { self.about }
end

return M
