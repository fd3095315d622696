--- A client: a provider bound to credentials and settings.
local near = require "luaprov.near"
local options = require "luaprov.provider.client_options"
local resources = require "luaprov.provider.resource"
local tables = require "luaprov.tables"

local M = {}

local mt = { __name = "luaprov.client" }

function mt.__index(self, name)
  local state = rawget(self, 1)
  error(state.provider.name .. " has no resource '" .. tostring(name) .. "'"
    .. near.hint(tostring(name), tables.names(state.provider.resources)), 2)
end

function mt.__tostring(self)
  local state = rawget(self, 1)
  return "luaprov client of " .. state.provider.name .. " at " .. state.base_url
end

--- @param provider table description
--- @param given table options
--- @param inside table|nil for whoever has to do with a client's inside:
---   exchange: what sends a request, in place of http.exchange; it is given the request, the operation's name or
---   "token", and the time (seconds of http.now()) where it is known; it changes none of the headers and keeps neither
---   them nor the request: the next one may be the same table; marks: secrets -> true that only stand for others, whose
---   values are not here, and so are not checked; gains state: the client's inside, before anything is sent
--- @return table|nil client
--- @return luaprov.Error|nil err
function M.new(provider, given, inside)
  local state, err = options.read(provider, given, inside)
  if not state then return nil, err end
  if inside then inside.state = state end
  local client = { state }
  for _, resource in ipairs(provider.resources) do
    client[resource.name] = resources.new(resource, state)
  end
  return setmetatable(client, mt)
end

return M
