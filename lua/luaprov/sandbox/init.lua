--- A server on this machine that behaves as providers describe their vendors: made from the provider files themselves,
--- so that a provider, ours or yours, can be tried without an account, and so can everything that goes wrong.
---
--- It lives in the process that starts it, until it is stopped, and answers whenever that process waits for something
--- of luaprov.
--- `luaprov sandbox` runs one as a process of its own.
local client_options = require "luaprov.provider.client_options"
local errors = require "luaprov.errors"
local faults = require "luaprov.sandbox.faults"
local journal = require "luaprov.sandbox.journal"
local json = require "luaprov.json"
local near = require "luaprov.near"
local options_of = require "luaprov.sandbox.options"
local runtime = require "luaprov.runtime"
local server = require "luaprov.sandbox.server"
local tables = require "luaprov.tables"
local vendors = require "luaprov.sandbox.vendor"

local M = {}

---@class luaprov.Box a running sandbox
---@field url string of the whole sandbox, "http://127.0.0.1:8080"
---@field port integer
---@field base_url table<string, string> by provider
---@field token_url table<string, string> by provider, of those whose tokens are asked for
local Box = {}
local mt = { __name = "luaprov.sandbox", __index = Box }

function mt.__tostring(box) return "luaprov sandbox at " .. box.url end

local function failed(message, kind)
  return nil, errors.new { kind = kind or "invalid", outcome = "not_sent", message = message }
end

local function vendor_of(box, name, level)
  local names = {}
  for _, vendor in ipairs(box.vendors) do
    if vendor.provider.name == name then return vendor end
    names[#names + 1] = vendor.provider.name
  end
  error("the sandbox has no provider '" .. tostring(name) .. "'" .. near.hint(tostring(name), names), level + 1)
end

--- What the vendor has now, however it came there.
---@param provider string
---@param resource string
---@return table[] records as the vendor keeps them, secrets in clear
function Box:records(provider, resource)
  local vendor = vendor_of(self, provider, 2)
  local collection = vendor.collections[resource]
  if not collection then error(provider .. " has no resource '" .. tostring(resource) .. "'", 2) end
  local list = json.array {}
  for entry in collection:each() do list[#list + 1] = tables.copy(entry.body) end
  return list
end

--- What a client of a provider needs to reach the sandbox: `luaprov.client("acme", box:options "acme")`.
---@param provider string
---@return table options base_url, token_url, limits (false where none are kept), the credentials of the first way to
---  authenticate, and what settings are required
function Box:options(provider)
  local vendor = vendor_of(self, provider, 2)
  local options = { base_url = vendor.base_url, token_url = self.token_url[provider] }
  if vendor.unlimited then options.limits = false end
  for _, pair in ipairs(vendor:settings()) do options[pair[1]] = pair[2] end
  for _, field in ipairs(vendor.provider.auth[1] and vendor.provider.auth[1].fields or {}) do
    options[field.name] = vendor.credentials[field.name]
  end
  return options
end

--- The environment variables for the same, by provider and way to authenticate.
---@return table[] list { provider, common = { { name, value }, … }, ways = { { { name, value }, … }, … } } each
function Box:environment()
  local list = {}
  for i, vendor in ipairs(self.vendors) do
    local provider, common = vendor.provider, {}
    local function add(into, option, value)
      into[#into + 1] = { client_options.variable(provider.name, option), tostring(value) }
    end
    add(common, "base_url", vendor.base_url)
    -- Whoever has credentials of their own must not ask the real vendor for a token.
    local token_url = self.token_url[provider.name]
    if token_url then add(common, "token_url", token_url) end
    if vendor.unlimited then add(common, "limits", false) end
    for _, pair in ipairs(vendor:settings()) do add(common, pair[1], pair[2]) end
    local ways = {}
    for j, method in ipairs(provider.auth) do
      ways[j] = {}
      local path = vendor.tokens:path(method)
      if path and self.url .. path ~= token_url then add(ways[j], "token_url", self.url .. path) end
      for _, field in ipairs(method.fields) do add(ways[j], field.name, vendor.credentials[field.name]) end
    end
    list[i] = { provider = provider.name, common = common, ways = ways }
  end
  return list
end

--- Declares one more fault, from now on.
---@param fault table as in `sandbox/faults`
---@return table fault its `struck` counts the calls that it struck
function Box:fault(fault)
  local read, why = faults.read(fault, self.known)
  if not read then error(why, 2) end
  if read.fault == "refuse" then error("refuse: a sandbox that has begun cannot refuse connections any more", 2) end
  local ok
  ok, why = faults.seeds(read, self.seed)
  if not ok then error(why, 2) end
  faults.begin({ read }, self.server)
  table.insert(self.server.faults, read)
  return read
end

--- Makes every token that was asked for an ended one.
function Box:expire_tokens(provider) vendor_of(self, provider, 2).tokens:expire() end

--- Ends the sandbox: its port is free again (in a `log` function: as soon as that has returned), its file closed.
--- Harmless when it has ended.
function Box:stop()
  if not self.watch then return end
  runtime.unwatch(self.watch)
  self.watch = nil
  self.server:close()
  if self.journal then self.journal:close() end
end

local DEAD = 1000 -- lines of a file that say nothing any more, from which on it is written anew

-- The file of records, its events told to the vendors; and of which providers it has some.
local function open_journal(box, path)
  local by_name, has = {}, {}
  for _, vendor in ipairs(box.vendors) do by_name[vendor.provider.name] = vendor end
  local opened, why = journal.open(path, function(event)
    local vendor = by_name[event.provider]
    if not vendor then
      return "it has records of '" .. tostring(event.provider) .. "': serve that, too, or keep these in another file"
    end
    has[event.provider] = true
    return vendor:replay(event)
  end)
  if not opened then return nil, why end
  local live = 0
  for _, vendor in ipairs(box.vendors) do
    for _, collection in pairs(vendor.collections) do live = live + collection.count end
  end
  if opened.lines > 2 * live + DEAD then
    opened:rewrite(function(write)
      for _, vendor in ipairs(box.vendors) do
        if has[vendor.provider.name] then vendor:events(write) end
      end
    end)
  end
  return opened, has
end

-- Puts there what is there from the start: the provider files' records, and those of others.
local function seed(box, has, read_faults)
  for _, vendor in ipairs(box.vendors) do
    for _, resource in ipairs(has[vendor.provider.name] and {} or vendor.provider.resources) do
      for _, record in ipairs(resource.records) do
        local entry, why = vendor:seed(resource.name, record)
        if not entry then return why end
      end
    end
  end
  for i, fault in ipairs(read_faults) do
    if not has[fault.words[1]] then
      local ok, why = faults.seeds(fault, box.seed)
      if not ok then return "fault " .. i .. ": " .. why end
    end
  end
end

-- Everything between an open port and a sandbox that answers. Returns what is wrong.
local function furnish(box, providers, options, listener)
  local function save(event)
    if not box.journal then return true end
    return box.journal:write(event)
  end
  for i, provider in ipairs(providers) do
    local vendor = vendors.new(provider, {
      url = box.url, save = save, limits = options.limits,
      token_life = options.token_life, credentials = (options.credentials or {})[provider.name],
    })
    box.vendors[i], box.base_url[provider.name] = vendor, vendor.base_url
    local path = vendor.tokens:path()
    if path then box.token_url[provider.name] = box.url .. path end
  end
  function box.seed(name, resource, fields) return vendor_of(box, name, 2):seed(resource, fields) end
  local read_faults, has = {}, {}
  for i, fault in ipairs(options.faults or {}) do
    local read, why = faults.read(fault, box.known)
    if not read then return "fault " .. i .. ": " .. why end
    read_faults[i] = read
  end
  -- What was there from the start is in the file, for a provider that the file has.
  if options.data then
    box.journal, has = open_journal(box, options.data)
    if not box.journal then return has end
  end
  local why = seed(box, has, read_faults)
  if why then return why end
  box.server = server.new(listener, box.vendors, { faults = read_faults, log = options.log })
  local ok
  ok, why = box.server:begin()
  if not ok then return "cannot listen at " .. why end
end

--- Starts a sandbox.
---@param options table|nil providers by name or file (none: all that are found); port (0: a free one), host, data (a
---  file that keeps the records), faults (see `sandbox/faults`), limits (false: calls are not counted), credentials
---  (by provider, option -> value, where they shall be others), token_life (seconds), log (function of a line a call)
---@return luaprov.Box|nil box
---@return luaprov.Error|nil err
function M.start(options)
  options = options or {}
  if type(options) ~= "table" then error("start takes a table: a list of providers, and options", 2) end
  local wrong = options_of.check(options)
  if wrong then error(wrong, 2) end
  local has, listeners = pcall(require, "luaprov.listener")
  if not has then return failed("the sandbox needs luaprov.listener: " .. tostring(listeners), "unsupported") end
  local providers, known = options_of.providers(options)
  if not providers then return nil, known end
  wrong = options_of.check_credentials(options.credentials, known)
  if wrong then return failed(wrong) end
  local listener, why = listeners.new { host = options.host or "127.0.0.1", port = options.port or 0, shut = true }
  if not listener then return failed("cannot listen at " .. why, "network") end
  local host = options.host or "127.0.0.1"
  local box = setmetatable({ port = listener:port(), vendors = {}, base_url = {}, token_url = {}, known = known }, mt)
  box.url = ("http://%s:%d"):format(host:find(":", 1, true) and "[" .. host .. "]" or host, box.port)
  why = furnish(box, providers, options, listener)
  if why then
    listener:close()
    if box.journal then box.journal:close() end
    return failed(why)
  end
  box.watch = runtime.watch(listener:fd(), function() return box.server:turn() end)
  return box
end

--- Serves until `done()` is true: for a process that does nothing else.
---@param done function
function M.serve(done) runtime.run_until(done) end

return M
