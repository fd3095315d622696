--- Coroutines of the user within tasks: when one of them waits, its task waits, and the other tasks go on.
---
--- Only the task's own coroutine can give way to the loop, and it stands in the midst of `coroutine.resume` then. So
--- `resume` and `wrap` are replaced, once for the whole process, by ones that hand a wait on from the coroutine within
--- to the one around it; in everything else they do what Lua's do. (ngx_lua does the same within nginx.) Without it a
--- coroutine that waits would have to run the loop itself, below every other that does: it could go on only when all
--- that began to wait after it have ended, and two of them that wait for each other never would.
local M = {}

-- Lua's own, whoever has replaced them since: there may be several of us in a process, one after another.
local registry = debug.getregistry()
registry["luaprov.coroutine"] = registry["luaprov.coroutine"]
  or { resume = coroutine.resume, wrap = coroutine.wrap, close = rawget(coroutine, "close") }
local lua = registry["luaprov.coroutine"]
local create, running, status, yield = coroutine.create, coroutine.running, coroutine.status, coroutine.yield
local is_yieldable = rawget(coroutine, "isyieldable")

local MAIN = {} -- stands for the main chunk: LuaJIT has no coroutine for it

-- What a coroutine yields to say that it waits. A function: to be compared with one calls no metamethod.
local function WAIT() end

-- The coroutine that the loop has resumed: a task's; nil outside.
local base
-- Coroutine -> the one that has resumed it, while it runs or hands on a wait.
local around = setmetatable({}, { __mode = "kv" })
-- Coroutine -> true, where all those around it up to `base` can yield.
local open = setmetatable({}, { __mode = "k" })
-- Coroutine -> true, while it waits.
local waiting = setmetatable({}, { __mode = "k" })

--- Told whose code runs next, where the interpreter asks for it.
M.on_switch = nil

local function current()
  local co, is_main = running()
  return co and not is_main and co or MAIN
end

M.create = create
M.current = current
M.MAIN = MAIN

--- The coroutine that has resumed another one; what a task's stands on is nothing, what stands on nothing known stands
--- on the task, or on the main chunk.
function M.around(co)
  if co == base or co == MAIN then return nil end
  return around[co] or base or MAIN
end

--- Resumes a task's coroutine, for the loop.
--- @return boolean ok
--- @return any err
function M.resume(co)
  local before = base
  base = co
  if M.on_switch then M.on_switch(co, true) end
  local ok, err = lua.resume(co)
  if M.on_switch then M.on_switch(nil) end
  base = before
  return ok, err
end

--- Whether the running coroutine is a task's, or one within it whose wait can be handed on.
function M.can_wait()
  local co = running()
  return base ~= nil and (co == base or open[co] == true) and is_yieldable()
end

--- Gives way until the loop resumes the task. Only when `can_wait` says so.
function M.wait() yield(WAIT) end

local function came_back(co, me, ok, first, ...)
  if ok and first == WAIT then
    waiting[co] = true
    yield(WAIT)
    waiting[co] = nil
    if M.on_switch then M.on_switch(co, true) end
    return came_back(co, me, lua.resume(co))
  end
  around[co], open[co] = nil, nil
  if M.on_switch then M.on_switch(me, base ~= nil) end
  return ok, first, ...
end

local function resume(co, ...)
  if type(co) ~= "thread" then return lua.resume(co, ...) end
  if waiting[co] then return false, "cannot resume non-suspended coroutine" end
  -- It runs, or has resumed another one: Lua refuses it.
  if around[co] or co == base then return lua.resume(co, ...) end
  local me = current()
  around[co] = me
  if base and (me == base or open[me]) and is_yieldable() then open[co] = true end
  if M.on_switch then M.on_switch(co, base ~= nil) end
  return came_back(co, me, lua.resume(co, ...))
end

-- As Lua's wrap: a coroutine that failed is closed, and a message says where it was called.
local function unwrapped(co, ok, ...)
  if ok then return ... end
  local err = ...
  if lua.close and status(co) == "dead" then
    local closed, why = lua.close(co)
    if not closed then err = why end
  end
  error(err, type(err) == "string" and 2 or 0)
end

local function wrap(fn)
  if type(fn) ~= "function" then return lua.wrap(fn) end
  local co = create(fn)
  return function(...) return unwrapped(co, resume(co, ...)) end
end

rawset(coroutine, "resume", resume)
rawset(coroutine, "wrap", wrap)

return M
