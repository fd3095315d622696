--- One call of one operation: its URL, headers and body, its token, its answer. A refused token is renewed once.
local answers = require "luaprov.provider.answer"
local auth = require "luaprov.provider.auth"
local errors = require "luaprov.errors"
local http = require "luaprov.http"
local json = require "luaprov.json"
local secret = require "luaprov.secret"
local template = require "luaprov.provider.template"
local transport = require "luaprov.transport"
local uri = require "luaprov.uri"

local M = {}

--- The operation itself, where a setting chooses between several ways of it.
function M.resolve(state, operation)
  if operation and operation.setting then return operation.cases[state.settings[operation.setting]] end
  return operation
end

local function setting_text(state, name)
  local value = state.settings[name]
  if value == nil or value == false then return nil end
  if secret.is(value) then return (value:reveal()) end
  return tostring(value)
end

--- The path of an operation below the base URL.
--- @param parts table name -> value, of the id (as `id`) and of parents
--- @return string|nil path
--- @return table|nil faults
function M.path(state, operation, parts)
  local faults = {}
  local path, missing = template.expand(operation.path, function(name)
    local setting = setting_text(state, name)
    local value, fault = template.path_part(parts[name] == nil and setting or parts[name])
    if value then return uri.escape(value) end
    -- An absent setting leaves out its optional part; anything else is a mistake.
    if parts[name] == nil and setting == nil and state.is_setting[name] then return nil end
    local absent = parts[name] == nil and setting == nil
    if absent and name ~= "id" then fault = "is required: a part of the path" end
    faults[#faults + 1] = { path = name, message = fault, problem = absent and "required" or "value" }
    return ""
  end)
  if not path then faults[1] = { path = missing, message = "is required: a setting of the client",
                                   problem = "required" } end
  if #faults > 0 then return nil, faults end
  return path
end

-- A header's name is the same in any case.
local function set_header(headers, name, value)
  for there in pairs(headers) do
    if there:lower() == name:lower() then headers[there] = nil end
  end
  headers[name] = value
end

local function headers_of(state, operation)
  local headers = { Accept = "application/json", ["User-Agent"] = state.user_agent }
  for _, templates in ipairs { state.provider.headers, operation.headers } do
    for name, parts in pairs(templates) do
      set_header(headers, name, template.expand(parts, function(setting) return setting_text(state, setting) end))
    end
  end
  return headers
end

local function named(err, context)
  err.provider, err.resource, err.operation = context.provider.name, context.resource, context.operation
  return err
end

--- When a call that begins now must have ended, with all its exchanges.
--- @return number seconds of http.now()
function M.deadline(state) return http.now() + state.timeout end

--- Sends one call.
--- @param state table a client's inside
--- @param spec table resource (its name), operation (a description), path, query (text), body (any wire value),
---   content_type, opened (values of the secrets in the body), deadline (of the call that this is a part of)
--- @return luaprov.Answer|nil answer a success, as far as its status and the provider file's errors tell
--- @return luaprov.Error|nil err
--- @return table context for reading the answer further
function M.send(state, spec)
  local operation = spec.operation
  local context = {
    provider = state.provider, resource = spec.resource, operation = spec.name or operation.name,
    opened = {}, secret_names = state.secret_names, expect = operation.expect,
  }
  for _, values in ipairs { state.auth.credentials, state.settings } do
    for _, value in pairs(values) do
      if secret.is(value) then context.opened[#context.opened + 1] = value:reveal() end
    end
  end
  transport.add_secrets(state.transport, context.opened)
  for _, value in ipairs(spec.opened or {}) do context.opened[#context.opened + 1] = value end
  local headers = headers_of(state, operation)
  local body
  if spec.body ~= nil then
    local why
    body, why = json.encode(spec.body)
    if not body then
      local where, what = why:match("^([^:%s]+): (.*)$")
      local fault = { path = where or "", message = what or why, problem = "value" }
      return nil, named(errors.invalid { fault }, context), context
    end
    set_header(headers, "Content-Type", spec.content_type or "application/json")
  end
  local url = state.base_url .. spec.path .. (spec.query and spec.query ~= "" and "?" .. spec.query or "")
  local deadline = spec.deadline or M.deadline(state)
  local token, err, answer
  for try = 1, 2 do
    token, err = auth.token(state.auth, deadline)
    if err then return nil, named(err, context), context end
    if token then
      headers.Authorization = "Bearer " .. token
      context.opened[#context.opened + 1] = token
    end
    local response, part
    response, err, part = state.exchange({
      method = operation.method, url = url, headers = headers, body = body, deadline = deadline,
      connect_timeout = state.connect_timeout, limit = state.response_limit, transport = state.transport,
    }, operation.name)
    if part then return nil, answers.cut(answers.new(part), context, err), context end
    if not response then return nil, named(err, context), context end
    answer = answers.new(response)
    err = answers.judge(answer, context)
    -- 401 is a refusal: nothing was done, so repeating with another token doubles nothing.
    local renew = err and err.kind == "unauthorized" and err.outcome == "refused" and token
    if not renew or try == 2 or not auth.refused(state.auth, token) then break end
  end
  if err then return nil, err, context end
  return answer, nil, context
end

return M
