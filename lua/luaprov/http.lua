--- One HTTP exchange, as Lua sees it.
local core = require "luaprov.core"
local date = require "luaprov.date"
local errors = require "luaprov.errors"
local runtime = require "luaprov.runtime"
local tables = require "luaprov.tables"
local transports = require "luaprov.transport"

local M = {}

local bounds, transfer = runtime.bounds, runtime.transfer

M.now = runtime.now

local function seconds_until(value, headers)
  local seconds = value:match("^%-?%d+$")
  if seconds then
    seconds = tonumber(seconds)
    return seconds >= -1 and seconds or nil
  end
  local at = date.read(value)
  return at and math.max(0, at - date.now(headers))
end

--- RFC 9110, 10.2.3: a number of seconds or a date. Of several the latest: nothing that was said is then ignored.
--- @param headers table of an answer: its Date tells the vendor's clock, which need not be ours
--- @return number|nil seconds from now; -1 where the vendor sends -1; nil for what cannot be read
function M.retry_after(headers)
  local value = headers["retry-after"]
  if not value then return nil end
  local latest, before
  for part in value:gmatch "[^,]+" do
    part = part:match "^%s*(.-)%s*$"
    -- A date has a comma, too.
    local seconds = before and seconds_until(before .. ", " .. part, headers) or seconds_until(part, headers)
    if seconds and (not latest or seconds > latest) then latest = seconds end
    before = part
  end
  return latest
end

local function failed(response)
  local outcome = response.outcome
  if outcome == "answered" then
    outcome = errors.outcome_of_status(response.status, M.retry_after(response.headers))
  end
  return errors.new {
    kind = response.failure, outcome = outcome, message = response.message, status = response.status,
    retry_after = M.retry_after(response.headers),
  }
end

-- RFC 9110, 15.5.8: of plain HTTP a proxy says so in place of the vendor, which never saw the request.
local function refused_by_proxy(response)
  return errors.new {
    kind = "network", outcome = "refused",
    message = "the proxy " .. response.proxy .. " wants credentials that it accepts (it answered 407)",
  }
end

--- Runs a function once for all who ask with the same key while it runs.
M.share = runtime.share

--- Reads what is the same for many requests: method, headers, connect_timeout, keep_url, limit. They have it as
--- `prepared`, and what they have of these themselves counts no more.
--- @param request table as `exchange` takes it, with headers, order and connect_timeout
--- @return userdata|nil prepared nil where there is a fault, which `exchange` tells
M.prepare = core.prepare

--- Sends one request once and waits for its answer. Redirects are not followed. In a task that is cancelled nothing is
--- sent, and within a deadline (see luaprov.deadline) it waits for no longer.
--- @param request table method, url (already escaped), keep_url (true: nothing in it is secret, and it comes
---   again: it is not parsed each time; one with a query is), headers ({ name = value }), body (string or nil),
---   deadline (seconds of http.now(), for the whole exchange), connect_timeout (seconds), limit (bytes of the answer's
---   body, 8 MiB by default), transport (of luaprov.transport), shown (function(request) -> the
---   URL as it may be printed, or nil), order (the names of all headers, sorted: whoever sends many
---   of the same knows it), prepared (of `prepare`; headers and order tell what is in it). It gains what the
---   engine wants to know besides.
--- @param _ string|nil what it is for, an operation's name or "token": for whoever stands in its place
--- @param now number|nil seconds of http.now(), of whoever knows it
--- @return table|nil response status, headers (names in lower case), body, http (10, 11 or 20)
--- @return luaprov.Error|nil err
--- @return table|nil part what had arrived, when headers and status did and the body did not
function M.exchange(request, _, now)
  local cancelled, deadline = bounds()
  if cancelled then
    return nil, errors.new { kind = "cancelled", outcome = "not_sent", message = "the task was cancelled" }
  end
  local ends = request.deadline
  if deadline and deadline < ends then ends = deadline end
  local left = ends - (now or runtime.now())
  if left <= 0 then
    return nil, errors.new { kind = "timeout", outcome = "not_sent", message = "no time is left for the request" }
  end
  request.timeout = left
  if not request.prepared then
    if not request.connect_timeout then request.connect_timeout = 10 end
    request.headers = request.headers or {}
    request.order = request.order or tables.keys(request.headers)
  end
  local ok, response, why, kind = true, nil, nil, nil
  if request.transport then ok, why = transports.apply(request.transport, request) end
  if ok then response, why, kind = transfer(request) end
  if not response then return nil, errors.new { kind = kind or "invalid", outcome = "not_sent", message = why } end
  if response.status == 407 and response.proxy and request.url:find("^[Hh][Tt][Tt][Pp]:") then
    return nil, refused_by_proxy(response)
  end
  if response.failure then
    return nil, failed(response), response.outcome == "answered" and response or nil
  end
  return response
end

return M
