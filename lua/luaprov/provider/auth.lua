--- How a client proves who it is: a token that was given, or one that is asked for, kept, and renewed.
local answers = require "luaprov.provider.answer"
local errors = require "luaprov.errors"
local http = require "luaprov.http"
local json = require "luaprov.json"
local redact = require "luaprov.provider.redact"
local secret = require "luaprov.secret"
local shared_token = require "luaprov.provider.shared_token"
local template = require "luaprov.provider.template"
local transport = require "luaprov.transport"
local uri = require "luaprov.uri"

local M = {}

local EARLY = 30 -- seconds before its end from which a token is renewed; at most a tenth of its life

local function form_of(values)
  local names, parts = {}, {}
  for name in pairs(values) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do parts[i] = uri.escape(name) .. "=" .. uri.escape(values[name]) end
  return table.concat(parts, "&")
end

-- The values that a token request sends, secrets opened.
local function sent_values(auth, opened)
  local values = {}
  for name, value in pairs(auth.method.constant) do values[name] = value end
  for _, field in ipairs(auth.method.fields) do
    local value = auth.credentials[field.name]
    if value ~= nil then
      if secret.is(value) then
        local text, why = value:reveal()
        if not text then return nil, field.name .. " cannot be opened: " .. why end
        opened[#opened + 1] = text
        value = text
      end
      values[field.as or field.name] = tostring(value)
    end
  end
  return values
end

local function token_request(auth, values, deadline)
  local settings = auth.settings
  local url, missing = auth.token_url, nil
  if not url then
    url, missing = template.expand(auth.method.url, function(name)
      return name == "base_url" and auth.base_url or settings[name] ~= nil and tostring(settings[name]) or nil
    end)
  end
  if not url then return nil, missing .. " is required" end
  local encoding = auth.method.encoding
  encoding = settings[encoding] or encoding
  local request = {
    method = "POST", url = url, deadline = deadline, connect_timeout = auth.connect_timeout,
    transport = auth.transport,
    headers = { Accept = "application/json", ["User-Agent"] = auth.user_agent },
  }
  if encoding == "json" then
    request.body = json.encode(values)
    request.headers["Content-Type"] = "application/json"
  elseif encoding == "query" then
    request.url = url .. "?" .. form_of(values)
    request.body = ""
  else
    request.body = form_of(values)
    request.headers["Content-Type"] = "application/x-www-form-urlencoded"
  end
  return request
end

-- RFC 6749, 5.2: what is wrong, where the provider file has nothing to say of it.
local function oauth_message(body)
  if type(body) ~= "table" or type(body.error) ~= "string" then return nil end
  local text = body.error_description
  return type(text) == "string" and text ~= "" and text or body.error, body.error
end

-- No call has been made yet: whatever went wrong with the token, the call itself was not sent.
local function not_sent(auth, err)
  err.outcome = "not_sent"
  err.provider = auth.provider.name
  err.message = "no token: " .. err.message
  return err
end

local function read_token(auth, answer, opened)
  local context = {
    provider = auth.provider, secrets = opened, secret_names = auth.secret_names, expect = { [200] = true },
  }
  local err = answers.judge(answer, context)
  if err then
    local message, code = oauth_message(answer.body)
    if message then
      err.message, err.codes = redact.line(message, context, 1000), { redact.line(code, context) }
    end
    if answer.status == 400 or answer.status == 401 then
      if err.kind == "invalid" then err.kind = "unauthorized" end
    end
    return nil, err
  end
  local token = answers.at(answer.body, auth.method.token)
  if type(token) ~= "string" or token == "" or token:find("[%c%s]") then
    return nil, errors.new {
      kind = "protocol", status = answer.status, outcome = "not_sent",
      message = "the answer to the token request has no " .. table.concat(auth.method.token, "."),
    }
  end
  return token
end

local function renew(auth, deadline)
  local opened = {}
  local values, why = sent_values(auth, opened)
  if not values then return nil, not_sent(auth, errors.new { kind = "invalid", message = why }) end
  transport.add_secrets(auth.transport, opened)
  local asked = http.now()
  local request
  request, why = token_request(auth, values, deadline)
  if not request then return nil, not_sent(auth, errors.new { kind = "invalid", message = why }) end
  local response, err = auth.exchange(request, "token")
  if not response then return nil, not_sent(auth, err) end
  local answer = answers.new(response)
  local token
  token, err = read_token(auth, answer, opened)
  if not token then return nil, not_sent(auth, err) end
  local life = tonumber(auth.method.expires_in and answers.at(answer.body, auth.method.expires_in))
    or auth.method.lifetime
  auth.token = secret.new(token)
  auth.renew_at = life and asked + life - math.min(EARLY, life / 10)
  local rotates = auth.method.rotates
  local replacement = rotates and answers.at(answer.body, { rotates })
  if type(replacement) == "string" and replacement ~= "" then auth.credentials[rotates] = secret.new(replacement) end
  return true
end

--- @param options table provider, method, credentials, settings, base_url, token_url, connect_timeout, user_agent,
---   secret_names, exchange, transport
--- @return table auth
function M.new(options)
  local auth = options
  if auth.method and auth.method.kind == "bearer" then
    auth.token = auth.credentials[auth.method.fields[1].name]
  end
  return auth
end

local sendable = setmetatable({}, { __mode = "k" }) -- secret that cannot change, and that was looked at -> its value

-- Asks for a token; returns the error.
local function ask(auth, deadline)
  repeat
    local mine
    local ok, err, stopped = http.share(auth, function()
      mine = true
      return shared_token.fetch(auth, deadline, renew)
    end)
    mine = mine or stopped
    -- Somebody else's request may have ended for want of time that we still have.
    if not ok and (mine or (err.kind ~= "timeout" and err.kind ~= "cancelled") or http.now() >= deadline) then
      local copy = {}
      for name, value in pairs(err) do copy[name] = value end
      return errors.new(copy)
    end
  until mine or auth.token and not (auth.renew_at and http.now() >= auth.renew_at)
end

--- The token to send, asked for when there is none or when it is about to end. Callers who come meanwhile share one
--- request.
--- @param auth table
--- @param deadline number seconds of http.now()
--- @return string|nil token opened; nil without err where the provider needs none
--- @return luaprov.Error|nil err its outcome is always not_sent
--- @return boolean|nil waited whether that may have taken its time
function M.token(auth, deadline)
  if not auth.method then return nil end
  local waited
  if auth.method.kind == "token_request" and (not auth.token or auth.renew_at and http.now() >= auth.renew_at) then
    local err = ask(auth, deadline)
    if err then return nil, err end
    waited = true
  end
  if not auth.token then
    -- Somebody else's call found it refused in the meantime, and could not renew it.
    return nil, not_sent(auth, errors.new { kind = "unauthorized", message = "it was refused" })
  end
  local known = sendable[auth.token]
  if known then return known, nil, waited end
  local token, why = auth.token:reveal()
  if not token then
    return nil, not_sent(auth, errors.new { kind = "invalid", message = "it cannot be opened: " .. why })
  end
  if token:find("%c") then
    return nil, not_sent(auth, errors.new { kind = "invalid", message = "it has a line end or a control character" })
  end
  if secret.is_fixed(auth.token) then sendable[auth.token] = token end
  return token, nil, true
end

--- Notes that the vendor has refused a token.
--- @return boolean another whether another one may be had
function M.refused(auth, token)
  if not auth.method or auth.method.kind ~= "token_request" then return false end
  if auth.token and auth.token:reveal() == token then auth.token = nil end
  shared_token.refused(auth, token)
  return true
end

return M
