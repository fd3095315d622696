--- What happens, for whoever wants to see it: `luaprov.on("call", fn)`, and LUAPROV_LOG=debug.
local M = {}

local NAMES = { call = true, attempt = true }
local listeners = { call = {}, attempt = {} }

local function line_of(event)
  local facts = {}
  for _, name in ipairs { "status", "kind", "outcome", "trace_id" } do
    if event[name] then facts[#facts + 1] = name .. "=" .. tostring(event[name]) end
  end
  return ("luaprov: %s %s %s %d attempt%s %.3f s %s\n"):format(event.provider, event.resource, event.operation,
    event.attempts, event.attempts == 1 and "" or "s", event.seconds, table.concat(facts, " "))
end

local debug_on = (os.getenv("LUAPROV_LOG") or ""):lower() == "debug"

--- Calls a function whenever something happens. An error in it is the caller's.
---@param name string "call": a call has ended; "attempt": one try of it has
---@param fn function gets a table: provider, resource, operation, method, status, kind, outcome, trace_id, attempts,
---  seconds; nothing in it is secret
---@return function off ends it
function M.on(name, fn)
  if not NAMES[name] then error("there is no event '" .. tostring(name) .. "' (there are call and attempt)", 2) end
  if type(fn) ~= "function" then error("on takes a function second, not " .. type(fn), 2) end
  local list = listeners[name]
  list[#list + 1] = fn
  return function()
    for i, there in ipairs(list) do
      if there == fn then
        table.remove(list, i)
        return
      end
    end
  end
end

--- Whether anybody listens.
function M.wanted(name) return listeners[name][1] ~= nil or name == "call" and debug_on end

function M.emit(name, event)
  for _, fn in ipairs(listeners[name]) do fn(event) end
  if name == "call" and debug_on then io.stderr:write(line_of(event)) end
end

return M
