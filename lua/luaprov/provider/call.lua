--- One call of one operation: its URL, headers and body, its token, its turn, its answer.
local answers = require "luaprov.provider.answer"
local auth = require "luaprov.provider.auth"
local errors = require "luaprov.errors"
local events = require "luaprov.events"
local http = require "luaprov.http"
local json = require "luaprov.json"
local redact = require "luaprov.provider.redact"
local retry = require "luaprov.policy.retry"
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
    if #there == #name and there:lower() == name:lower() then headers[there] = nil end
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

--- The time and the tries that a call may take, with all its exchanges.
--- @param state table a client's inside
--- @param options table|nil timeout, attempts, patience of this call alone; ends (seconds of http.now()) of what it
---   belongs to
--- @return table budget attempts, timeout (seconds of one try), ends (seconds of http.now()), settles_until (the same,
---   where nothing is sent again but looked for); gains over (when the last try would have timed out)
function M.budget(state, options)
  options = options or {}
  local attempts, timeout = options.attempts or state.attempts, options.timeout or state.timeout
  local patience, now = options.patience or state.patience, http.now()
  local over = options.ends or math.huge
  return {
    attempts = attempts, timeout = timeout, ends = math.min(now + patience, over), cut = over,
    settles_until = now + math.max(timeout, patience),
  }
end

local KEPT = 100 -- secrets of a client whose spellings it knows

-- The spellings that a client has made before: those of its credentials and tokens come again and again. Not in the
-- client itself: whoever walks through one finds nothing.
local kept = setmetatable({}, { __mode = "k" })

local function kept_spellings(state)
  local count = 0
  for _ in pairs(kept[state] or {}) do count = count + 1 end
  if count == 0 or count > KEPT then kept[state] = {} end
  return kept[state]
end

-- The body as text, and the headers that go with it.
local function encoded(spec, headers, context)
  if spec.body == nil then return nil end
  local body, why = json.encode(spec.body)
  if body then
    set_header(headers, "Content-Type", spec.content_type or "application/json")
    return body
  end
  local where, what = why:match("^([^:%s]+): (.*)$")
  local fault = { path = where or "", message = what or why, problem = "value" }
  return nil, named(errors.invalid { fault }, context)
end

local function context_of(state, spec)
  local operation = spec.operation
  local context = {
    provider = state.provider, resource = spec.resource, operation = spec.name or operation.name,
    opened = {}, secret_names = state.secret_names, expect = operation.expect, waited = 0,
    spellings = kept_spellings(state),
  }
  for _, values in ipairs { state.auth.credentials, state.settings } do
    for _, value in pairs(values) do
      if secret.is(value) then context.opened[#context.opened + 1] = value:reveal() end
    end
  end
  transport.add_secrets(state.transport, context.opened)
  for _, value in ipairs(spec.opened or {}) do context.opened[#context.opened + 1] = value end
  return context
end

local IN_VAIN = {
  timeout = "there was no time left when its turn came", cancelled = "cancelled while it waited for its turn",
  rate_limited = "the vendor wants no call of this account for another %d s, which is more than its patience",
}

local function waited_in_vain(why, seconds, context)
  return named(errors.new { kind = why, outcome = "not_sent", retry_after = seconds,
    message = IN_VAIN[why]:format(math.ceil(math.min(seconds or 0, 1e9))) }, context)
end

-- A token, and an exchange with it. The third value: what was answered; the fourth: the token that was sent.
local function exchange(state, request, budget, context)
  local token, err = auth.token(state.auth, math.min(http.now() + budget.timeout, budget.cut))
  if err then return nil, err end
  if token then
    request.headers.Authorization = "Bearer " .. token
    context.opened[#context.opened + 1] = token
  end
  budget.over = http.now() + budget.timeout
  request.deadline = math.min(budget.over, budget.cut)
  local response, part
  response, err, part = state.exchange(request, context.operation)
  return response, err, response or part, token
end

-- The same in its turn: when the account's limits let it. Only then is there a token: one that was had before might
-- have ended meanwhile. Requests for tokens have no turn: no vendor says that it counts them.
local function exchange_in_turn(state, request, budget, context)
  local limiter, asked = state.limiter(), http.now()
  local ticket, why, seconds = limiter:enter(budget.ends - asked, 2 * budget.timeout)
  -- Whoever waits for a turn loses no time of its own.
  context.waited = ticket and not ticket.waited and 0 or http.now() - asked
  if not ticket then return nil, waited_in_vain(why, seconds, context) end
  if ticket.waited then
    budget.ends, budget.settles_until = budget.ends + context.waited, budget.settles_until + context.waited
  end
  local ok, response, err, answered, token = pcall(exchange, state, request, budget, context)
  -- The turn is given back, whatever tears us out of the midst: a Ctrl-C, a fault of ours.
  limiter:leave(ticket, ok and answered and {
    status = answered.status, headers = answered.headers,
    retry_after = http.retry_after(answered.headers),
  }, ok and not answered and err.outcome == "not_sent")
  if not ok then error(response, 0) end
  return response, err, answered, token
end

-- One try. The third value: whether another token may be had.
local function try(state, request, budget, context)
  context.status, context.answer = nil, nil
  local response, err, answered, token = exchange_in_turn(state, request, budget, context)
  if not answered then return nil, named(err, context) end
  local answer = answers.new(answered)
  context.status, context.answer = answered.status, answer
  if response then err = answers.judge(answer, context) else err = answers.cut(answer, context, err) end
  if not err then return answer end
  -- 401 is a refusal: nothing was done, so repeating with another token doubles nothing.
  local refused = err.kind == "unauthorized" and err.outcome == "refused" and token
  return nil, err, refused and auth.refused(state.auth, token)
end

-- A trace id is told of what went well, too: it is what a vendor's support asks for.
local function trace_of(context, err)
  if err and err.trace_id then return err.trace_id end
  return context.answer and answers.trace_id(context.answer, context) or nil
end

local function tell(name, context, request, began, attempts, waited, err)
  if not events.wanted(name) then return end
  events.emit(name, {
    provider = context.provider.name, resource = context.resource, operation = context.operation,
    method = request.method, status = context.status, kind = err and err.kind, outcome = err and err.outcome or "done",
    trace_id = trace_of(context, err), attempts = attempts, seconds = http.now() - began, waited = waited,
  })
end

--- Makes one call: tries it, in its turn, and again where that is safe.
--- @param state table a client's inside
--- @param spec table resource (its name), operation (a description), path, query (text), body (any wire value),
---   content_type, opened (values of the secrets in the body), budget (of the call that this is a part of), read
---   (function answer, context -> what is in it; or nil, err), settle (see policy/retry)
--- @return any answer what read made of it, or the luaprov.Answer; or what stands in its place: { settled = record },
---   { gone = true } for a delete
--- @return luaprov.Error|nil err
function M.send(state, spec)
  local operation, context = spec.operation, context_of(state, spec)
  local headers, began = headers_of(state, operation), http.now()
  local body, invalid = encoded(spec, headers, context)
  if invalid then return nil, invalid end
  local request = {
    method = operation.method, headers = headers, body = body, connect_timeout = state.connect_timeout,
    limit = state.response_limit, transport = state.transport,
    url = state.base_url .. spec.path .. (spec.query and spec.query ~= "" and "?" .. spec.query or ""),
  }
  function request.shown() return redact.line(request.url, context) end
  local budget, count, waited = spec.budget or M.budget(state), 0, 0
  local answer, err = retry.run {
    operation = operation.name, changes = operation.name ~= "get" and operation.name ~= "list", budget = budget,
    settle = spec.settle, try = function()
      local tried_at = http.now()
      count = count + 1
      local tried, failed, renew = try(state, request, budget, context)
      local result = tried
      -- An answer that cannot be used is no answer.
      if tried and spec.read then result, failed = spec.read(tried, context) end
      waited = waited + context.waited
      tell("attempt", context, request, tried_at, count, context.waited, failed)
      return result, failed, renew
    end,
  }
  tell("call", context, request, began, count, waited, err)
  return answer, err
end

return M
