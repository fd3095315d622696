--- Says what became of calls that nobody can wait for any more: after a Ctrl-C, and when a script ends in their midst.
local errors = require "luaprov.errors"
local finalizer = require "luaprov.runtime.finalizer"
local interrupts = require "luaprov.runtime.interrupts"
local loop = require "luaprov.runtime.loop"

local M = {}

--- The lines that were printed: a set.
M.told = {}

-- Calls of which an earlier try may have been carried out: whether that is still to be told. While they wait nothing of
-- them is on its way.
local open = {}

--- Says that a call may have been carried out already, although it goes on.
--- @param call table a request as `describe` takes it, and as its transfers have it
function M.open_call(call)
  if open[call] == nil then open[call] = true end
end

--- Says that whoever makes the call knows better, or is told.
function M.close_call(call) open[call] = nil end

local UNSENT = 20 -- how many calls that were not sent have a line each

local MEANING = { not_sent = "nothing was done", refused = "nothing was done", unknown = "it may have been done" }

-- Neither user and password nor what stands behind the path: there may be a secret in it. Of one in the path the caller
-- knows.
local function where(request)
  local url = request.shown and request:shown() or request.url
  local place = url:gsub("^%w+://", ""):gsub("[?#].*$", "")
  local host, path = place:match("^([^/]*)(.*)$")
  return host:gsub("^.*@", "") .. path
end

--- A line about a request.
--- @param request table method and url; shown, as http.exchange takes it
--- @param response table outcome, status: as the engine has them
--- @return string
--- @return boolean is_unsent
function M.describe(request, response)
  local outcome = response.outcome
  local words
  if outcome == "answered" and not response.failure then
    words = "answered, " .. tostring(response.status)
  else
    if outcome == "answered" then outcome = errors.outcome_of_status(response.status) end
    words = outcome .. ", " .. MEANING[outcome]
  end
  return request.method .. " " .. where(request) .. ": " .. words, outcome == "not_sent"
end

local function is_done(response)
  return response.outcome == "answered" and not response.failure and response.status >= 200 and response.status < 300
end

--- Cancels every transfer, and prints a line for each, and for each call that waits and may have been carried out.
--- @param why string what ended them
--- @param last table|nil the waiter of one more, which has its response
local function report(why, last)
  local lines, unsent = {}, 0
  local function add(waiter, response)
    if not response then return end
    local request = waiter.request
    if open[request] ~= nil then
      -- That its last try did nothing says nothing.
      open[request] = not is_done(response)
      if open[request] then return end
    end
    local line, is_unsent = M.describe(request, response)
    if is_unsent then unsent = unsent + 1 end
    if not is_unsent or unsent <= UNSENT then lines[#lines + 1] = line end
  end
  loop.end_transfers(add)
  if last and last.request then add(last, last.value) end
  for call, is_news in pairs(open) do
    if is_news then lines[#lines + 1] = (M.describe(call, { outcome = "unknown" })) end
    open[call] = false
  end
  table.sort(lines)
  if unsent > UNSENT then lines[#lines + 1] = unsent - UNSENT .. " calls more: not_sent, " .. MEANING.not_sent end
  if not lines[1] then return end
  for _, line in ipairs(lines) do M.told[line] = true end
  pcall(function()
    for _, line in ipairs(lines) do io.stderr:write("luaprov: ", why, ": ", line, "\n") end
  end)
end

--- From now on.
function M.start()
  function loop.on_interrupt(is_outer, waiter)
    report("interrupted", waiter)
    interrupts.raise(is_outer)
  end
  interrupts.before_end(function() report "interrupted" end)
  -- Made after the engine, and so called before the engine is closed.
  function loop.on_engine()
    M.at_exit = finalizer(function() report "ended with the script" end)
  end
end

return M
