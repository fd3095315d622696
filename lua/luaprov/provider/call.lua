--- One call of one operation: its URL, headers and body, its token, its turn, its answer.
local answers = require "luaprov.provider.answer"
local auth = require "luaprov.provider.auth"
local errors = require "luaprov.errors"
local events = require "luaprov.events"
local headers = require "luaprov.provider.headers"
local http = require "luaprov.http"
local json = require "luaprov.json"
local redact = require "luaprov.provider.redact"
local retry = require "luaprov.policy.retry"
local secret = require "luaprov.secret"
local template = require "luaprov.provider.template"
local transport = require "luaprov.transport"
local uri = require "luaprov.uri"

local M = {}

-- What every call needs, at hand: a field of a module is looked for each time.
local heard, time, token_of = events.heard, http.now, auth.token
local new_answer, judge, set_headers = answers.new, answers.judge, headers.set

--- The operation itself, where a setting chooses between several ways of it.
function M.resolve(state, operation)
  if operation and operation.setting then return operation.cases[state.settings[operation.setting]] end
  return operation
end

--- The list in which a resource's records are looked for by their key.
--- @return table|nil operation
function M.list(resource)
  return resource.description.key and M.resolve(resource.state, resource.description.operations.list)
end

local function expand_path(state, path_template, parts)
  local faults = {}
  local path, missing = template.expand(path_template, function(name)
    local setting = headers.setting(state, name)
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
  -- Most paths of a collection are one text.
  if operation.path.text then return operation.path.text end
  return expand_path(state, operation.path, parts)
end

local function named(err, call)
  err.provider, err.resource, err.operation = call.provider.name, call.resource, call.operation
  return err
end

local KEPT = 100 -- secrets of a client whose spellings it knows
local SPARE = 256 -- calls of an operation that have ended and are kept for those to come

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
local function not_encoded(why, call)
  local where, what = why:match("^([^:%s]+): (.*)$")
  return named(errors.invalid { { path = where or "", message = what or why, problem = "value" } }, call)
end

-- All secrets that a call may send, opened, and how they may be spelled: what of its answer is shown must not have
-- them. Most answers are never shown.
local function complete(call)
  call.complete = false
  local secrets, state = call.secrets or {}, call.state
  call.secrets, call.spellings = secrets, kept_spellings(state)
  for _, values in ipairs { state.auth.credentials, state.settings } do
    for _, value in pairs(values) do
      if secret.is(value) then secrets[#secrets + 1] = value:reveal() end
    end
  end
  transport.add_secrets(state.transport, secrets)
  for _, value in ipairs(call.opened) do secrets[#secrets + 1] = value end
  if call.token then secrets[#secrets + 1] = call.token end
end

local IN_VAIN = {
  timeout = "there was no time left when its turn came", cancelled = "cancelled while it waited for its turn",
  rate_limited = "the vendor wants no call of this account for another %d s, which is more than its patience",
}

local function waited_in_vain(why, seconds, call)
  return named(errors.new { kind = why, outcome = "not_sent", retry_after = seconds,
    message = IN_VAIN[why]:format(math.ceil(math.min(seconds or 0, 1e9))) }, call)
end

-- Of the tokens that a call has sent the last one is kept apart: most calls have one, and no error that shows it.
local function keep(call, token)
  local before = call.token
  if before == token then return end
  call.token = token
  -- Those of before, and all once what may be shown has been asked for.
  local other = call.complete and before or not call.complete and token
  if not other then return end
  call.secrets = call.secrets or {}
  call.secrets[#call.secrets + 1] = other
end

-- A token, and an exchange with it. The third value: what was answered.
local function exchange(call, now)
  local state, budget = call.state, call.budget
  local over, cut = now + budget.lasts, budget.cut
  local token, err, waited = token_of(state.auth, over < cut and over or cut)
  if err then return nil, err end
  if waited then
    now = time()
    over = now + budget.lasts
  end
  -- With the same token the headers are those of before.
  if not call.prepared or token and token ~= call.token then
    if token then keep(call, token) end
    set_headers(call, token)
  end
  call.over, call.deadline = over, over < cut and over or cut
  local response, part
  response, err, part = state.exchange(call, call.operation, now)
  return response, err, response or part
end

-- The same in its turn: when the account's limits let it. Only then is there a token: one that was had before might
-- have ended meanwhile. Requests for tokens have no turn: no vendor says that it counts them.
local function exchange_in_turn(call, now)
  local limiter, budget = call.state.limiter(), call.budget
  local ticket, why, seconds = limiter:enter(budget.ends - now, 2 * budget.lasts, now)
  -- Whoever waits for a turn loses no time of its own.
  if not ticket or ticket.waited then
    local asked = now
    now = time()
    call.waited = now - asked
    if not ticket then return nil, waited_in_vain(why, seconds, call) end
    budget.ends, budget.settles_until = budget.ends + call.waited, budget.settles_until + call.waited
  end
  local ok, response, err, answered = pcall(exchange, call, now)
  if ok and answered and answered.status == 429 then answered.retry_after = http.retry_after(answered.headers) end
  -- The turn is given back, whatever tears us out of the midst: a Ctrl-C, a fault of ours.
  limiter:leave(ticket, ok and answered or nil, ok and not answered and err.outcome == "not_sent")
  if not ok then error(response, 0) end
  return response, err, answered
end

-- What an answer is worth. The third value: whether another token may be had.
local function read(call, response, answered, err)
  local answer = new_answer(answered)
  call.answer = answer
  if response then err = judge(answer, call) else err = answers.cut(answer, call, err) end
  if not err then
    if call.read then return call.read(answer, call) end -- one that cannot be used is no answer
    return answer
  end
  -- 401 is a refusal: nothing was done, so repeating with another token doubles nothing.
  local refused = err.kind == "unauthorized" and err.outcome == "refused" and call.token
  return nil, err, refused and auth.refused(call.state.auth, call.token)
end

-- A trace id is told of what went well, too: it is what a vendor's support asks for.
local function trace_of(call, err)
  if err and err.trace_id then return err.trace_id end
  return call.answer and answers.trace_id(call.answer, call) or nil
end

local function tell(name, call, began, waited, err)
  events.emit(name, {
    provider = call.provider.name, resource = call.resource, operation = call.operation,
    method = call.method, status = call.answer and call.answer.status or nil, kind = err and err.kind,
    outcome = err and err.outcome or "done",
    trace_id = trace_of(call, err), attempts = call.tries, seconds = time() - began, waited = waited,
  })
end

-- One try, and what is read of its answer. The third value: whether another token may be had.
local function try(call)
  local count, now, result, renew = call.tries, call.began, nil, nil
  call.tries = count + 1
  if count > 0 then now, call.waited = time(), 0 end
  local response, err, answered = exchange_in_turn(call, now)
  if answered then
    result, err, renew = read(call, response, answered, err)
  else
    call.answer, err = false, named(err, call)
  end
  if call.waited > 0 then call.waited_in_all = call.waited_in_all + call.waited end
  if heard.attempt then tell("attempt", call, now, call.waited, err) end
  return result, err, renew
end

local function shown_url(call) return redact.line(call.url, call) end

local NONE = {}

-- The calls of an operation that nobody makes any more. A function: whoever walks through a client finds no token.
local function spares()
  local list, count = {}, 0
  return function(call)
    if call then
      if count < SPARE then
        count = count + 1
        list[count] = call
      end
    elseif count > 0 then
      call, list[count] = list[count], nil
      count = count - 1
      return call
    end
  end
end

-- What is the same for all calls of an operation: what judges an answer, what policy/retry asks for, and what a request
-- has for luaprov.http.
local function class_of(state, operation, resource)
  local name = operation.name
  local class = { __index = {
    provider = state.provider, resource = resource.description.name, owner = resource, operation = name,
    description = operation, expect = operation.expect, secret_names = state.secret_names, complete = complete,
    -- What few calls have.
    query = false, content_type = false, session = false, secrets = false, route = false, waited_in_all = 0,
    state = state, try = try, changes = name ~= "get" and name ~= "list", plans = {},
    spare = spares(), list = M.list(resource),
    fixed_url = operation.path.text and state.base_url .. operation.path.text, keep_url = operation.path.text ~= nil,
    method = operation.method, connect_timeout = state.connect_timeout,
    limit = state.response_limit, transport = state.transport, shown = shown_url,
  } }
  state.calls[operation] = class
  return class
end

--- A call that is to be sent once `budget` or `share` has said how long it may take. It is the request, too, as
--- luaprov.http takes it. It may be given, besides: query (text), body (text of JSON) or content (any wire value),
--- content_type, opened (the values of the secrets in it), settle (see policy/retry), and what read and settle need.
--- @param resource luaprov.Resource
--- @param operation table description
--- @param path string
--- @param read_answer function|nil answer, call -> what is in it; or nil, err
--- @return table call
function M.new(resource, operation, path, read_answer)
  local state = resource.state
  local class = state.calls[operation] or class_of(state, operation, resource)
  local call = class.__index.spare()
  if not call then
    call = setmetatable({
      waited = 0, tries = 0, opened = NONE, parents = NONE,
      -- And all that most gain, for LuaJIT is slow where a table gets another name. No more than 32: one more, and
      -- Lua makes the table twice as large.
      path = false, read = false, url = false, body = false, content = false, settle = false, wire = false,
      input = false, plan = false, kind = false, headers = false, order = false, prepared = false, token = false,
      answer = false, budget = false, attempts = 0, lasts = 0, ends = 0, cut = 0, settles_until = 0, began = 0,
      over = 0, deadline = 0, timeout = 0,
    }, class)
  end
  call.path, call.read = path, read_answer or false
  return call
end

--- Gives back a call that has ended well, and that nobody knows any more: the next of its operation will be the same
--- table. Of what it has sent only its headers stay, for the next one.
--- @param call table
function M.free(call)
  if call.tries > 1 or not call.complete or call.session or call.content or call.wire then return end
  if call.waited > 0 then call.waited, call.waited_in_all = 0, 0 end
  if call.route then call.route = false end
  if call.secrets then call.secrets = false end -- tokens that have ended
  call.tries, call.path, call.url, call.body, call.input, call.answer = 0, false, false, false, false, false
  call.read, call.budget = false, false -- they may know more: the call that it belonged to
  call.spare(call)
end

--- Says how long a call may take, with all its exchanges, and how often it may be tried. Its time begins.
--- @param call table gains attempts, lasts (seconds of one try), ends (seconds of http.now() until when a try may
---   begin), cut (the same, of whatever it belongs to), settles_until (the same, where nothing is sent again but looked
---   for)
--- @param options table|nil timeout, attempts, patience of this call alone; ends (seconds of http.now()) of what it
---   belongs to
--- @return table call
function M.budget(call, options)
  local state, now = call.state, time()
  local attempts, lasts, patience, cut = state.attempts, state.timeout, state.patience, math.huge
  if options then
    attempts, lasts = options.attempts or attempts, options.timeout or lasts
    patience, cut = options.patience or patience, options.ends or cut
  end
  local ends = now + patience
  call.budget, call.began, call.attempts, call.lasts, call.cut = call, now, attempts, lasts, cut
  call.ends, call.settles_until = ends < cut and ends or cut, now + (lasts > patience and lasts or patience)
  return call
end

--- The same for one that belongs to another: what is left of that.
--- @param call table
--- @param other table a call that goes on
--- @return table call
function M.share(call, other)
  call.budget, call.began = other.budget, time()
  return call
end

--- Makes a call: tries it, in its turn, and again where that is safe.
--- @param call table of `new`
--- @return any answer what its read made of it, or the answer; or what stands in its place:
---   what settle has found, { gone = true } for a delete
--- @return luaprov.Error|nil err
function M.send(call)
  local state = call.state
  if not call.body and call.content then
    local body, why = json.encode(call.content)
    if not body then return nil, not_encoded(why, call) end
    call.body = body
  end
  local kind = call.body and (call.content_type or "application/json") or ""
  if kind ~= call.kind then call.plan, call.kind, call.prepared = headers.plan(call, kind), kind, false end
  local query = call.query
  call.url = call.fixed_url or state.base_url .. call.path
  if query and query ~= "" then call.url = call.url .. "?" .. query end
  -- What can change meanwhile is opened before it is sent.
  if state.has_changing_secrets then complete(call) end
  local answer, err = retry.run(call)
  if heard.call then tell("call", call, call.began, call.waited_in_all, err) end
  return answer, err
end

return M
