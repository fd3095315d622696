--- What a vendor answered: the right record, or the right error.
local digits = require "luaprov.digits"
local errors = require "luaprov.errors"
local http = require "luaprov.http"
local json = require "luaprov.json"
local redact = require "luaprov.provider.redact"
local uri = require "luaprov.uri"

local M = {}

--- How the message begins of an error that the provider file's own function could not read.
M.READ_FAILED = "the provider file's errors function failed: "

local decode = json.decode

local MESSAGE = 1000 -- bytes of a vendor's own message

--- What stands at a path of keys in a decoded body.
--- @param body any
--- @param keys table list of keys; an empty one is the body itself
function M.at(body, keys)
  for i = 1, #keys do
    if type(body) ~= "table" then return nil end
    body = body[keys[i]]
  end
  if body == json.null then return nil end
  return body
end

---@class luaprov.Answer what the `errors` function of a provider file is given
---@field status integer
---@field headers table names in lower case
---@field body any the decoded body; nil when it is no JSON
local Answer = {}
Answer.__index = Answer

local function keys_of(path)
  local keys = {}
  for key in path:gmatch("[^.]+") do keys[#keys + 1] = tonumber(key) or key end
  return keys
end

--- What stands at a path of the body, `"records.userMessage"`; nil when nothing does, or null.
function Answer:at(path) return M.at(self.body, keys_of(path)) end

--- The same as text, when it is text or a number.
function Answer:text(path)
  local value = self:at(path)
  if type(value) == "number" then return digits(value) end
  return type(value) == "string" and value or nil
end

--- Reads a response, which becomes the answer itself.
--- @param response table status, headers, body (text)
--- @return table answer the same: body (decoded), raw (its text), not_json (why it is none, or false)
function M.new(response)
  local raw, body, why = response.body, nil, nil
  if raw ~= "" then body, why = decode(raw) end
  response.raw, response.body, response.not_json = raw, body, why or false
  return response
end

local function shown(answer)
  return setmetatable({ status = answer.status, headers = answer.headers, body = answer.body }, Answer)
end

local function first(body, paths)
  for _, keys in ipairs(paths or {}) do
    local value = keys ~= "location" and M.at(body, keys)
    if value ~= nil and value ~= false then return value end
  end
end

local function as_text(value)
  if type(value) == "number" then return digits(value) end
  return type(value) == "string" and value ~= "" and value or nil
end

local function first_text(body, paths)
  for _, keys in ipairs(paths or {}) do
    local text = as_text(M.at(body, keys))
    if text then return text end
  end
end

-- The kind that a message's own words tell: of several that fit, the longest.
local function kind_said(form, message)
  local lower, longest = message and next(form.says) and message:lower(), ""
  for words in pairs(lower and form.says or {}) do
    local longer = #words > #longest or #words == #longest and words > longest
    if longer and lower:find(words, 1, true) then longest = words end
  end
  return form.says[longest]
end

-- What a declared form of `errors` finds in a body, and whether it is an error of that form. A success may have a code
-- or a trace id, too: there a message, or a code that has a kind, makes the error.
local function declared(form, body, success, context)
  local items = { body }
  if form.items then items = first(body, form.items) end
  if type(items) ~= "table" then return nil, false end
  local messages, codes, kind, outcome, there = {}, {}, nil, nil, false
  for _, item in ipairs(items) do
    local message = first_text(item, form.message)
    there = there or first(item, form.message) ~= nil
    -- A pattern of the provider file may be slow on a long text: it gets a short one.
    message = message and redact.head(message, context, 4 * MESSAGE)
    if message and form.strip then
      local ok, stripped = pcall(string.gsub, message, form.strip, "")
      message = ok and stripped or message
    end
    if message then messages[#messages + 1] = message end
    kind = kind or kind_said(form, message)
    local code = form.code and M.at(item, form.code[1])
    if code ~= nil and type(code) ~= "table" then
      local number = tonumber(code)
      local whole = number and number % 1 == 0 and math.abs(number) < 2 ^ 53
      local spelled = whole and form.codes and form.codes:format(number) or as_text(code) or tostring(code)
      codes[#codes + 1] = spelled
      kind = kind or form.kinds[spelled]
      there = there or not success or form.kinds[spelled] ~= nil
      -- Of several errors all must say so; false: one does not.
      local says = form.outcomes[spelled] or false
      if outcome == nil then outcome = says elseif outcome ~= says then outcome = false end
    end
  end
  local trace_id = as_text(first(body, form.trace_id))
  return {
    message = #messages > 0 and table.concat(messages, "; ") or nil, codes = codes, kind = kind or there and form.kind,
    outcome = outcome or nil, trace_id = trace_id,
  }, there
end

local known = { kind = {}, outcome = {} }
for _, kind in ipairs(errors.kinds) do known.kind[kind] = true end
for _, outcome in ipairs(errors.outcomes) do known.outcome[outcome] = true end

-- What an errors function returned, as far as it can be used: it may have handed on whatever the vendor sent.
local function usable(problem)
  if type(problem) ~= "table" then return nil end
  local codes = {}
  for i, code in ipairs(type(problem.codes) == "table" and problem.codes or {}) do
    codes[i] = as_text(code) or tostring(code)
  end
  return {
    kind = known.kind[problem.kind] and problem.kind, outcome = known.outcome[problem.outcome] and problem.outcome,
    message = as_text(problem.message), codes = codes, trace_id = as_text(problem.trace_id),
  }
end

local function problem_in(answer, context)
  if answer.body == nil then return nil end
  local success, forms, rest = answer.status < 300, context.provider.errors, nil
  for i = 1, #forms do
    local form, problem, fits = forms[i], nil, nil
    if form.read then
      local ok
      ok, problem = pcall(form.read, shown(answer))
      if not ok then return { message = M.READ_FAILED .. tostring(problem) } end
      problem = usable(problem)
      fits = problem ~= nil
    elseif type(answer.body) == "table" and (not success or form.in_success) then
      problem, fits = declared(form, answer.body, success, context)
    end
    if fits then return problem end
    -- Of an error that has no form its trace id is still worth something.
    rest = rest or not success and problem and problem.trace_id and problem or nil
  end
  return rest
end

local function redirect_message(answer, context)
  local target = answer.headers.location
  if not target then return nil end
  return "redirects to " .. redact.line(uri.shown(target), context)
    .. ", and redirects are not followed"
end

local function expected(context)
  local list = {}
  for status in pairs(context.expect) do list[#list + 1] = status end
  table.sort(list)
  return table.concat(list, " or ")
end

local function described(answer, context, cut)
  local kind = (answer.headers["content-type"] or ""):match("^[^;%s]+")
  if answer.raw == "" then return "no body" end
  return (kind and redact.line(kind, context) or "no content type")
    .. (answer.not_json and ", no valid JSON" or "") .. ": " .. redact.excerpt(answer.raw, context, cut)
end

local function make_error(answer, context, fields)
  local retry_after = http.retry_after(answer.headers)
  fields.outcome = fields.outcome or errors.outcome_of_status(answer.status, retry_after)
  fields.status = answer.status
  fields.retry_after = retry_after
  fields.provider, fields.resource, fields.operation = context.provider.name, context.resource, context.operation
  for i, code in ipairs(fields.codes or {}) do fields.codes[i] = redact.line(code, context) end
  fields.trace_id = fields.trace_id and redact.line(fields.trace_id, context)
  fields.details = redact.details(answer.body, #answer.raw, context)
  return errors.new(fields)
end

--- The vendor's own name of what it did: where the provider file says that errors have it, or in a header.
--- @param answer table of `new`
--- @param context table
--- @return string|nil
function M.trace_id(answer, context)
  local found
  for _, form in ipairs(context.provider.errors) do
    found = found or form.trace_id and as_text(first(answer.body, form.trace_id))
  end
  found = found or as_text(answer.headers["x-request-id"])
  return found and redact.line(found, context)
end

--- An answer whose body was lost on the way. Its status still tells: a refusal is one without its body too.
--- @param answer table of `new`: what had arrived
--- @param context table
--- @param err luaprov.Error of the exchange
--- @return luaprov.Error
function M.cut(answer, context, err)
  return make_error(answer, context, {
    kind = answer.status >= 400 and errors.kind_of_status(answer.status) or err.kind,
    message = err.message .. "; what came: " .. described(answer, context, true),
    trace_id = answer.headers["x-request-id"],
  })
end

--- An answer that is not what the operation promises: its status is right and what it holds is not.
function M.unusable(answer, context, message)
  return make_error(answer, context, { kind = "protocol", message = message .. ": " .. described(answer, context) })
end

--- Whether an answer is a success, by its status and by what the provider file finds in it.
--- @param answer table of `new`
--- @param context table provider, resource, operation (names), secrets (their values), secret_names, expect (set of
---   statuses)
--- @return luaprov.Error|nil err
function M.judge(answer, context)
  local status = answer.status
  local success = context.expect[status]
  if success and status < 300 and not context.provider.errors.in_success then return nil end
  local problem = problem_in(answer, context)
  if success and not problem then return nil end
  if not problem then problem = {} end
  local kind = problem.kind or (success and "rejected") or errors.kind_of_status(answer.status)
  local message = problem.message and redact.line(problem.message, context, MESSAGE)
  if not message and answer.status >= 300 and answer.status < 400 then message = redirect_message(answer, context) end
  if not message and success then message = "answered with an error: " .. described(answer, context) end
  if not message and answer.status < 400 then
    message = "answered with an unexpected status, not " .. expected(context) .. ": " .. described(answer, context)
  end
  return make_error(answer, context, {
    kind = kind, message = message or "answered with " .. described(answer, context),
    codes = problem.codes, trace_id = problem.trace_id or answer.headers["x-request-id"], outcome = problem.outcome,
  })
end

return M
