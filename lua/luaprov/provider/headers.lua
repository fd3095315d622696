--- The headers that a call sends: what can be known of them before is made once for all calls of an operation.
local http = require "luaprov.http"
local secret = require "luaprov.secret"
local tables = require "luaprov.tables"
local template = require "luaprov.provider.template"

local M = {}

--- A setting of a client as text, a secret opened; nil where there is none.
function M.setting(state, name)
  local value = state.settings[name]
  if value == nil or value == false then return nil end
  if secret.is(value) then return (value:reveal()) end
  return tostring(value)
end

-- A header's name is the same in any case.
local function set_header(headers, name, value)
  for there in pairs(headers) do
    if #there == #name and there:lower() == name:lower() then headers[there] = nil end
  end
  headers[name] = value
end

-- What the headers of an operation are made from: names and values, as lists, and the order of all names that there may
-- be. A value with a secret in it is a template still: it is opened for the call alone.
local function header_plan(state, operation, content_type)
  local headers = { Accept = "application/json", ["User-Agent"] = state.user_agent }
  for _, templates in ipairs { state.provider.headers, operation.headers } do
    for name, parts in pairs(templates) do
      local has_secret = false
      local value = template.expand(parts, function(setting)
        has_secret = has_secret or secret.is(state.settings[setting])
        return not has_secret and M.setting(state, setting) or nil
      end)
      set_header(headers, name, has_secret and parts or value)
    end
  end
  if content_type then set_header(headers, "Content-Type", content_type) end
  local plan = { names = tables.keys(headers), values = {}, is_fixed = true }
  for i, name in ipairs(plan.names) do
    plan.values[i] = headers[name]
    plan.is_fixed = plan.is_fixed and type(headers[name]) == "string"
  end
  headers.Authorization = true
  plan.order = tables.keys(headers)
  return plan
end

-- Apart from what is called for every call: LuaJIT compiles nothing that makes a function.
local function filled(state, parts)
  return template.expand(parts, function(setting) return M.setting(state, setting) end)
end

--- What the headers of an operation are made from.
--- @param call table of luaprov.provider.call
--- @param content_type string "" where there is no body
--- @return table plan
function M.plan(call, content_type)
  local plan = call.plans[content_type]
  if plan then return plan end
  plan = header_plan(call.state, call.description, content_type ~= "" and content_type)
  call.plans[content_type] = plan
  return plan
end

-- Plan -> the token and the headers of the last call: the next one sends the same, most of the time, and so the engine
-- has read all of the request that comes again. Not in the plan, and so not in the client: whoever walks through one
-- finds nothing.
local last_sent = setmetatable({}, { __mode = "k" })

local function headers_of(call, plan, token)
  local headers, prepared = {}, false
  for i, value in ipairs(plan.values) do
    if type(value) == "table" then value = filled(call.state, value) end
    headers[plan.names[i]] = value
  end
  if token then headers.Authorization = "Bearer " .. token end
  call.headers, call.order, call.prepared = headers, plan.order, false
  if plan.is_fixed then
    prepared = http.prepare(call)
    last_sent[plan] = { token = token, headers = headers, prepared = prepared }
  end
  call.prepared = prepared
end

--- Puts its headers into a call.
--- @param call table plan; gains headers ({ name = value }), order, prepared as luaprov.http takes them
--- @param token string|nil opened
function M.set(call, token)
  local plan = call.plan
  local last = last_sent[plan]
  if last and last.token == token then
    call.headers, call.order, call.prepared = last.headers, plan.order, last.prepared
  else
    headers_of(call, plan, token)
  end
end

return M
