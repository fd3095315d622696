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
local tables = require "luaprov.tables"
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

local function expand_path(state, path_template, parts)
  local faults = {}
  local path, missing = template.expand(path_template, function(name)
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

--- The path of an operation below the base URL.
--- @param parts table name -> value, of the id (as `id`) and of parents
--- @return string|nil path
--- @return table|nil faults
function M.path(state, operation, parts)
  local template_parts = operation.path
  -- Most paths of a collection are one text.
  if template_parts[2] == nil and type(template_parts[1]) == "string" then return template_parts[1] end
  return expand_path(state, template_parts, parts)
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
        return not has_secret and setting_text(state, setting) or nil
      end)
      set_header(headers, name, has_secret and parts or value)
    end
  end
  if content_type then set_header(headers, "Content-Type", content_type) end
  local plan = { names = tables.keys(headers), values = {} }
  for i, name in ipairs(plan.names) do plan.values[i] = headers[name] end
  headers.Authorization = true
  plan.order = tables.keys(headers)
  return plan
end

-- Apart from what is called for every call: LuaJIT compiles nothing that makes a function.
local function filled(state, parts)
  return template.expand(parts, function(setting) return setting_text(state, setting) end)
end

local function headers_of(state, operation, content_type)
  local plans = state.headers[operation] or {}
  local plan = plans[content_type or ""]
  if not plan then
    plan = header_plan(state, operation, content_type)
    state.headers[operation], plans[content_type or ""] = plans, plan
  end
  local names = plan.names
  local headers = { Accept = nil, Authorization = nil, ["Content-Type"] = nil, ["User-Agent"] = nil } -- room for them
  for i, value in ipairs(plan.values) do
    if type(value) == "table" then value = filled(state, value) end
    headers[names[i]] = value
  end
  return headers, plan.order
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
---   where nothing is sent again but looked for)
function M.budget(state, options)
  local attempts, timeout, patience, now, over = state.attempts, state.timeout, state.patience, http.now(), math.huge
  if options then
    attempts, timeout = options.attempts or attempts, options.timeout or timeout
    patience, over = options.patience or patience, options.ends or over
  end
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

-- The error of a body that has no JSON form.
local function not_encoded(why, context)
  local where, what = why:match("^([^:%s]+): (.*)$")
  return named(errors.invalid { { path = where or "", message = what or why, problem = "value" } }, context)
end

-- All secrets that a call may send, opened, and how they may be spelled: what of its answer is shown must not have
-- them. Most answers are never shown.
local function complete(context)
  context.complete = false
  local opened, state = context.opened or {}, context.state
  context.opened, context.spellings = opened, kept_spellings(state)
  for _, values in ipairs { state.auth.credentials, state.settings } do
    for _, value in pairs(values) do
      if secret.is(value) then opened[#opened + 1] = value:reveal() end
    end
  end
  transport.add_secrets(state.transport, opened)
  for _, value in ipairs(context.spec.opened or {}) do opened[#opened + 1] = value end
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
local function exchange(context, now)
  local state, request, budget = context.state, context.request, context.budget
  local token, err = auth.token(state.auth, math.min(now + budget.timeout, budget.cut))
  if err then return nil, err end
  if token then
    request.headers.Authorization = "Bearer " .. token
    if context.opened then context.opened[#context.opened + 1] = token else context.opened = { token } end
    if state.auth.method.kind == "token_request" then now = http.now() end -- it may have been waited for
  end
  context.over = now + budget.timeout
  request.deadline = math.min(context.over, budget.cut)
  local response, part
  response, err, part = state.exchange(request, context.operation)
  return response, err, response or part, token
end

-- The same in its turn: when the account's limits let it. Only then is there a token: one that was had before might
-- have ended meanwhile. Requests for tokens have no turn: no vendor says that it counts them.
local function exchange_in_turn(context, now)
  local limiter, budget = context.state.limiter(), context.budget
  local ticket, why, seconds = limiter:enter(budget.ends - now, 2 * budget.timeout, now)
  -- Whoever waits for a turn loses no time of its own.
  context.waited = 0
  if not ticket or ticket.waited then
    local asked = now
    now = http.now()
    context.waited = now - asked
    if not ticket then return nil, waited_in_vain(why, seconds, context) end
    budget.ends, budget.settles_until = budget.ends + context.waited, budget.settles_until + context.waited
  end
  local ok, response, err, answered, token = pcall(exchange, context, now)
  if ok and answered and answered.status == 429 then answered.retry_after = http.retry_after(answered.headers) end
  -- The turn is given back, whatever tears us out of the midst: a Ctrl-C, a fault of ours.
  limiter:leave(ticket, ok and answered or nil, ok and not answered and err.outcome == "not_sent")
  if not ok then error(response, 0) end
  return response, err, answered, token
end

-- One try. The third value: whether another token may be had.
local function try(context, now)
  context.status, context.answer = false, false
  local response, err, answered, token = exchange_in_turn(context, now)
  if not answered then return nil, named(err, context) end
  local answer = answers.new(answered)
  context.status, context.answer = answered.status, answer
  if response then err = answers.judge(answer, context) else err = answers.cut(answer, context, err) end
  if not err then return answer end
  -- 401 is a refusal: nothing was done, so repeating with another token doubles nothing.
  local refused = err.kind == "unauthorized" and err.outcome == "refused" and token
  return nil, err, refused and auth.refused(context.state.auth, token)
end

-- A trace id is told of what went well, too: it is what a vendor's support asks for.
local function trace_of(context, err)
  if err and err.trace_id then return err.trace_id end
  return context.answer and answers.trace_id(context.answer, context) or nil
end

local function tell(name, context, began, waited, err)
  if not events.wanted(name) then return end
  events.emit(name, {
    provider = context.provider.name, resource = context.resource, operation = context.operation,
    method = context.request.method, status = context.status or nil, kind = err and err.kind,
    outcome = err and err.outcome or "done",
    trace_id = trace_of(context, err), attempts = context.tries, seconds = http.now() - began, waited = waited,
  })
end

-- A try, and what is read of its answer: one that cannot be used is no answer.
local function try_and_read(context)
  local now = context.tries > 0 and http.now() or context.began
  context.tries = context.tries + 1
  local answer, err, renew = try(context, now)
  local result, read = answer, context.spec.read
  if answer and read then result, err = read(answer, context) end
  context.waited_in_all = context.waited_in_all + context.waited
  tell("attempt", context, now, context.waited, err)
  return result, err, renew
end

local function shown_url(request) return redact.line(request.url, request.context) end

-- What is the same for all calls of an operation: what judges an answer, what policy/retry asks for, and what a request
-- has for luaprov.http.
local function context_of(state, operation, resource)
  local name = operation.name
  local same = { __index = {
    provider = state.provider, resource = resource, operation = name, expect = operation.expect,
    secret_names = state.secret_names, complete = complete, state = state, try = try_and_read,
    changes = name ~= "get" and name ~= "list",
    requests = { __index = {
      method = operation.method, connect_timeout = state.connect_timeout, limit = state.response_limit,
      transport = state.transport, shown = shown_url,
    } },
  } }
  state.contexts[operation] = same
  return same
end

--- Makes one call: tries it, in its turn, and again where that is safe.
--- @param state table a client's inside
--- @param spec table resource (its name), operation (a description), path, query (text), body (any wire value) or text
---   (the same as JSON), content_type, opened (values of the secrets in the body), budget (of the call that this is a
---   part of), read (function answer, context -> what is in it; or nil, err; context.spec is this table), settle (see policy/retry)
--- @return any answer what read made of it, or the luaprov.Answer; or what stands in its place: { settled = record },
---   { gone = true } for a delete
--- @return luaprov.Error|nil err
function M.send(state, spec)
  local operation = spec.operation
  local context = setmetatable({
    -- With all that it gains: LuaJIT is slow where a table gets another name.
    spec = spec, request = false, opened = false, status = false, answer = false, over = false, began = http.now(),
    tries = 0, waited = 0, waited_in_all = 0, settle = spec.session and spec.session.settle,
    budget = spec.budget or M.budget(state),
  }, state.contexts[operation] or context_of(state, operation, spec.resource))
  local body = spec.text
  if not body and spec.body ~= nil then
    local why
    body, why = json.encode(spec.body)
    if not body then return nil, not_encoded(why, context) end
  end
  local headers, order = headers_of(state, operation, body and (spec.content_type or "application/json"))
  local url, query = state.base_url .. spec.path, spec.query
  if query and query ~= "" then url = url .. "?" .. query end
  context.request = setmetatable({
    url = url, headers = headers, order = order, body = body, context = context, deadline = 0,
  }, context.requests)
  -- What can change meanwhile is opened before it is sent.
  if state.has_changing_secrets then complete(context) end
  local answer, err = retry.run(context)
  tell("call", context, context.began, context.waited_in_all, err)
  return answer, err
end

return M
