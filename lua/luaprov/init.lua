--- luaprov: provision connections on vendors' platforms.
local M = {}

local json = require "luaprov.json"
local runtime = require "luaprov.runtime"

M.version = require "luaprov.version"
M.json = json
M.null = json.null
M.array = json.array
M.secret = require "luaprov.secret"

M.on = require("luaprov.events").on
M.map = runtime.map
M.all = runtime.all
M.spawn = runtime.spawn
M.sleep = runtime.sleep
M.deadline = runtime.deadline

--- A client of a provider.
---@param name string a provider's name, or the path of a provider file
---@param options table|nil the provider's credentials and settings, and base_url, timeout (seconds, of one try),
---  connect_timeout (seconds), response_limit (bytes), and those of luaprov.transport. What is absent is taken from the
---  environment: option `token` of `acme` from LUAPROV_ACME_TOKEN.
---@return table|nil client client.RESOURCE:create, :get, :update, :delete, :list, :each
---@return luaprov.Error|nil err
function M.client(name, options)
  if type(name) ~= "string" or name == "" then error("client takes a provider's name first", 2) end
  if options ~= nil and type(options) ~= "table" then error("client takes a table of options second", 2) end
  local provider, err = require("luaprov.provider.load").load(name)
  if not provider then return nil, err end
  return require("luaprov.provider.client").new(provider, options or {})
end

-- What few scripts want is loaded when it is asked for.
local LATER = { sandbox = true }

return setmetatable(M, { __index = function(_, name)
  if not LATER[name] then return nil end
  M[name] = require("luaprov." .. name)
  return M[name]
end })
