--- What a call returns as `nil, err` when the network or a vendor said no.
local M = {}

--- Every `err.kind`.
M.kinds = {
  "invalid", "unauthorized", "forbidden", "payment_required", "not_found", "conflict", "rejected", "quota_exceeded",
  "rate_limited", "unavailable", "timeout", "network", "tls", "protocol", "cancelled", "too_large", "unsupported",
}

--- Every `err.outcome`: nothing can have happened; the vendor answered that it did not act; it may have acted.
M.outcomes = { "not_sent", "refused", "unknown" }

---@class luaprov.Error
---@field kind string one of errors.kinds
---@field message string
---@field outcome string one of errors.outcomes
---@field provider string|nil
---@field resource string|nil
---@field operation string|nil
---@field status integer|nil HTTP status, when an answer came
---@field codes string[] the vendor's own codes, as its documentation writes them
---@field trace_id string|nil
---@field retry_after number|nil seconds; -1: the vendor wants fewer calls at once and names no time
---@field attempts table[]|nil the tries: at (seconds since the first), seconds, status, kind, outcome, why, waited each
---@field candidates table[]|nil of a create whose outcome is unknown: the records that it may have made
---@field details table|nil faults of a table ({ path, message, problem } each), or what the vendor answered
local mt = { __name = "luaprov.error" }

function mt.__tostring(err)
  local where = {}
  for _, name in ipairs { "provider", "resource", "operation" } do
    if err[name] then where[#where + 1] = err[name] end
  end
  local facts = {}
  if err.status then facts[1] = tostring(err.status) end
  for _, code in ipairs(err.codes) do facts[#facts + 1] = code end
  return (#where > 0 and table.concat(where, " ") .. ": " or "")
    .. err.kind .. ": " .. err.message
    .. (#facts > 0 and " (" .. table.concat(facts, ", ") .. ")" or "")
end

function mt.__concat(a, b) return tostring(a) .. tostring(b) end

--- @param fields table kind, message and outcome at least
--- @return luaprov.Error
function M.new(fields)
  fields.codes = fields.codes or {}
  return setmetatable(fields, mt)
end

function M.is(value) return getmetatable(value) == mt end

--- The error of a table with faults, all of them in one message.
--- @param faults table[] { path = "a.b", message = "is required", problem = "required" } each
--- @param fields table|nil further fields of the error
function M.invalid(faults, fields)
  local lines = {}
  for i, fault in ipairs(faults) do
    lines[i] = (fault.path ~= "" and fault.path .. " " or "") .. fault.message
  end
  local err = { kind = "invalid", outcome = "not_sent", message = table.concat(lines, "; "), details = faults }
  for name, value in pairs(fields or {}) do err[name] = value end
  return M.new(err)
end

local KIND_OF_STATUS = {
  [400] = "invalid", [401] = "unauthorized", [402] = "payment_required", [403] = "forbidden", [404] = "not_found",
  [408] = "timeout", [409] = "conflict", [410] = "not_found", [422] = "invalid", [429] = "rate_limited",
  [501] = "unsupported",
}

--- @param status integer
--- @return string kind where the provider file says nothing better
function M.kind_of_status(status)
  if KIND_OF_STATUS[status] then return KIND_OF_STATUS[status] end
  if status >= 500 then return "unavailable" end
  if status >= 400 then return "rejected" end
  return "protocol"
end

--- RFC 9110, 15: what an answered status says about whether the vendor acted.
--- @param status integer
--- @param retry_after number|nil
--- @return string outcome
function M.outcome_of_status(status, retry_after)
  if status >= 400 and status < 500 and status ~= 408 then return "refused" end
  if status == 503 and retry_after then return "refused" end
  return "unknown"
end

return M
