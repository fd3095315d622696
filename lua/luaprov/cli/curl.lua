--- luaprov call … --curl: the same call as curl commands, with secrets as variables of the shell. Nothing is sent.
---
--- The call is made twice, as every call is, by what the client has in place of http.exchange: once with the true
--- values, for the checks, and once with a mark in place of each secret, for the text.
local errors = require "luaprov.errors"
local json = require "luaprov.json"
local client_options = require "luaprov.provider.client_options"
local output = require "luaprov.cli.output"
local quote = require "luaprov.quote"
local resolve = require("luaprov.provider.call").resolve
local secret = require "luaprov.secret"
local shell = require "luaprov.cli.shell"
local transport = require "luaprov.transport"
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

-- A variable gets the content of a file as an argument does: without its last line end, and with all others. What the
-- shell makes of $(…) has none of them.
local function read_file(name, source, preparations)
  local value = source.secret:reveal() or ""
  if source.line_end ~= "\r\n" and not value:find("\n$") then
    preparations[#preparations + 1] = name .. "=$(cat " .. quote(source.name) .. ")"
  else
    preparations[#preparations + 1] = name .. "=$(cat " .. quote(source.name) .. " && echo .)"
    preparations[#preparations + 1] = name .. "=${" .. name .. "%" .. ("?"):rep(#source.line_end + 1) .. "}"
  end
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
        read_file(name, source, preparations)
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

-- A copy of a value with something else in place of each secret.
local function replaced(value, by)
  if secret.is(value) then return by(value) end
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, inner in pairs(value) do copy[key] = replaced(inner, by) end
  return setmetatable(copy, getmetatable(value))
end

local function is_group(value) return type(value) == "table" and not secret.is(value) and not json.is_array(value) end

-- Of what an update of the whole sends what was given and is to be there: all else is of a record that is made up.
local function only_given(sent, given)
  local copy = {}
  for name, value in pairs(given) do
    local there = sent[name]
    if is_group(there) and is_group(value) and next(value) ~= nil then
      there = only_given(there, value)
      if next(there) ~= nil then copy[name] = there end
    elseif there ~= json.null then
      copy[name] = there
    end
  end
  return copy
end

-- The names of what is given as null, which an update of the whole leaves out.
local function nulls(given, prefix, found)
  for name, value in pairs(given) do
    if value == json.null then found[#found + 1] = prefix .. name
    elseif is_group(value) then nulls(value, prefix .. name .. ".", found) end
  end
  table.sort(found)
  return found
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
      local value = secret.new "absent"
      given[field.name] = value
      sources[#sources + 1] = { secret = value, path = field.name, kind = "env", absent = true,
                                name = client_options.variable(provider.name, field.name) }
    end
  end
end

-- What a client's inside says, as options of another client; credentials and secret settings are marked.
local function options_of(state, given, mark)
  local options = { base_url = state.base_url, timeout = state.timeout }
  for _, values in ipairs { state.settings, state.auth.credentials } do
    for name, value in pairs(values) do
      options[name] = replaced(secret.is(given[name]) and given[name] or value, mark)
    end
  end
  return options
end

-- How many of the fields that were given a variant does not have: of the others' complaints nobody wants to hear.
local function strangers(err)
  local count = 0
  for _, fault in ipairs(err.details or {}) do
    if fault.problem == "variant" then count = count + 1 end
  end
  return count
end

-- What is shown of a request: the next one may be the same table.
local function kept(request)
  return { method = request.method, url = request.url, headers = request.headers, body = request.body or nil }
end

-- Makes the call with marks and returns its requests: token, read (the record that an update reads first) and main.
local function collect(call, plan, given, marks, record)
  local requests, inside = {}, { marks = marks.secrets }
  function inside.exchange(request, what)
    if what == "token" then
      requests.token = kept(request)
      return answer(200, nested(inside.state.auth.method.token, marks.token))
    end
    if what == "get" and plan.operation == "update" and not requests.read then
      requests.read = kept(request)
      local get = resolve(inside.state, plan.resource.operations.get)
      record[plan.resource.id] = plan.id
      return answer(get.status, nested(get.record[1], record))
    end
    requests.main = kept(request)
    return nil, caught()
  end
  local client = assert(call.client(plan, given, inside))
  local _, err = call.perform(client, plan)
  local operation = resolve(inside.state, plan.resource.operations[plan.operation])
  if requests.main and operation.sends == "whole" and requests.read then
    requests.main.body = json.encode(only_given(json.decode(requests.main.body), plan.values))
  end
  return requests, err, inside.state
end

-- The requests of a call; of an update that reads its record first, those of the first variant that takes the changes.
local function all_requests(call, plan, given, marks)
  local tried = { { record = {} } }
  if plan.operation == "update" then tried = variants.records(plan.resource.shape) end
  local chosen, state, err, label, differ
  for _, try in ipairs(tried) do
    local requests, why, inside = collect(call, plan, given, marks, try.record)
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

local function print_token(out, found, request, method)
  if method.rotates then out:line(shell.comment("its answer may have a new " .. method.rotates .. ", in place of the "
    .. "one that was sent")) end
  local command = shell.curl(found.marks, request, "-sS" .. (found.way and " " .. found.way or ""))
  out:line("ACCESS_TOKEN=$(" .. command .. " | jq -r " .. shell.jq_path(method.token) .. ")")
end

local function print_all(out, plan, requests, state, found)
  table.sort(found.comments)
  for _, comment in ipairs(found.comments) do out:line(shell.comment(comment)) end
  for _, line in ipairs(found.preparations) do out:line(line) end
  if requests.token then print_token(out, found, requests.token, state.auth.method) end
  local sends = resolve(state, plan.resource.operations[plan.operation]).sends
  if requests.read then
    out:line(shell.comment "the record is read first: what can be changed depends on it")
    out:line(shell.curl(found.marks, requests.read, found.way))
    if sends == "whole" then
      out:line(shell.comment "this replaces the whole record: its own fields must stand in the body, too")
      for _, name in ipairs(nulls(plan.values, "", {})) do out:line(shell.comment(name .. " is left out of it")) end
    end
    if found.label then
      out:line(shell.comment("this is what is sent when the record has " .. found.label))
    end
  end
  out:line(shell.curl(found.marks, requests.main, found.way))
  if plan.operation == "list" and resolve(state, plan.resource.operations.list).pages then
    out:line(shell.comment "this is the first page")
  end
end

-- Every text that a call may have, of its plan, its client's inside and the provider file.
local function all_texts(value, list, seen)
  if type(value) == "string" then list[#list + 1] = value end
  if type(value) ~= "table" or secret.is(value) or seen[value] then return list end
  seen[value] = true
  for key, inner in pairs(value) do
    all_texts(key, list, seen)
    all_texts(inner, list, seen)
  end
  return list
end

-- Where each secret came from: those that nobody has named are the client's own, from the environment.
local function find_sources(plan, state)
  local by_secret = {}
  for _, values in ipairs { state.settings, state.auth.credentials } do
    for name, value in pairs(values) do
      if secret.is(value) then
        by_secret[value] = { path = name, kind = "env", name = client_options.variable(plan.provider.name, name) }
      end
    end
  end
  for _, source in ipairs(plan.sources) do by_secret[source.secret] = source end
  return by_secret
end

-- Makes the call with what is given, for the checks; what is not there is not checked.
local function check(call, plan)
  local inside, as_text = { exchange = function() return nil, caught() end, marks = {} }, {}
  for _, source in ipairs(plan.sources) do
    if source.absent then inside.marks[source.secret] = true end
    if source.as == "text" then as_text[source.secret] = "absent" end
  end
  local client, err = call.client(plan, plan.options, inside)
  if not client then return nil, err end
  local copy = {}
  for name, value in pairs(plan) do copy[name] = value end
  copy.values = replaced(plan.values, function(value) return as_text[value] or value end)
  local _
  _, err = call.perform(client, copy)
  if not err.caught then return nil, err end
  return inside.state
end

--- @param plan table of luaprov.cli.call
--- @param out luaprov.Output
--- @param as_json boolean|nil errors as JSON
--- @return integer code the exit code
function M.run(plan, out, as_json)
  local call = require "luaprov.cli.call"
  add_missing(plan.provider, plan.options, plan.sources)
  local state, err = check(call, plan)
  if not state then return call.refused(plan, err, out, as_json) end

  local found = { comments = {}, preparations = {} }
  local name_of, by_secret = naming(found.comments, found.preparations), find_sources(plan, state)
  found.marks = shell.marks(all_texts({ plan.id, plan.values, plan.options, state.settings, state.base_url,
                                        plan.provider }, {}, {}))
  local marks = { secrets = {}, token = found.marks:new "ACCESS_TOKEN" }
  local function mark(value)
    local source = by_secret[value] or { path = "secret", kind = "plain" }
    local text = found.marks:new(name_of(source), source.as == "bare")
    if source.as == "text" then return text end
    local made = secret.new(text)
    marks.secrets[made] = true
    return made
  end
  found.way = transport.as_curl(state.transport, quote, function(value, name)
    return name_of(by_secret[value]
      or { path = name, kind = "env", name = client_options.variable(plan.provider.name, name) })
  end)
  local copy = {}
  for name, value in pairs(plan) do copy[name] = value end
  copy.values = replaced(plan.values, mark)
  local requests, inside
  requests, inside, found.label, err = all_requests(call, copy, options_of(state, plan.options, mark), marks)
  if not requests then return out:error(err, as_json) end
  print_all(out, copy, requests, inside, found)
  return 0
end

return M
