--- Who is let in: the credentials that a sandbox takes, and the tokens that it hands out for them.
local fill = require "luaprov.sandbox.fill"
local json = require "luaprov.json"
local routes = require "luaprov.sandbox.routes"
local template = require "luaprov.provider.template"

local M = {}
M.__index = M

local LIFE = 3600 -- seconds, where neither the provider file nor whoever starts the sandbox says
local KEPT = 1000 -- tokens, and replaced credentials, that are still known: of more the oldest go

-- A value that a credential or setting may have. Where it must fit a pattern, the provider file has an example.
local function value_for(field)
  if field.example ~= nil then return field.example end
  if field.default ~= nil then return field.default end
  if field.value_list then return field.value_list[1] end
  if field.type == "integer" then return field.min or math.min(1, field.max or 1) end
  if field.type == "boolean" then return true end
  if field.type == "url" then return "https://sandbox.invalid" end
  local text = "sandbox-" .. field.name:gsub("_", "-")
  if field.min and #text < field.min then text = text .. ("0"):rep(field.min - #text) end
  return field.max and text:sub(1, field.max) or text
end

--- What a client has to give to be let in, by option.
--- @param provider table description
--- @param given table|nil option -> value, for those that shall be others
--- @return table option -> value
function M.credentials(provider, given)
  local values = {}
  for _, method in ipairs(provider.auth) do
    for _, field in ipairs(method.fields) do values[field.name] = value_for(field) end
  end
  for _, field in ipairs(provider.settings) do
    if field.type == "secret" then values[field.name] = value_for(field) end
  end
  for name, value in pairs(given or {}) do values[name] = value end
  return values
end

--- The settings without which no client can be made, and a value for each.
--- @param provider table description
--- @return table[] list of { name, value }
function M.settings(provider)
  local list = {}
  for _, field in ipairs(provider.settings) do
    if field.required and field.type ~= "secret" and field.default == nil then
      list[#list + 1] = { field.name, value_for(field) }
    end
  end
  return list
end

-- What was handed out, in a ring of `KEPT` places, and what each of it is worth.
local function memory() return { worth = {}, ring = {}, next = 1 } end

local function remember(own, text, worth)
  local oldest = own.ring[own.next]
  if oldest then own.worth[oldest] = nil end
  own.ring[own.next], own.worth[text] = text, worth
  own.next = own.next % KEPT + 1
end

--- @param provider table description
--- @param options table credentials, life (seconds, or nil), now (function), base_path, prefix
function M.new(provider, options)
  local self = setmetatable({
    provider = provider, credentials = options.credentials, life = options.life, now = options.now,
    issued = memory(), given = memory(), -- tokens, and when each ends; credentials, and that they are good
    requests = {}, paths = {}, -- path -> ways; way -> path
  }, M)
  for _, method in ipairs(provider.auth) do
    if method.kind == "token_request" then
      -- "{base_url}/…" lies below the base path, any other URL beside it.
      local first = method.url[1]
      local below = type(first) == "table" and first.name == "base_url" and options.base_path or options.prefix
      local path = below .. template.expand(routes.path_of(method.url), function() return "x" end)
      self.requests[path] = self.requests[path] or {}
      table.insert(self.requests[path], method)
      self.paths[method] = path
    end
  end
  return self
end

--- The path of token requests, if there are any: of one way, or of the first that has them.
function M:path(method)
  for _, own in ipairs(method and { method } or self.provider.auth) do
    if self.paths[own] then return self.paths[own] end
  end
end

-- A header template with a secret setting in it is a credential, too; another setting in it may have any value.
local function has_headers(self, headers)
  for name, parts in pairs(self.provider.headers) do
    local secret = false
    for _, setting in ipairs(parts.names) do secret = secret or self.credentials[setting] ~= nil end
    if secret then
      local pattern = routes.pattern(parts, function(setting)
        local value = self.credentials[setting]
        return value == nil and ".*" or routes.literal(tostring(value))
      end)
      if not (headers[name:lower()] or ""):find("^" .. pattern .. "$") then return false end
    end
  end
  return true
end

--- Whether a request may pass.
--- @param headers table of the request, names in lower case
--- @return string|nil problem unauthorized or expired; nil when it may
function M:check(headers)
  if not has_headers(self, headers) then return "unauthorized" end
  if #self.provider.auth == 0 then return nil end
  local token = (headers.authorization or ""):match("^[Bb][Ee][Aa][Rr][Ee][Rr] +(%S+)$")
  if not token then return "unauthorized" end
  for _, method in ipairs(self.provider.auth) do
    if method.kind == "bearer" and token == tostring(self.credentials[method.fields[1].name]) then return nil end
  end
  local ends = self.issued.worth[token]
  if not ends then return "unauthorized" end
  return ends <= self.now() and "expired" or nil
end

--- Makes every token that has been asked for an ended one.
function M:expire()
  for token in pairs(self.issued.worth) do self.issued.worth[token] = 0 end
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

-- Whether one way takes what came; else a code of RFC 6749, 5.2.
local function judge(self, method, values)
  for name, value in pairs(method.constant) do
    if tostring(values[name]) ~= tostring(value) then
      return name == "grant_type" and "unsupported_grant_type" or "invalid_request"
    end
  end
  for _, field in ipairs(method.fields) do
    local value = values[field.as or field.name]
    if value == nil and field.required then return "invalid_request" end
    local rotates = field.name == method.rotates
    local known = value == nil or tostring(value) == tostring(self.credentials[field.name])
      or rotates and type(value) == "string" and self.given.worth[value]
    if not known then return rotates and "invalid_grant" or "invalid_client" end
  end
end

local function issue(self, method)
  local token, life = "sandbox-" .. fill.uuid(), self.life or method.lifetime or LIFE
  remember(self.issued, token, self.now() + life)
  local body = fill.fill(method.envelope or {}, function() end)
  fill.put(body, method.token, token)
  if method.expires_in then fill.put(body, method.expires_in, life) end
  if method.rotates then
    -- The old one stays good: a script that is run again has no other.
    local fresh = "sandbox-" .. fill.uuid()
    remember(self.given, fresh, true)
    body[method.rotates] = fresh
  end
  return body
end

--- Answers a token request. Where one path serves several ways, the first that takes what came counts.
--- @param request table
--- @return table|nil body
--- @return string|nil code of RFC 6749, 5.2, when it is refused
function M:request(request)
  local values, code = values_of(request), nil
  for _, method in ipairs(self.requests[request.path]) do
    local own = judge(self, method, values)
    if not own then return issue(self, method) end
    -- The way whose constants came is the one that was meant.
    if not code or own ~= "unsupported_grant_type" then code = own end
  end
  return nil, code
end

return M
