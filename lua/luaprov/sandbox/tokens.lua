--- Who may call a sandbox: credentials, the tokens that they are exchanged for, and when those end.
local json = require "luaprov.json"
local fill = require "luaprov.sandbox.fill"
local routes = require "luaprov.sandbox.routes"
local template = require "luaprov.provider.template"

local M = {}
M.__index = M

local LIFE = 3600 -- seconds, where neither the provider file nor whoever starts the sandbox says
local KEPT = 1000 -- ended tokens that are still known as such

-- A value that a credential or setting may have.
local function value_for(field)
  if field.example ~= nil then return tostring(field.example) end
  if field.value_list then return tostring(field.value_list[1]) end
  return "sandbox-" .. field.name:gsub("_", "-")
end

--- What a client has to give to be let in, by option.
--- @param provider table description
--- @param given table|nil option -> value, for those that shall be others
--- @return table option -> text
function M.credentials(provider, given)
  local values = {}
  for _, method in ipairs(provider.auth) do
    for _, field in ipairs(method.fields) do values[field.name] = value_for(field) end
  end
  for _, field in ipairs(provider.settings) do
    if field.type == "secret" then values[field.name] = value_for(field) end
  end
  for name, value in pairs(given or {}) do values[name] = tostring(value) end
  return values
end

--- @param provider table description
--- @param options table credentials, life (seconds, or nil), now (function), base_path, prefix
function M.new(provider, options)
  local self = setmetatable({
    provider = provider, credentials = options.credentials, life = options.life, now = options.now, issued = {},
    ended = {}, given = {}, requests = {},
  }, M)
  for _, method in ipairs(provider.auth) do
    if method.kind == "token_request" then
      -- "{base_url}/…" lies below the base path, any other URL beside it.
      local first = method.url[1]
      local below = type(first) == "table" and first.name == "base_url" and options.base_path or options.prefix
      local path = template.expand(routes.path_of(method.url), function() return "x" end)
      self.requests[below .. path] = method
    end
  end
  return self
end

--- The path of token requests, if there are any: of the first way that has them.
function M:path()
  for _, method in ipairs(self.provider.auth) do
    for path, own in pairs(self.requests) do
      if own == method then return path end
    end
  end
end

-- Ended tokens are told from unknown ones, as far as they are remembered.
local function sweep(self)
  local now = self.now()
  for token, ends in pairs(self.issued) do
    if ends <= now then
      self.issued[token] = nil
      self.ended[#self.ended + 1] = token
      self.ended[token] = true
    end
  end
  while #self.ended > KEPT do self.ended[table.remove(self.ended, 1)] = nil end
end

-- Notes a replacement of a credential; of many the oldest go.
local function note_given(self, fresh)
  self.given[#self.given + 1] = fresh
  self.given[fresh] = true
  if #self.given > KEPT then self.given[table.remove(self.given, 1)] = nil end
end

-- A header template with a secret setting in it is a credential, too.
local function has_headers(self, headers)
  for name, parts in pairs(self.provider.headers) do
    local secret = false
    for _, setting in ipairs(parts.names) do secret = secret or self.credentials[setting] ~= nil end
    local wanted = secret and template.expand(parts, function(setting) return self.credentials[setting] or "" end)
    if wanted and headers[name:lower()] ~= wanted then return false end
  end
  return true
end

--- Whether a request may pass.
--- @param headers table of the request, names in lower case
--- @return string|nil account who it is
--- @return string|nil problem unauthorized or expired
function M:check(headers)
  if not has_headers(self, headers) then return nil, "unauthorized" end
  if #self.provider.auth == 0 then return "everybody" end
  local token = (headers.authorization or ""):match("^[Bb]earer +(%S+)$")
  if not token then return nil, "unauthorized" end
  for _, method in ipairs(self.provider.auth) do
    if method.kind == "bearer" and token == self.credentials[method.fields[1].name] then return token end
  end
  local ends = self.issued[token]
  if ends and ends > self.now() then return token end
  return nil, (ends or self.ended[token]) and "expired" or "unauthorized"
end

--- Makes every token that has been asked for an ended one.
function M:expire()
  for token in pairs(self.issued) do self.issued[token] = 0 end
end

local function values_of(request)
  local kind = request.headers["content-type"] or ""
  local values = routes.query(request.query)
  if kind:find("json", 1, true) then
    local body = json.decode(request.body)
    for name, value in pairs(type(body) == "table" and body or {}) do values[name] = value end
  else
    for name, value in pairs(routes.query(request.body)) do values[name] = value end
  end
  return values
end

--- Answers a token request.
--- @param request table
--- @return table|nil body
--- @return string|nil code of RFC 6749, 5.2, when it is refused
function M:request(request)
  local method, values = self.requests[request.path], values_of(request)
  for name, value in pairs(method.constant) do
    if values[name] ~= value then return nil, name == "grant_type" and "unsupported_grant_type" or "invalid_request" end
  end
  for _, field in ipairs(method.fields) do
    local value = values[field.as or field.name]
    if value == nil and field.required then return nil, "invalid_request" end
    if value ~= nil and tostring(value) ~= self.credentials[field.name] and not self.given[value] then
      return nil, field.name == method.rotates and "invalid_grant" or "invalid_client"
    end
  end
  sweep(self)
  local token = "sandbox-" .. fill.uuid()
  local life = self.life or method.lifetime or LIFE
  self.issued[token] = self.now() + life
  local body = fill.fill(method.envelope or {}, function() end)
  fill.put(body, method.token, token)
  if method.expires_in then fill.put(body, method.expires_in, life) end
  if method.rotates then
    -- The old one stays good: a script that is run again has no other.
    local fresh = "sandbox-" .. fill.uuid()
    note_given(self, fresh)
    body[method.rotates] = fresh
  end
  return body
end

return M
