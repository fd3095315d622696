--- Everything that a sandbox can be told to do wrong.
---
---   { fault = "drop", on = "acme phones create", times = 1 }
---
--- on     PROVIDER, PROVIDER RESOURCE or PROVIDER RESOURCE OPERATION, `*` for any; token requests are `PROVIDER token`.
---        Absent: every call, to paths that no vendor has, too.
--- after  how many such calls go well before it begins
--- times  how many calls it strikes; absent: all
local declared = require "luaprov.sandbox.declared"
local fill = require "luaprov.sandbox.fill"
local json = require "luaprov.json"

local M = {}

-- Each: about (for people), takes (option -> what it is when absent, "none" or "needed"), play (exchange, fault). An
-- exchange has act (the vendor acts; returns its reply), send, write, finish, gone, later: see `server`. Those of
-- connections that no request has come by have `begin` (server, fault) in place of `play`, and no `on`.
M.faults = {}

local function define(name, about, takes, play, begin)
  M.faults[name] = { about = about, takes = takes, play = play, begin = begin }
end

-- What a spoilt answer is made of: what the vendor answers, or, where it does not act, nothing of use.
local function reply_of(exchange, fault)
  if fault.acts then return (exchange:act()) end
  return { status = fault.status or 200, headers = { "Content-Type", "application/json" }, body = "{}" }
end

-- RFC 9110, 15.3.5, 15.3.6 and 15.4.5: no body, whatever follows the head.
local BODILESS = { [204] = true, [205] = true, [304] = true }

-- A reply whose body can be spoilt. One that has none gets one, and a status that allows it: what strikes is seen.
local function reply_with_body(exchange, fault)
  local reply = reply_of(exchange, fault)
  if BODILESS[reply.status] then reply.status = 200 end
  if reply.body == "" then
    reply.body = "{}"
    reply.headers[#reply.headers + 1] = "Content-Type"
    reply.headers[#reply.headers + 1] = "application/json"
  end
  return reply
end

-- Whoever is written to as it comes to mind must not believe that the connection goes on; unless that is the fault.
local function raw_head(reply, length, goes_on)
  local lines = { ("HTTP/1.1 %d %s"):format(reply.status, fill.reason(reply.status)) }
  if not goes_on then lines[2] = "Connection: close" end
  for i = 1, #reply.headers, 2 do lines[#lines + 1] = reply.headers[i] .. ": " .. reply.headers[i + 1] end
  if not BODILESS[reply.status] then lines[#lines + 1] = "Content-Length: " .. (length or #reply.body) end
  return table.concat(lines, "\r\n") .. "\r\n"
end

local READ = 0.02 -- seconds after which a client has read what it was sent: a reset takes away what it has not

-- The end of a connection on which something was written.
local function finish(exchange, fault)
  if not fault.reset then return exchange:finish("close") end
  exchange:later(READ, function() exchange:finish("reset") end)
end

-- ---- answers that say no ----

define("problem", "the vendor finds something wrong, and says so in its own way", { problem = "unauthorized" },
  function(exchange, fault) exchange:send(exchange:refuse(fault.problem)) end)

define("status", "answers with a status, in the vendor's form of an error or with a body of your own",
  { status = 500, code = "none", message = "none", body = "none", form = 1, retry_after = "none",
    headers = "none", acts = false },
  function(exchange, fault)
    if fault.acts then exchange:act() end
    local headers = {}
    for name, value in pairs(fault.headers or {}) do
      headers[#headers + 1] = name
      headers[#headers + 1] = tostring(value)
    end
    if fault.retry_after ~= nil then
      headers[#headers + 1] = "Retry-After"
      headers[#headers + 1] = tostring(fault.retry_after)
    end
    exchange:send(exchange:problem { status = fault.status, form = fault.form, body = fault.body, headers = headers,
                                     faults = { { code = fault.code, message = fault.message } } })
  end)

define("redirect", "sends the client elsewhere", { status = 302, to = "https://elsewhere.invalid/" },
  function(exchange, fault)
    exchange:send { status = fault.status, headers = { "Location", fault.to }, body = "" }
  end)

-- ---- connections that fail ----

define("refuse", "refuses connections, from the start; with `seconds`, for so long", { seconds = "none" }, nil,
  function(server, fault) server:refuse(fault.seconds) end)

define("hang_up", "ends the next connections before it has read anything", { count = 1, reset = false }, nil,
  function(server, fault) server.listener:hang_up(fault.count, fault.reset and "reset" or "close") end)

define("idle", "answers, and ends the connection that it has said to keep", { reset = false },
  function(exchange, fault)
    local reply = exchange:act()
    exchange:write(raw_head(reply, nil, true) .. "\r\n" .. reply.body, reply.status)
    finish(exchange, fault)
  end)

define("drop", "closes the connection in place of an answer", { acts = true, reset = false },
  function(exchange, fault)
    if fault.acts then exchange:act() end
    exchange:finish(fault.reset and "reset" or "close")
  end)

define("late", "says nothing, and acts some seconds after the client has gone", { seconds = 2 },
  function(exchange, fault)
    local function look()
      if not exchange:gone() then return exchange:later(0.02, look) end
      exchange:later(fault.seconds, function()
        exchange:act()
        exchange:finish("close")
      end)
    end
    look()
  end)

define("silent", "says nothing at all", { acts = true },
  function(exchange, fault)
    if fault.acts then exchange:act() end
    local function look()
      if exchange:gone() then exchange:finish("close") else exchange:later(0.02, look) end
    end
    look()
  end)

define("slow", "answers some seconds later", { seconds = 1, acts_first = false },
  function(exchange, fault)
    local reply = fault.acts_first and exchange:act()
    exchange:later(fault.seconds, function() exchange:send(reply or exchange:act()) end)
  end)

define("half_status", "half a status line, then the end", { acts = true, reset = false },
  function(exchange, fault)
    reply_of(exchange, fault)
    exchange:write("HTTP/1.1 2")
    finish(exchange, fault)
  end)

define("half_headers", "status and headers without the blank line after them, then the end",
  { acts = true, reset = false },
  function(exchange, fault)
    local reply = reply_of(exchange, fault)
    exchange:write(raw_head(reply), reply.status)
    finish(exchange, fault)
  end)

define("cut", "the answer ends in the middle of its body, or after `bytes` of it",
  { acts = true, bytes = "none", reset = false },
  function(exchange, fault)
    local reply = reply_with_body(exchange, fault)
    local bytes = math.min(fault.bytes or math.floor(#reply.body / 2), #reply.body)
    exchange:write(raw_head(reply, #reply.body + 1) .. "\r\n" .. reply.body:sub(1, bytes), reply.status)
    finish(exchange, fault)
  end)

define("slow_headers", "the headers come a line at a time", { acts = true, seconds = 1 },
  function(exchange, fault)
    local reply = reply_of(exchange, fault)
    local rest = raw_head(reply) .. "\r\n" .. reply.body
    local first = rest:find("\r\n", 1, true) + 1
    exchange:write(rest:sub(1, first), reply.status)
    exchange:later(fault.seconds, function()
      exchange:write(rest:sub(first + 1))
      exchange:finish("close")
    end)
  end)

define("slow_body", "the second half of the body comes later; without a body, the end of the headers",
  { acts = true, seconds = 1 },
  function(exchange, fault)
    local reply = reply_of(exchange, fault)
    local head = raw_head(reply)
    local rest, first = head .. "\r\n" .. reply.body, #head
    if reply.body ~= "" then first = #head + 2 + math.floor(#reply.body / 2) end
    exchange:write(rest:sub(1, first), reply.status)
    exchange:later(fault.seconds, function()
      exchange:write(rest:sub(first + 1))
      exchange:finish("close")
    end)
  end)

-- ---- answers that are no answers ----

define("html", "an HTML page, as a proxy in between would send it", { acts = true, status = 200 },
  function(exchange, fault)
    reply_of(exchange, fault)
    exchange:send { status = fault.status, headers = { "Content-Type", "text/html" },
                    body = "<!DOCTYPE html><html><body><h1>Service error</h1></body></html>" }
  end)

define("empty", "no body, under a status that promises one", { acts = true, status = "none" },
  function(exchange, fault)
    local reply = reply_with_body(exchange, fault)
    exchange:send { status = fault.status or reply.status, headers = { "Content-Type", "application/json" }, body = "" }
  end)

define("not_json", "half of the JSON, sent as if it were all", { acts = true },
  function(exchange, fault)
    local reply = reply_with_body(exchange, fault)
    reply.body = reply.body:sub(1, math.max(1, math.floor(#reply.body / 2)))
    exchange:send(reply)
  end)

define("twice", "the body two times", { acts = true },
  function(exchange, fault)
    local reply = reply_with_body(exchange, fault)
    reply.body = reply.body .. reply.body
    exchange:send(reply)
  end)

define("wrong_type", "the right body under a wrong content type", { acts = true },
  function(exchange, fault)
    local reply = reply_with_body(exchange, fault)
    for i = 1, #reply.headers, 2 do
      if reply.headers[i] == "Content-Type" then reply.headers[i + 1] = "text/plain" end
    end
    exchange:send(reply)
  end)

define("enormous", "a body of that many bytes", { acts = true, bytes = 16 * 1024 * 1024 },
  function(exchange, fault)
    local reply = reply_with_body(exchange, fault)
    reply.body = json.encode { padding = ("x"):rep(fault.bytes) }
    exchange:send(reply)
  end)

-- ---- a vendor that is in order, and unkind ----

define("unlisted", "a new record is in the lists only some seconds later; it may be the only trace: without an answer",
  { seconds = 2, answers = true },
  function(exchange, fault)
    local reply, entry = exchange:act()
    if entry then exchange:hide(entry, fault.seconds) end
    if fault.answers then exchange:send(reply) else exchange:finish("close") end
  end)

define("short_pages", "a page of a list has fewer records than were asked for", { size = 1 },
  function(exchange, fault) exchange:send(exchange:act { page_size = fault.size }) end)

-- Struck at the start and not by a call: see `seeds`.
define("others", "records that are there from the start; with `count`, each so often, and {n} counts",
  { records = "needed", count = 1 })

--- @param given table as declared
--- @param known table name -> description of the providers that are served
--- @return table|nil fault with every option
--- @return string|nil why
function M.read(given, known) return declared.read(M.faults, given, known) end

--- The fault that strikes a call, if one does; counts it.
--- @param faults table[] read ones, in the order in which they were declared
--- @param provider string
--- @param resource string|nil "token" for a token request
--- @param operation string|nil
--- @return table|nil fault
function M.strike(faults, provider, resource, operation)
  local names = { provider, resource, operation }
  for _, fault in ipairs(faults) do
    local fits = M.faults[fault.fault].play ~= nil
    for i, word in ipairs(fault.words) do fits = fits and (not word or word == names[i]) end
    if fits then
      fault.seen = fault.seen + 1
      if fault.seen > (fault.after or 0) and (not fault.times or fault.struck < fault.times) then
        fault.struck = fault.struck + 1
        return fault
      end
    end
  end
end

--- Begins the faults that are struck by no call.
--- @param faults table[] read ones
--- @param server table
function M.begin(faults, server)
  for _, fault in ipairs(faults) do
    local begin = M.faults[fault.fault].begin
    if begin then begin(server, fault) end
  end
end

--- Lets a fault play with an exchange.
function M.play(fault, exchange) M.faults[fault.fault].play(exchange, fault) end

--- The records of an `others`, one by one: fn(provider, resource, fields) -> true, or nil and why.
function M.seeds(fault, fn)
  if fault.fault ~= "others" then return true end
  for n = 1, fault.count do
    for _, record in ipairs(fault.records) do
      local fields = fill.fill(record, function(name) return name == "n" and ("%d"):format(n) or "{" .. name .. "}" end)
      local ok, why = fn(fault.words[1], fault.words[2], fields)
      if not ok then return nil, why end
    end
  end
  return true
end

M.load = declared.load

return M
