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

local heard = events.heard

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

local function is_one_text(template_parts) return template_parts[2] == nil and type(template_parts[1]) == "string" end

--- The path of an operation below the base URL.
--- @param parts table name -> value, of the id (as `id`) and of parents
--- @return string|nil path
--- @return table|nil faults
function M.path(state, operation, parts)
  local template_parts = operation.path
  -- Most paths of a collection are one text.
  if is_one_text(template_parts) then return template_parts[1] end
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
  return template.expand(parts, function(setting) return setting_text(state, setting) end)
end

local function plan_of(state, operation, content_type)
  local plans = state.headers[operation] or {}
  local plan = plans[content_type or ""]
  if not plan then
    plan = header_plan(state, operation, content_type)
    state.headers[operation], plans[content_type or ""] = plans, plan
  end
  return plan
end

-- Plan -> the token and the headers of the last call: the next one sends the same, most of the time. Not in the plan,
-- and so not in the client: whoever walks through one finds nothing.
local last_sent = setmetatable({}, { __mode = "k" })

local function headers_of(state, plan, token)
  local last = last_sent[plan]
  if last and last.token == token then return last.headers end
  local headers = {}
  for i, value in ipairs(plan.values) do
    if type(value) == "table" then value = filled(state, value) end
    headers[plan.names[i]] = value
  end
  if token then headers.Authorization = "Bearer " .. token end
  if plan.is_fixed then last_sent[plan] = { token = token, headers = headers } end
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
  for _, value in ipairs(context.secrets or {}) do opened[#opened + 1] = value end
  if context.token then opened[#opened + 1] = context.token end
end

local IN_VAIN = {
  timeout = "there was no time left when its turn came", cancelled = "cancelled while it waited for its turn",
  rate_limited = "the vendor wants no call of this account for another %d s, which is more than its patience",
}

local function waited_in_vain(why, seconds, context)
  return named(errors.new { kind = why, outcome = "not_sent", retry_after = seconds,
    message = IN_VAIN[why]:format(math.ceil(math.min(seconds or 0, 1e9))) }, context)
end

-- Of the tokens that a call has sent the last one is kept apart: most calls have one, and no error that shows it.
local function keep(context, token)
  local before = context.token
  if before == token then return end
  context.token = token
  -- Those of before, and all once what may be shown has been asked for.
  local other = context.complete and before or not context.complete and token
  if not other then return end
  context.opened = context.opened or {}
  context.opened[#context.opened + 1] = other
end

-- A token, and an exchange with it. The third value: what was answered.
local function exchange(context, now)
  local state, request, budget = context.state, context.request, context.budget
  local token, err = auth.token(state.auth, math.min(now + budget.timeout, budget.cut))
  if err then return nil, err end
  if token then
    keep(context, token)
    if state.auth.method.kind == "token_request" then now = http.now() end -- it may have been waited for
  end
  request.headers = headers_of(state, context.plan, token)
  context.over = now + budget.timeout
  request.deadline = math.min(context.over, budget.cut)
  local response, part
  response, err, part = state.exchange(request, context.operation)
  return response, err, response or part
end

-- The same in its turn: when the account's limits let it. Only then is there a token: one that was had before might
-- have ended meanwhile. Requests for tokens have no turn: no vendor says that it counts them.
local function exchange_in_turn(context, now)
  local limiter, budget = context.state.limiter(), context.budget
  local ticket, why, seconds = limiter:enter(budget.ends - now, 2 * budget.timeout, now)
  -- Whoever waits for a turn loses no time of its own.
  if not ticket or ticket.waited then
    local asked = now
    now = http.now()
    context.waited = now - asked
    if not ticket then return nil, waited_in_vain(why, seconds, context) end
    budget.ends, budget.settles_until = budget.ends + context.waited, budget.settles_until + context.waited
  end
  local ok, response, err, answered = pcall(exchange, context, now)
  if ok and answered and answered.status == 429 then answered.retry_after = http.retry_after(answered.headers) end
  -- The turn is given back, whatever tears us out of the midst: a Ctrl-C, a fault of ours.
  limiter:leave(ticket, ok and answered or nil, ok and not answered and err.outcome == "not_sent")
  if not ok then error(response, 0) end
  return response, err, answered
end

-- One try. The third value: whether another token may be had.
local function try(context, now)
  local response, err, answered = exchange_in_turn(context, now)
  if not answered then
    context.answer = false
    return nil, named(err, context)
  end
  local answer = answers.new(answered)
  context.answer = answer
  if response then err = answers.judge(answer, context) else err = answers.cut(answer, context, err) end
  if not err then return answer end
  -- 401 is a refusal: nothing was done, so repeating with another token doubles nothing.
  local refused = err.kind == "unauthorized" and err.outcome == "refused" and context.token
  return nil, err, refused and auth.refused(context.state.auth, context.token)
end

-- A trace id is told of what went well, too: it is what a vendor's support asks for.
local function trace_of(context, err)
  if err and err.trace_id then return err.trace_id end
  return context.answer and answers.trace_id(context.answer, context) or nil
end

local function tell(name, context, began, waited, err)
  events.emit(name, {
    provider = context.provider.name, resource = context.resource, operation = context.operation,
    method = context.request.method, status = context.answer and context.answer.status or nil, kind = err and err.kind,
    outcome = err and err.outcome or "done",
    trace_id = trace_of(context, err), attempts = context.tries, seconds = http.now() - began, waited = waited,
  })
end

-- A try, and what is read of its answer: one that cannot be used is no answer.
local function try_and_read(context)
  local count = context.tries
  local now = count > 0 and http.now() or context.began
  context.tries = count + 1
  if count > 0 then context.waited = 0 end
  local result, err, renew = try(context, now)
  if result and context.read then result, err = context.read(result, context) end
  if context.waited > 0 then context.waited_in_all = context.waited_in_all + context.waited end
  if heard.attempt then tell("attempt", context, now, context.waited, err) end
  return result, err, renew
end

local function shown_url(request) return redact.line(request.url, request.context) end

-- What is the same for all calls of an operation, or is so at first: what judges an answer, what policy/retry asks for,
-- and what a request has for luaprov.http.
local function class_of(state, operation, resource)
  local name = operation.name
  local class = { __index = {
    provider = state.provider, resource = resource, operation = name, description = operation,
    expect = operation.expect, secret_names = state.secret_names, complete = complete, state = state,
    try = try_and_read, changes = name ~= "get" and name ~= "list", waited = 0, waited_in_all = 0,
    requests = { __index = {
      method = operation.method, keep_url = is_one_text(operation.path), connect_timeout = state.connect_timeout,
      limit = state.response_limit, transport = state.transport, shown = shown_url,
    } },
  } }
  state.contexts[operation] = class
  return class
end

--- A call that is to be sent. It may be given, besides: query (text), body (any wire value) or text (the same as JSON),
--- content_type, secrets (the values of those in the body), settle (see policy/retry), and what read and settle need.
--- @param resource luaprov.Resource
--- @param operation table description
--- @param path string
--- @param budget table of `budget`
--- @param read function|nil answer, context (this table) -> what is in it; or nil, err
--- @return table context
function M.new(resource, operation, path, budget, read)
  local state = resource.state
  return setmetatable({
    path = path, budget = budget, read = read, began = http.now(), tries = 0,
    -- And all that it gains: LuaJIT is slow where a table gets another name.
    text = false, checked = false, secrets = false, settle = false, session = false, request = false, plan = false,
    opened = false, token = false, answer = false, over = false,
  }, state.contexts[operation] or class_of(state, operation, resource.description.name))
end

--- Makes a call: tries it, in its turn, and again where that is safe.
--- @param context table of `new`
--- @return any answer what its read made of it, or the luaprov.Answer; or what stands in its place:
---   what settle has found, { gone = true } for a delete
--- @return luaprov.Error|nil err
function M.send(context)
  local state, body = context.state, context.text or nil
  if not body and context.body ~= nil then
    local why
    body, why = json.encode(context.body)
    if not body then return nil, not_encoded(why, context) end
  end
  local plan = plan_of(state, context.description, body and (context.content_type or "application/json"))
  local url, query = state.base_url .. context.path, context.query
  if query and query ~= "" then url = url .. "?" .. query end
  context.plan = plan
  context.request = setmetatable({
    url = url, headers = false, order = plan.order, body = body, context = context, deadline = 0, timeout = 0,
  }, context.requests)
  -- What can change meanwhile is opened before it is sent.
  if state.has_changing_secrets then complete(context) end
  local answer, err = retry.run(context)
  if heard.call then tell("call", context, context.began, context.waited_in_all, err) end
  return answer, err
end

return M
