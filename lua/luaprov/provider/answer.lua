--- What a vendor answered: the right record, or the right error.
local digits = require "luaprov.provider.digits"
local errors = require "luaprov.errors"
local http = require "luaprov.http"
local json = require "luaprov.json"
local secret = require "luaprov.secret"

local M = {}

local EXCERPT = 160 -- bytes of an answer that an error shows
local MESSAGE = 1000 -- bytes of a vendor's own message

--- What stands at a path of keys in a decoded body.
--- @param body any
--- @param keys table list of keys; an empty one is the body itself
function M.at(body, keys)
  for _, key in ipairs(keys) do
    if type(body) ~= "table" then return nil end
    body = body[key]
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

--- @param response table status, headers, body (text)
--- @return luaprov.Answer
function M.new(response)
  local answer = setmetatable({ status = response.status, headers = response.headers, raw = response.body }, Answer)
  if response.body ~= "" then
    local body, why = json.decode(response.body)
    if why == nil then answer.body = body else answer.not_json = why end
  end
  return answer
end

-- Where a JSON string that begins at `at` (after its quote) ends: its closing quote, or the end of the text.
local function end_of_string(text, at)
  while true do
    local found = text:find('["\\]', at)
    if not found then return #text end
    if text:sub(found, found) == '"' then return found end
    at = found + 2
  end
end

-- The values of members that the provider file calls secret, in any case, in a text that may be half a JSON document.
local function mask_members(text, names)
  for name in pairs(names) do
    local spelled = name:gsub("%W", "%%%0"):gsub("%a", function(c) return "[" .. c:lower() .. c:upper() .. "]" end)
    local at = 1
    while true do
      local open, last = text:find('"' .. spelled .. '"%s*:%s*', at)
      if not open then break end
      local stop
      if text:sub(last + 1, last + 1) == '"' then stop = end_of_string(text, last + 2)
      else stop = (text:find("[,}%]%s]", last + 1) or #text + 1) - 1 end
      text = text:sub(1, last) .. '"<secret>"' .. text:sub(stop + 1)
      at = last + 11
    end
  end
  return text
end

-- The beginning of a text as one line.
local function one_line(text, limit)
  text = text:gsub("[%c%s]+", " "):gsub("^ ", "")
  if #text > limit then
    text = text:sub(1, limit):gsub("[\192-\255]?[\128-\191]*$", "") .. "…"
  end
  return text
end

--- The beginning of a body as one line of printable text, its secrets taken out.
local function excerpt(text, context)
  return one_line(mask_members(secret.scrub(text, context.opened), context.secret_names), EXCERPT)
end

-- What the vendor answered, for err.details: secret members become secrets, strings lose what they echo.
local function cleaned(value, context, hidden)
  if type(value) ~= "table" then
    if hidden and value ~= json.null then return secret.new(tostring(value)) end
    return type(value) == "string" and secret.scrub(value, context.opened) or value
  end
  local spec = context.provider.errors
  -- A vendor's own code may have the name of a secret field.
  local code = type(spec) == "table" and spec.code and spec.code[1][#spec.code[1]]
  local copy = setmetatable({}, getmetatable(value))
  for key, inner in pairs(value) do
    if type(key) == "string" then key = secret.scrub(key, context.opened) end
    local is_code = key == code and type(inner) == "number"
    copy[key] = cleaned(inner, context, hidden or not is_code and context.secret_names[tostring(key):lower()])
  end
  return copy
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

-- What the declared form of `errors` finds in a body.
local function declared(spec, body)
  local items = { body }
  if spec.items then items = first(body, spec.items) end
  if type(items) ~= "table" then return nil end
  local messages, codes, kind, outcome = {}, {}, nil, nil
  for _, item in ipairs(items) do
    local message = as_text(first(item, spec.message))
    if message and spec.strip then message = message:gsub(spec.strip, "") end
    if message then messages[#messages + 1] = message end
    local code = spec.code and M.at(item, spec.code[1])
    if code ~= nil and type(code) ~= "table" then
      local number = tonumber(code)
      local whole = number and number % 1 == 0 and math.abs(number) < 2 ^ 53
      local spelled = whole and spec.codes and spec.codes:format(number) or as_text(code) or tostring(code)
      codes[#codes + 1] = spelled
      kind = kind or spec.kinds[spelled]
      -- Of several errors all must say so; false: one does not.
      local says = spec.outcomes[spelled] or false
      if outcome == nil then outcome = says elseif outcome ~= says then outcome = false end
    end
  end
  return {
    message = #messages > 0 and table.concat(messages, "; ") or nil, codes = codes, kind = kind,
    outcome = outcome or nil,
    trace_id = as_text(first(body, spec.trace_id)),
  }
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
  local spec = context.provider.errors
  if answer.body == nil or spec == nil then return nil end
  if type(spec) == "function" then
    local ok, problem = pcall(spec, answer)
    if ok then return usable(problem) end
    return { message = "the provider file's errors function failed: " .. tostring(problem) }
  end
  return answer.status >= 300 and type(answer.body) == "table" and declared(spec, answer.body) or nil
end

local function redirect_message(answer)
  local target = answer.headers.location
  if not target then return nil end
  return "redirects to " .. target:gsub("[?#].*$", "") .. ", and redirects are not followed"
end

local function described(answer, context)
  local kind = (answer.headers["content-type"] or ""):match("^[^;%s]+")
  if answer.raw == "" then return "no body" end
  return (kind or "no content type") .. (answer.not_json and ", no valid JSON" or "") .. ": "
    .. excerpt(answer.raw, context)
end

local function make_error(answer, context, fields)
  local retry_after = http.retry_after(answer.headers["retry-after"])
  fields.outcome = fields.outcome or errors.outcome_of_status(answer.status, retry_after)
  fields.status = answer.status
  fields.retry_after = retry_after
  fields.provider, fields.resource, fields.operation = context.provider.name, context.resource, context.operation
  fields.message = one_line(secret.scrub(fields.message, context.opened), MESSAGE)
  local function short(text) return one_line(secret.scrub(text, context.opened), EXCERPT) end
  for i, code in ipairs(fields.codes or {}) do fields.codes[i] = short(code) end
  fields.trace_id = fields.trace_id and short(fields.trace_id)
  fields.details = type(answer.body) == "table" and cleaned(answer.body, context, false) or nil
  return errors.new(fields)
end

--- An answer that is not what the operation promises: its status is right and what it holds is not.
function M.unusable(answer, context, message)
  return make_error(answer, context, { kind = "protocol", message = message .. ": " .. described(answer, context) })
end

--- Whether an answer is a success, by its status and by what the provider file finds in it.
--- @param answer luaprov.Answer
--- @param context table provider, resource, operation (names), opened (secrets' values), secret_names, expect (set of
---   statuses)
--- @return luaprov.Error|nil err
function M.judge(answer, context)
  local problem = problem_in(answer, context)
  local success = context.expect[answer.status]
  if success and not problem then return nil end
  if not problem then problem = {} end
  local kind = problem.kind or (success and "rejected") or errors.kind_of_status(answer.status)
  local message = problem.message
  if not message and answer.status >= 300 and answer.status < 400 then message = redirect_message(answer) end
  if not message and answer.status < 400 then
    message = "answered with an unexpected status, " .. described(answer, context)
  end
  return make_error(answer, context, {
    kind = kind, message = message or "answered with " .. described(answer, context),
    codes = problem.codes, trace_id = problem.trace_id or answer.headers["x-request-id"], outcome = problem.outcome,
  })
end

return M
