-- What the specs share that look at vendors: a sandbox in a process of its own, clients whose calls are counted, and
-- manifests that use them.
local adopt = require "luaprov.stack.adopt"
local clients = require "luaprov.provider.client"
local http = require "luaprov.http"
local load = require "luaprov.provider.load"
local manifests = require "luaprov.stack.manifest"
local process = require "tests.sandbox.process"
local rows_of = require "luaprov.stack.rows"
local support = require "tests.support"

local M = {}
M.__index = M

local getenv = os.getenv

--- @param providers string[] names
--- @param own table|nil name -> text of a provider file
--- @param faults string|nil Lua text of a list
function M.start(providers, own, faults)
  local self = setmetatable({ calls = {}, own = {} }, M)
  local words = { "--no-limits" }
  for _, name in ipairs(providers) do words[#words + 1] = name end
  for name, text in pairs(own or {}) do
    words[#words + 1] = (support.file(name .. ".lua", text))
    self.own[name] = assert(load.compile(text, name .. ".lua", name))
  end
  if faults then
    words[#words + 1] = "--faults"
    words[#words + 1] = (support.file("faults.lua", faults))
  end
  self.process = process.start(table.concat(words, " "))
  local exports = self.process.exports
  -- The environment of whoever pastes what the sandbox prints, with whatever else a test wants in it.
  self.environment = {}
  os.getenv = function(name) return self.environment[name] or exports[name] or getenv(name) end -- luacheck: ignore 122
  return self
end

function M:stop()
  os.getenv = getenv -- luacheck: ignore 122
  self.process:stop()
  support.clean()
end

function M:provider(name)
  if self.own[name] then return self.own[name] end
  return assert(load.load(name))
end

--- A client whose calls are noted in `calls`, as "GET /path".
--- @param provider string|table a name or a description
function M:client(provider, options)
  if type(provider) == "string" then provider = self:provider(provider) end
  local inside = {}
  options = options or {}
  options.attempts = options.attempts or 1
  function inside.exchange(request)
    self.calls[#self.calls + 1] = request.method .. " " .. request.url:gsub("^%a+://[^/]*", "")
    return http.exchange(request)
  end
  local client, err = clients.new(provider, options, inside)
  return client, err, inside.state
end

function M:read(text)
  return manifests.read(text, "luaprov.lua", {
    provider = function(name) return self:provider(name) end,
    connect = function(provider, options) return self:client(provider, options) end,
  })
end

function M:manifest(text) return assert(self:read(text)) end

--- Makes every record of a manifest, in its order; the state after it.
--- @return table rows
--- @return table records by address
function M:create(manifest)
  local rows, records = {}, {}
  for _, address in ipairs(manifest.order) do
    local node = manifest.record[address]
    local account = manifest.account[node.alias]
    local fields = require("luaprov.stack.adopt_row").filled(node, require("luaprov.stack.adopt_row").lookup(rows))
    records[address] = assert(account.client[node.resource]:create(fields))
    local row = adopt.row(node, records[address], { rows = rows, base_url = account.state.base_url })
    rows[#rows + 1] = rows_of.open(row)
  end
  self.calls = {}
  return rows, records
end

--- The calls since the last look, by their number.
function M:counted()
  local count = #self.calls
  self.calls = {}
  return count
end

return M
