--- The sandbox's HTTP side: takes requests from the listener, lets vendors answer and faults strike, and keeps time.
local errors = require "luaprov.sandbox.errors"
local faults = require "luaprov.sandbox.faults"
local http = require "luaprov.http"
local json = require "luaprov.json"
local timers = require "luaprov.runtime.timers"

local M = {}
M.__index = M

-- ---- one exchange, as faults see it ----

local Exchange = {}
Exchange.__index = Exchange

--- The vendor acts; once.
--- @param options table|nil page_size
--- @return table reply
--- @return table|nil entry that was created
function Exchange:act(options)
  local vendor = self.vendor
  -- What a late act finds may be another than when the request came.
  if self.is_late then self.route, self.unrouted = vendor:route(self.request) end
  self.request.page_size = options and options.page_size
  local reply, entry = vendor:answer(self.request, self.route, self.unrouted)
  self.acted = reply.status
  return reply, entry
end

-- Tells whoever wants a line of what became of a call.
local function tell(self, what)
  local log = self.server.log
  if not log then return end
  local route, told = self.route, {}
  if self.status then told[1] = tostring(self.status) end
  told[#told + 1] = what
  -- What a vendor did and did not say is worth a word.
  if self.acted and not self.status then told[#told + 1] = "acted " .. self.acted end
  local operation = route and (route.token and "token" or route.resource.name .. " " .. route.operation.name) or "-"
  log(("%s %s: %s %s %s%s"):format(self.vendor.provider.name, operation, self.request.method, self.request.path,
    table.concat(told, ", "), self.fault and " (" .. self.fault.fault .. ")" or ""))
end

--- Has a record that was created in the lists only some seconds later.
function Exchange:hide(entry, seconds)
  self.vendor.collections[self.route.resource.name]:hide(entry, http.now() + seconds)
end

--- The vendor's way to say what is wrong, without acting.
function Exchange:refuse(problem) return self.vendor:refuse(self.request, self.route, problem) end

function Exchange:problem(problem) return errors.reply(self.vendor.provider, problem, self.request) end

function Exchange:send(reply)
  self.status, self.ended = reply.status, true
  local gone = self.is_late and self:gone()
  self.server.listener:answer(self.request.id, reply.status, reply.headers, reply.body)
  tell(self, gone and "nobody there" or nil)
end

--- Sends bytes in place of an answer.
--- @param status integer|nil that they tell whoever reads them
function Exchange:write(bytes, status)
  self.status = self.status or status
  return self.server.listener:write(self.request.id, bytes)
end

function Exchange:finish(how)
  self.ended = true
  self.server.listener:finish(self.request.id, how)
  tell(self, how == "reset" and "reset" or "closed")
end

function Exchange:gone() return self.server.listener:gone(self.request.id) end

function Exchange:later(seconds, fn)
  self.is_late = true
  local server = self.server
  server.timers:add(http.now() + seconds, function()
    if not server.closing then server:guard(self.request, fn) end
  end)
end

-- ---- the server ----

--- @param listener userdata of luaprov.listener
--- @param vendors table[] as they are served
--- @param options table faults (read ones), log (function of a line about whatever is sent, ended, or made
---   to wait; or nil)
function M.new(listener, vendors, options)
  local self = setmetatable({
    listener = listener, vendors = vendors, faults = options.faults, log = options.log, timers = timers.new(),
  }, M)
  return self
end

local function vendor_of(self, path)
  for _, vendor in ipairs(self.vendors) do
    local next_char = path:sub(#vendor.prefix + 1, #vendor.prefix + 1)
    if path:sub(1, #vendor.prefix) == vendor.prefix and (next_char == "/" or next_char == "") then return vendor end
  end
end

-- `/` is the sandbox's own: no vendor has it.
local function own_reply(self, request)
  if request.path ~= "/" then
    return { status = 404, headers = { "Content-Type", "text/plain" }, body = "no provider of this sandbox\n" }
  end
  local body = {}
  for _, vendor in ipairs(self.vendors) do body[vendor.provider.name] = vendor.base_url end
  return { status = 200, headers = { "Content-Type", "application/json" }, body = assert(json.encode(body)) }
end

local function serve(self, request)
  local vendor = vendor_of(self, request.path)
  if not vendor then
    local reply = own_reply(self, request)
    self.listener:answer(request.id, reply.status, reply.headers, reply.body)
    return
  end
  local exchange = setmetatable({ server = self, vendor = vendor, request = request }, Exchange)
  exchange.route, exchange.unrouted = vendor:route(request)
  local route = exchange.route
  exchange.fault = faults.strike(self.faults, vendor.provider.name,
    route and (route.token and "token" or route.resource.name), route and route.operation and route.operation.name)
  if exchange.fault then
    faults.play(exchange.fault, exchange)
  else
    exchange:send((exchange:act()))
  end
  if not exchange.ended then tell(exchange, "waits") end
end

--- Does something for a request. A fault of ours, or of a provider file's, ends that request and nothing else.
function M:guard(request, fn)
  local ok, why = xpcall(fn, debug.traceback)
  if ok then return end
  self.listener:answer(request.id, 500, { "Content-Type", "text/plain" }, "the sandbox failed\n")
  io.stderr:write("luaprov sandbox: ", tostring(why), "\n")
end

--- Takes no connections, for some seconds, or until `open`; only before it has taken any.
--- @param seconds number|nil
function M:refuse(seconds)
  self.refuses = true
  if seconds then self.timers:add(http.now() + seconds, function() self:open() end) end
end

--- Takes connections, where a fault does not refuse them.
--- @return boolean|nil done
--- @return string|nil why
function M:begin()
  faults.begin(self.faults, self)
  if self.refuses then return true end
  return self.listener:open()
end

--- Takes connections again.
function M:open()
  self.refuses = false
  local ok, why = self.listener:open()
  if not ok then io.stderr:write("luaprov sandbox: ", why, "\n") end
end

--- Ends everything; within a turn, when that is over.
function M:close()
  if self.turning then self.closing = true else self.listener:close() end
end

-- Whoever is told of a call may end the sandbox: what came with it is then not answered any more, nor acted upon.
local function work(self)
  repeat
    if not self.closing then self.timers:run(http.now()) end
    -- What is answered is written by the next run, which may bring more requests: the last one brings none.
    self.listener:run()
    local request = not self.closing and self.listener:next()
    local brought = request
    while request do
      local this = request
      self:guard(this, function() serve(self, this) end)
      request = not self.closing and self.listener:next()
    end
  until not brought
end

--- What there is to do is done; nothing waits.
--- @return number|nil seconds until it wants to be called again
function M:turn()
  self.turning = true
  local ok, why = pcall(work, self)
  self.turning = false
  if self.closing then self:close() end
  if not ok then error(why, 0) end
  if self.closing then return nil end
  local due, own = self.timers:due(), self.listener:timeout()
  local seconds = due and math.max(0, due - http.now())
  return seconds and own and math.min(seconds, own) or seconds or own
end

return M
