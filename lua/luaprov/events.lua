--- What happens, for whoever wants to see it: `luaprov.on("call", fn)`, LUAPROV_LOG=debug and `luaprov call --verbose`.
---
--- Nothing in an event is secret. What is done stays done, whatever a listener does: its error is told on standard
--- error, and changes nothing for the call.
local M = {}

local listeners = { call = {}, attempt = {} }
local lines = (os.getenv("LUAPROV_LOG") or ""):lower() == "debug"

--- Whether anybody listens: event -> boolean.
M.heard = { call = lines, attempt = false }

local function note(name) M.heard[name] = listeners[name][1] ~= nil or name == "call" and lines end

-- What a call ended with: its status, and what it came to.
local function line_of(event)
  local parts = { event.provider, event.resource, event.operation }
  parts[#parts + 1] = tostring(event.status or "-")
  parts[#parts + 1] = event.kind and event.kind .. "/" .. event.outcome or event.outcome
  local waited = event.waited >= 0.0005 and (", %.3f s of them for its turn"):format(event.waited) or ""
  return ("luaprov: %s, %d attempt%s, %.3f s%s%s\n"):format(table.concat(parts, " "), event.attempts,
    event.attempts == 1 and "" or "s", event.seconds, waited, event.trace_id and ", trace id " .. event.trace_id or "")
end

--- Calls a function whenever something happens, in the midst of the call: it should neither wait nor call the vendor.
--- The first error that it raises is printed on standard error; none goes any further.
---@param name string "call": a call has ended; "attempt": one try of it has
---@param fn function gets a table: provider, resource, operation, method; status (of the last answer); outcome ("done",
---  or as in an error), kind (of its error), trace_id, attempts (so far), seconds (all of it), waited (seconds of those
---  that it waited for its turn)
---@return function off ends it
function M.on(name, fn)
  if not listeners[name] then error("there is no event '" .. tostring(name) .. "' (there are call and attempt)", 2) end
  if type(fn) ~= "function" then error("on takes a function second, not " .. type(fn), 2) end
  local mine, list = { fn = fn }, {}
  -- Whoever comes and goes while an event is told changes nothing of who hears it.
  for i, there in ipairs(listeners[name]) do list[i] = there end
  list[#list + 1] = mine
  listeners[name] = list
  note(name)
  return function()
    local rest = {}
    for _, there in ipairs(listeners[name]) do
      if there ~= mine then rest[#rest + 1] = there end
    end
    listeners[name] = rest
    note(name)
  end
end

--- From now on, a line a call on standard error.
function M.show()
  lines = true
  note "call"
end

local function copy_of(event)
  local copy = {}
  for key, value in pairs(event) do copy[key] = value end
  return copy
end

local function traced(err)
  if type(err) ~= "string" then return { text = tostring(err) } end
  return { text = debug.traceback(err, 2), interrupts = err:find "interrupted!$" and err }
end

local function complain(listener, name, err)
  if err.interrupts then error(err.interrupts, 0) end -- a Ctrl-C is no fault of the listener
  if listener.failed then return end
  listener.failed = true
  pcall(function()
    io.stderr:write("luaprov: a listener of '", name, "' failed: ", err.text, "\n")
  end)
end

--- Tells everybody who listens.
--- @param name string
--- @param event table
function M.emit(name, event)
  if name == "call" and lines then io.stderr:write(line_of(event)) end
  for _, listener in ipairs(listeners[name]) do
    local ok, err = xpcall(function() listener.fn(copy_of(event)) end, traced)
    if not ok then complain(listener, name, err) end
  end
end

return M
