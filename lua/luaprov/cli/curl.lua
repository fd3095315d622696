--- luaprov call … --curl: the same call as curl commands, with secrets as variables of the shell. Nothing is sent.
---
--- The call is made twice, as every call is, by what the client has in place of http.exchange: once with the true
--- values, for the checks, and once with a mark in place of each secret, for the text.
local errors = require "luaprov.errors"
local json = require "luaprov.json"
local load = require "luaprov.provider.load"
local client_options = require "luaprov.provider.client_options"
local output = require "luaprov.cli.output"
local quote = require "luaprov.quote"
local resolve = require("luaprov.provider.call").resolve
local secret = require "luaprov.secret"
local shell = require "luaprov.cli.shell"
local variants = require "luaprov.cli.variants"

local M = {}

-- What ends a call in place of an answer.
local function caught()
  return errors.new { kind = "cancelled", outcome = "not_sent", message = "caught", caught = true }
end

local function nested(keys, value)
  for i = #keys, 1, -1 do
    local key = keys[i]
    if type(key) == "number" then
      local list = json.array {}
      for j = 1, key do list[j] = value end
      value = list
    else
      value = { [key] = value }
    end
  end
  return value
end

local function answer(status, body)
  return { status = status, headers = { ["content-type"] = "application/json" }, body = assert(json.encode(body)),
           seconds = 0 }
end

-- A provider's description of our own, without the checks of secrets that a mark would not pass.
local function description_for_marks(provider)
  local file = assert(io.open(provider.file, "rb"))
  local source = file:read("*a")
  file:close()
  local copy = assert(load.compile(source, provider.file, provider.name))
  local strip_shape
  local function strip(field)
    if field.type == "secret" then field.min, field.max, field.pattern = nil, nil, nil end
    if field.shape then strip_shape(field.shape) end
    if field.of then strip(field.of) end
  end
  function strip_shape(shape)
    for _, field in ipairs(shape.fields) do strip(field) end
    for _, by in ipairs(shape.by) do
      for _, case in pairs(by.cases) do strip_shape(case) end
      for _, field in pairs(by.union) do strip(field) end
    end
  end
  for _, resource in ipairs(copy.resources) do strip_shape(resource.shape) end
  for _, method in ipairs(copy.auth) do
    for _, field in ipairs(method.fields) do strip(field) end
  end
  for _, field in ipairs(copy.settings) do strip(field) end
  return copy
end

-- Names that a shell gives a meaning of its own, or that are set and so would be taken for the secret.
local function is_taken(name, used)
  return used[name] or os.getenv(name) ~= nil
    or name:find("^BASH") or name:find("^[A-Z]?ID$") or name:find("^PS%d$") or name:find("^LC_") or name == "IFS"
    or name == "ENV" or name == "LANG" or name == "OPTIND" or name == "OPTARG" or name == "PWD" or name == "PATH"
end

local function derived_name(path, used)
  -- The last word of the path, with the numbers after it.
  local base = path:match("[^.]*%a[^.]*[%d.]*$") or "secret"
  base = base:gsub("(%l)(%u)", "%1_%2"):gsub("[^%w]", "_"):upper():gsub("^%d", "_%0")
  local name, count = base, 1
  if is_taken(name, used) then base = "SECRET_" .. base name = base end
  while is_taken(name, used) do
    count = count + 1
    name = base .. "_" .. count
  end
  return name
end

-- Gives each secret its variable, and what must be said or done so that the variable has its value.
local function naming(comments, preparations)
  local used, of_source = { ACCESS_TOKEN = true }, {}
  return function(source)
    local key = source.kind .. "\0" .. (source.name or source.path)
    if of_source[key] then return of_source[key] end
    local name
    if source.kind == "env" and source.name:find("^[%a_][%w_]*$") then
      name = source.name
      if (os.getenv(name) or "") == "" then comments[#comments + 1] = name .. " is not set here: set it" end
    else
      name = derived_name(source.path, used)
      if source.kind == "file" then
        preparations[#preparations + 1] = name .. "=$(cat " .. quote(source.name) .. ")"
      elseif source.kind == "env" then
        comments[#comments + 1] = "set " .. name .. " to the value of the environment variable "
          .. output.plain(source.name)
      else
        comments[#comments + 1] = "set " .. name .. " to the value of " .. output.plain(source.path)
      end
    end
    used[name], of_source[key] = true, name
    return name
  end
end

-- A copy of a value with a mark in place of each secret.
local function marked(value, mark_of)
  if secret.is(value) then return secret.new(mark_of(value)) end
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, inner in pairs(value) do copy[key] = marked(inner, mark_of) end
  return setmetatable(copy, getmetatable(value))
end

-- The credentials that are nowhere to be had: without any, those of the provider's first way.
local function add_missing(provider, given, sources)
  local complete_way = #provider.auth == 0
  local function there(field)
    local variable = os.getenv(client_options.variable(provider.name, field.name))
    return given[field.name] ~= nil or field.default ~= nil or (variable ~= nil and variable ~= "")
  end
  for _, method in ipairs(provider.auth) do
    local complete = true
    for _, field in ipairs(method.fields) do complete = complete and (there(field) or not field.required) end
    complete_way = complete_way or complete
  end
  if complete_way then return end
  for _, field in ipairs(provider.auth[1].fields) do
    if field.required and not there(field) then
      local value = secret.new "missing"
      given[field.name] = value
      sources[#sources + 1] = { secret = value, path = field.name, kind = "env",
                                name = client_options.variable(provider.name, field.name) }
    end
  end
end

-- What a client's inside says, as options of another client; credentials and secret settings are marked.
local function options_of(state, mark_of)
  local given = { base_url = state.base_url, timeout = state.timeout }
  for _, values in ipairs { state.settings, state.auth.credentials } do
    for name, value in pairs(values) do given[name] = marked(value, mark_of) end
  end
  return given
end

-- The first status of those that an operation expects.
local function first_status(operation)
  local first
  for status in pairs(operation.expect) do first = first and math.min(first, status) or status end
  return first
end

-- How many of the fields that were given a variant does not have: of the others' complaints nobody wants to hear.
local function strangers(err)
  local count = 0
  for _, fault in ipairs(err.details or {}) do
    if tostring(fault.message):find("no field of this variant", 1, true) then count = count + 1 end
  end
  return count
end

-- Makes the call with marks and returns its requests: token, read (the record that an update reads first) and main.
local function collect(call, plan, given, record, token_mark)
  local requests = {}
  local client
  client = assert(call.client(plan, given, function(request, what)
    local state = rawget(client, 1)
    if what == "token" then
      requests.token = request
      return answer(200, nested(state.auth.method.token, token_mark))
    end
    if what == "get" and plan.operation == "update" and not requests.read then
      requests.read = request
      local get = resolve(state, plan.resource.operations.get)
      record[plan.resource.id] = plan.id
      return answer(first_status(get), nested(get.record[1], record))
    end
    requests.main = request
    return nil, caught()
  end))
  local _, err = call.perform(client, plan)
  return requests, err, rawget(client, 1)
end

-- The requests of a call; of an update that reads its record first, those of the first variant that takes the changes.
local function all_requests(call, plan, given, token_mark)
  local tried = { { record = {} } }
  if plan.operation == "update" then tried = variants.records(plan.resource.shape) end
  local chosen, state, err, label, differ
  for _, try in ipairs(tried) do
    local requests, why, inside = collect(call, plan, given, try.record, token_mark)
    if requests.main and not chosen then
      chosen, state, label = requests, inside, try.label
    elseif requests.main and (requests.main.body ~= chosen.main.body or requests.main.url ~= chosen.main.url) then
      differ = true
    end
    if not err or strangers(why) < strangers(err) then err = why end
    if not requests.read then break end
  end
  return chosen, state, differ and label, err
end

local function print_token(out, marks, request, method)
  if method.rotates then out:line(shell.comment("its answer may have a new " .. method.rotates .. ", in place of the "
    .. "one that was sent")) end
  out:line("ACCESS_TOKEN=$(" .. shell.curl(marks, request, "-sS") .. " | jq -r " .. shell.jq_path(method.token) .. ")")
end

local function is_json_with_secret(marks, request)
  return request and request.body and request.body:find("^[%[{]") and marks:within(request.body)
end

local function print_all(out, plan, requests, state, found)
  table.sort(found.comments)
  for _, comment in ipairs(found.comments) do out:line(shell.comment(comment)) end
  if is_json_with_secret(found.marks, requests.main) or is_json_with_secret(found.marks, requests.token) then
    out:line(shell.comment "a secret stands in a JSON text: one with a quote, a backslash or a line end in it must be "
      .. "written with JSON's escapes")
  end
  for _, line in ipairs(found.preparations) do out:line(line) end
  if requests.token then print_token(out, found.marks, requests.token, state.auth.method) end
  local sends = resolve(state, plan.resource.operations[plan.operation]).sends
  if requests.read then
    out:line(shell.comment "the record is read first: what can be changed depends on it")
    out:line(shell.curl(found.marks, requests.read))
    if sends == "whole" then
      out:line(shell.comment "this takes the whole record: add its other fields to the changes")
    elseif found.label then
      out:line(shell.comment("this is what is sent when the record has " .. found.label))
    end
  end
  out:line(shell.curl(found.marks, requests.main))
  if plan.operation == "list" and resolve(state, plan.resource.operations.list).pages then
    out:line(shell.comment "this is the first page")
  end
end

--- @param plan table of luaprov.cli.call
--- @param out luaprov.Output
--- @param as_json boolean|nil errors as JSON
--- @return integer code the exit code
function M.run(plan, out, as_json)
  local call = require "luaprov.cli.call"
  add_missing(plan.provider, plan.options, plan.sources)
  local client, err = call.client(plan, plan.options, function() return nil, caught() end)
  if not client then return out:error(err, as_json) end
  local _
  _, err = call.perform(client, plan)
  if not err.caught then return out:error(err, as_json) end

  local found = { comments = {}, preparations = {} }
  local name_of, by_secret, texts = naming(found.comments, found.preparations), {}, { plan.id }
  for _, source in ipairs(plan.sources) do by_secret[source.secret] = source end
  found.marks = shell.marks(texts)
  local state = rawget(client, 1)
  local function mark_of(value)
    local source = by_secret[value]
    if not source then
      for _, values in ipairs { state.auth.credentials, state.settings } do
        for name, other in pairs(values) do
          if rawequal(other, value) then
            source = { path = name, kind = "env", name = client_options.variable(plan.provider.name, name) }
          end
        end
      end
    end
    return found.marks:new(name_of(source or { path = "secret", kind = "plain" }))
  end
  local copy = {}
  for name, value in pairs(plan) do copy[name] = value end
  copy.provider = description_for_marks(plan.provider)
  copy.resource = copy.provider.resource[plan.resource.name]
  copy.values = marked(plan.values, mark_of)
  local requests, inside
  requests, inside, found.label, err = all_requests(call, copy, options_of(state, mark_of),
    found.marks:new "ACCESS_TOKEN")
  if not requests then return out:error(err, as_json) end
  print_all(out, copy, requests, inside, found)
  return 0
end

return M
