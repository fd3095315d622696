--- The other process of a check: it keeps a sandbox for every cell, and says what there is in each. Who checks talks to
--- it by JSON over HTTP, at a path that nobody else knows.
local faults = require "luaprov.sandbox.faults"
local http = require "luaprov.http"
local json = require "luaprov.json"
local listeners = require "luaprov.listener"
local runtime = require "luaprov.runtime"
local sandbox = require "luaprov.sandbox"

local M = {}

local PATIENCE = 5 -- seconds, after which a fault that still plays is not waited for
local LOOK = 1 -- seconds between looks whether whoever started this still lives

-- The options of a client that asks for its tokens, where there is such a way.
local function asks(box, options)
  local vendor = box.vendors[1]
  for _, method in ipairs(vendor.provider.auth) do
    if method.kind == "token_request" then
      for _, field in ipairs(vendor.provider.auth[1].fields) do options[field.name] = nil end
      for _, field in ipairs(method.fields) do options[field.name] = vendor.credentials[field.name] end
      options.token_url = box.url .. vendor.tokens:path(method)
      return true
    end
  end
  return false
end

local Keeper = {}
Keeper.__index = Keeper

local function records_of(box)
  local vendor = box.vendors[1]
  local all = {}
  for _, resource in ipairs(vendor.provider.resources) do
    local list = json.array {}
    for entry in vendor.collections[resource.name]:each() do
      list[#list + 1] = { id = entry.id, body = entry.body }
    end
    all[resource.name] = list
  end
  return all
end

-- A sandbox with its records, each a seed: resource, fields, and within (field -> which of the seeds before it names).
function Keeper:open(asked)
  local box = assert(sandbox.start { self.file, limits = false, faults = asked.faults })
  self.count = self.count + 1
  self.boxes[self.count] = box
  local vendor, ids = box.vendors[1], json.array {}
  for i, seed in ipairs(asked.seeds) do
    for field, at in pairs(seed.within or {}) do seed.fields[field] = ids[at] end
    ids[i] = assert(vendor:seed(seed.resource, seed.fields)).id
  end
  local options = box:options(vendor.provider.name)
  local renews = asked.renews and asks(box, options) or false
  return { cell = self.count, url = box.url, options = options, renews = renews, ids = ids, records = records_of(box) }
end

function Keeper:let_in(asked)
  self.boxes[asked.cell].server:open()
  return {}
end

local function is_over(box) return box.server.listener:waiting() == 0 end

local function struck(box)
  local count = 0
  for _, fault in ipairs(box.server.faults) do
    if fault.fault == "hang_up" then count = count + fault.count - box.server.listener:hang_up(0)
    elseif faults.faults[fault.fault].begin then count = count + 1
    else count = count + fault.struck end
  end
  return count
end

-- Waits until nothing plays any more.
function Keeper:rest(asked)
  local box, till = self.boxes[asked.cell], http.now() + PATIENCE
  return function() return is_over(box) or http.now() > till end, function() return {} end
end

function Keeper:close(asked)
  local box = self.boxes[asked.cell]
  self.boxes[asked.cell] = nil
  local till = http.now() + PATIENCE
  return function() return is_over(box) or http.now() > till end, function()
    local found = { records = records_of(box), struck = struck(box) }
    box:stop()
    return found
  end
end

function Keeper:stop()
  self.stopped = true
  return {}
end

local function answer(self, request, body)
  self.listener:answer(request.id, 200, { "Content-Type", "application/json" }, assert(json.encode(body)))
end

local function failed(self, request, why) answer(self, request, { failed = tostring(why) }) end

-- Does what a request asks for, now or when it can be done.
local function serve(self, request)
  if request.path ~= self.path then
    self.listener:answer(request.id, 404, {}, "")
    return
  end
  local asked = json.decode(request.body)
  local ok, first, last = pcall(self[asked["do"]], self, asked)
  if not ok then return failed(self, request, first) end
  if not last then return answer(self, request, first) end
  self.pending[#self.pending + 1] = { ready = first, done = last, request = request }
end

local function serve_pending(self)
  for i = #self.pending, 1, -1 do
    local own = self.pending[i]
    if own.ready() then
      table.remove(self.pending, i)
      local ok, body = pcall(own.done)
      if ok then answer(self, own.request, body) else failed(self, own.request, body) end
    end
  end
end

-- The process that started this one; nil where the system does not tell.
local function parent()
  local file = io.open("/proc/self/stat", "r")
  local line = file and file:read("*l")
  if file then file:close() end
  return line and line:match("^.*%) %S (%d+)")
end

--- Serves until it is told to stop, or whoever started it has gone. The first line that it prints is where it is.
--- @param file string of the provider
--- @param key string
function M.main(file, key)
  require("luaprov.core").ignore_sigpipe()
  local self = setmetatable({ file = file, path = "/" .. key, boxes = {}, count = 0, pending = {} }, Keeper)
  self.listener = assert(listeners.new {})
  local arrived, owner, look_at = {}, parent(), http.now() + LOOK
  runtime.watch(self.listener:fd(), function()
    self.listener:run()
    local request = self.listener:next()
    while request do
      arrived[#arrived + 1] = request
      request = self.listener:next()
    end
    return self.listener:timeout() or LOOK
  end)
  io.stdout:write("http://127.0.0.1:", tostring(self.listener:port()), "\n")
  io.stdout:flush()
  local function something()
    if arrived[1] or self.stopped then return true end
    for _, own in ipairs(self.pending) do
      if own.ready() then return true end
    end
    if http.now() > look_at then
      look_at = http.now() + LOOK
      if parent() ~= owner then self.stopped = true end
    end
    return self.stopped
  end
  while not self.stopped do
    runtime.run_until(something)
    serve_pending(self)
    local these = arrived
    arrived = {}
    for _, request in ipairs(these) do serve(self, request) end
    self.listener:run()
  end
  self.listener:run()
end

return M
