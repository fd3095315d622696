--- How a provider's vendor says no: the other direction of `provider/answer`.
local answer = require "luaprov.provider.answer"
local fill = require "luaprov.sandbox.fill"
local json = require "luaprov.json"
local problems = require "luaprov.provider.problems"

local M = {}

-- Where a provider file does not say what an error looks like, or says it with a function, which can only read.
local PLAIN = { message = "{message}", code = "{code}" }

-- A form without a `body` is made of the paths where its parts are read.
local function body_of(form)
  if form.body then return form.body end
  local body = {}
  local item = form.items and {} or body
  local function put(into, paths, text)
    local keys = paths and paths[1]
    if keys and keys ~= "location" and #keys > 0 then fill.put(into, keys, text) end
  end
  put(item, form.code, "{code}")
  put(item, form.message, "{message}")
  if form.items then put(body, form.items, json.array { item }) end
  put(body, form.trace_id, "{trace_id}")
  return next(body) ~= nil and body or PLAIN
end

local function lookup_of(fault, status, form, request)
  local number = tonumber(fault.code)
  local values = {
    status = status, reason = fill.reason(status), code = fault.code, message = fault.message, now = fill.now(),
    spelled = number and form.codes and form.codes:format(number) or fault.code, trace_id = fault.trace_id,
    path = fault.path, request = request and request.decoded,
  }
  return function(name)
    if name == "trace_id" and not values.trace_id then return fill.uuid() end
    return values[name]
  end
end

-- The list in a template whose one item stands for every error.
local function repeated(template, form, lookups)
  local list = form.items and answer.at(template, form.items[1])
  if type(list) ~= "table" or list[1] == nil then return nil end
  local items = json.array {}
  for i, lookup in ipairs(lookups) do items[i] = fill.fill(list[1], lookup) end
  return items
end

local function joined(faults)
  local messages = {}
  for i, fault in ipairs(faults) do messages[i] = fault.message end
  return { code = faults[1].code, path = faults[1].path, message = table.concat(messages, "; ") }
end

--- The reply that says what is wrong.
--- @param provider table description
--- @param problem table status, form (1, 2, …), body (a template that goes before the form's), headers (list), and
---   faults: { code, message, path, trace_id } each
--- @param request table|nil
--- @return table reply status, headers, body
function M.reply(provider, problem, request)
  local form, faults = provider.errors[problem.form or 1] or {}, problem.faults
  local template = problem.body or body_of(form)
  local first = #faults > 1 and not form.items and joined(faults) or faults[1] or {}
  local body = fill.fill(template, lookup_of(first, problem.status, form, request))
  if form.items and not problem.body then
    local lookups = {}
    for i, fault in ipairs(faults) do lookups[i] = lookup_of(fault, problem.status, form, request) end
    local items = repeated(template, form, lookups)
    if items then fill.put(body, form.items[1], items) end
  end
  local headers, text = problem.headers or {}, body
  if type(body) ~= "string" then
    text = body ~= nil and next(body) ~= nil and assert(json.encode(body)) or ""
  end
  if text ~= "" then
    headers[#headers + 1] = "Content-Type"
    headers[#headers + 1] = type(body) == "string" and "text/plain" or "application/json"
  end
  return { status = problem.status, headers = headers, body = text }
end

local function find_when(provider, resource, name)
  local own = resource and resource.when[name]
  if own then return own end
  for index, form in ipairs(provider.errors) do
    if form.when[name] then return form.when[name], index end
  end
end

-- The provider file's words for a fault, else ours.
local function message_of(case, fault)
  local path = fault.path ~= "" and fault.path or nil
  if not case.message then return path and path .. " " .. fault.message or fault.message end
  return fill.fill(case.message, function(name) return name == "path" and path or nil end)
end

--- What the vendor makes of faults that it found.
--- @param provider table description
--- @param resource table|nil description
--- @param found table[] { problem, path, message } each
--- @param request table|nil
--- @param headers table|nil
--- @return table reply
function M.of(provider, resource, found, request, headers)
  local problem = { faults = {}, headers = headers }
  for i, fault in ipairs(found) do
    local case, form = find_when(provider, resource, fault.problem)
    case = case or {}
    problem.faults[i] = { code = case.code, path = fault.path, message = message_of(case, fault) }
    if i == 1 then
      problem.status, problem.body, problem.form = case.status or problems.status[fault.problem], case.body, form
    end
  end
  return M.reply(provider, problem, request)
end

local OAUTH = {
  invalid_request = "A parameter is missing or wrong.", invalid_client = "The client is not known.",
  invalid_grant = "The refresh token is not known.", unsupported_grant_type = "The grant type is not supported.",
}

--- What a token request is refused with: as the provider file says for `credentials`, else by RFC 6749, 5.2.
--- @param provider table description
--- @param code string of RFC 6749
--- @param request table
--- @return table reply
function M.no_token(provider, code, request)
  if find_when(provider, nil, "credentials") then
    return M.of(provider, nil, { { problem = "credentials", message = fill.reason(401) } }, request)
  end
  return M.reply(provider, { status = 400, body = { error = code, error_description = OAUTH[code] }, faults = {} })
end

return M
