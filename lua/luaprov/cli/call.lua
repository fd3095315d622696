--- luaprov call PROVIDER RESOURCE OPERATION [ID] [ARGUMENTS]
local arguments = require "luaprov.cli.arguments"
local core = require "luaprov.core"
local clients = require "luaprov.provider.client"
local errors = require "luaprov.errors"
local events = require "luaprov.events"
local finding = require "luaprov.cli.find"
local http = require "luaprov.http"
local interrupted = require "luaprov.cli.interrupted"
local near = require "luaprov.near"
local operations = require "luaprov.provider.operations"
local output = require "luaprov.cli.output"
local records = require "luaprov.cli.records"
local resolve = require("luaprov.provider.call").resolve
local settings = require "luaprov.cli.settings"
local tables = require "luaprov.tables"
local template = require "luaprov.provider.template"

local M = {}

local DONE = { create = "created", update = "updated", delete = "deleted" }

local HAS_ID = { get = true, update = true, delete = true }

function M.configure(parser)
  parser:argument("provider", "A provider's name, or the path of a provider file."):argname("<provider>")
  parser:argument("resource", "What the provider keeps: luaprov providers NAME lists it."):argname("<resource>")
  parser:argument("operation", "create, get, update, delete or list."):choices(operations)
    :argname("<operation>")
  parser:argument("rest", [[
The id of the record, for get, update and delete; then
  name=value     a field; for list a filter; for get and delete a parent in the path
  a.b=value      a field of a group
  name=@FILE     the content of a file
  name=env:VAR   an environment variable
  name:=json     exactly this JSON: a list, null, a text that begins with @;
                 it may come from @FILE or env:VAR, too]]):args("*"):argname("<argument>")
  parser:option("--id", "The id of the record, where it has a = in it."):argname("<id>")
  parser:option("--set", "An option of the client, as in --set timeout=5 or --set token=env:VAR; the default is the "
    .. "environment."):argname("<option=value>"):count("*"):target("options")
  parser:flag("--curl", "Print the curl command that does the same, and send nothing.")
  parser:flag("--verbose", "Print a line about each call to the vendor on standard error, as LUAPROV_LOG=debug does.")
  output.add_options(parser)
  parser:epilog([[
In the examples acme stands for a provider; luaprov providers lists those that there are.

Examples:
   luaprov call acme phones create name=Desk description='Front desk'
   luaprov call acme lines create phone=7 kind=sms name=SMS settings.number=+15550100001 \
     settings.token=env:SMS_TOKEN
   luaprov call acme lines list q=sms --json | jq -r .name
   luaprov call acme lines update 1165 name='Another name' --curl
   luaprov call ./acme.lua phones delete 12 siteId=3]])
end

-- The provider, the resource and the operation that are meant; or what is wrong with the words.
local function find(args, out)
  local provider, code = finding.provider(args.provider, out, args.json)
  if not provider then return nil, code end
  local resource = provider.resource[args.resource]
  if not resource then
    return nil, out:wrong(provider.name .. " has no resource '" .. args.resource .. "'"
      .. near.hint(args.resource, tables.names(provider.resources)))
  end
  if not resource.operations[args.operation] then
    local there = {}
    for _, name in ipairs(operations) do
      if resource.operations[name] then there[#there + 1] = name end
    end
    return nil, out:wrong(("%s %s has no %s (there is %s)"):format(provider.name, resource.name, args.operation,
      table.concat(there, ", ")))
  end
  return provider, resource
end

-- The id among the arguments, which come after it.
local function take_id(args)
  local rest = {}
  for i, word in ipairs(args.rest) do rest[i] = word end
  local first = rest[1]
  if not HAS_ID[args.operation] then
    if args.id then return nil, nil, args.operation .. " takes no id" end
    if first and not arguments.split(first) then
      return nil, nil, args.operation .. " takes no id, and argument 1 after it is not " .. arguments.FORMS
    end
    return nil, rest
  end
  if args.id then return args.id, rest end
  if not first then return nil, nil, args.operation .. " needs the id of a record" end
  if arguments.split(first) then
    return nil, nil, args.operation .. " needs the id of a record before " .. (first:match("^[^=]+") or "") .. "=… "
      .. "(an id that has a = in it is given with --id)"
  end
  return table.remove(rest, 1), rest
end

-- The parents of get and delete: a name that is none would be ignored.
local function unknown_parents(state, plan)
  if plan.operation ~= "get" and plan.operation ~= "delete" then return nil end
  local operation = resolve(state, plan.resource.operations[plan.operation])
  local faults, known = {}, {}
  for name in pairs(template.names(operation.path)) do
    if name ~= "id" and not state.is_setting[name] then known[#known + 1] = name end
  end
  for name in pairs(plan.values) do
    local there
    for _, other in ipairs(known) do there = there or other == name end
    if not there then
      local why = #known == 0 and "is too much: " .. plan.operation .. " takes an id only"
        or "is unknown" .. near.hint(name, known)
      faults[#faults + 1] = { path = name, message = why, problem = "unknown" }
    end
  end
  table.sort(faults, function(a, b) return a.path < b.path end)
  local about = { provider = plan.provider.name, resource = plan.resource.name, operation = plan.operation }
  return #faults > 0 and errors.invalid(faults, about) or nil
end

--- A client for a plan.
--- @param plan table provider, resource, operation, id, values
--- @param given table options of the client
--- @param inside table as client.new takes it
--- @return table|nil client
--- @return luaprov.Error|nil err
function M.client(plan, given, inside)
  local client, err = clients.new(plan.provider, given, inside)
  if not client then return nil, err end
  err = unknown_parents(inside.state, plan)
  if err then return nil, err end
  return client
end

--- Tells why there is no client, or no call. What is wrong with --set alone is wrong use.
--- @param err luaprov.Error
--- @return integer code the exit code
function M.refused(plan, err, out, as_json)
  local wrong = {}
  for i, fault in ipairs(not err.resource and err.details or {}) do
    if plan.options[fault.path] == nil then return out:error(err, as_json) end
    wrong[i] = fault.path .. " " .. fault.message
  end
  if not wrong[1] then return out:error(err, as_json) end
  return out:wrong("--set: " .. table.concat(wrong, "; "))
end

--- Makes the call, of a list the first record's.
--- @return any result
--- @return luaprov.Error|nil err
function M.perform(client, plan)
  local resource = client[plan.resource.name]
  if plan.operation == "list" then return resource:each(plan.values)() end
  if plan.operation == "create" then return resource:create(plan.values) end
  return resource[plan.operation](resource, plan.id, plan.values)
end

local function send(args, out, plan)
  -- A reader that has gone must not end this in the middle of a call.
  core.ignore_sigpipe()
  if args.verbose then events.show() end
  local inside = {}
  out.interrupted = interrupted.new(table.concat({ plan.provider.name, plan.resource.name, plan.operation }, " "),
    plan.operation)
  inside.exchange = out.interrupted:watch(http.exchange)
  local client, err = M.client(plan, plan.options, inside)
  if not client then return M.refused(plan, err, out, args.json) end
  out.credentials = table.concat(inside.state.variables, ", ")
  if plan.operation == "list" then
    return records.list(out, plan.resource, client[plan.resource.name]:each(plan.values), args.json)
  end
  local result
  result, err = M.perform(client, plan)
  if result then
    local ok, broken = pcall(function()
      if plan.operation ~= "delete" then records.show(out, plan.resource, result)
      elseif not out.json then out:line("deleted " .. output.plain(plan.id)) end
      out:flush()
    end)
    if not ok then
      -- What is done must not look as if it were not.
      local done, id = DONE[plan.operation], plan.operation == "delete" and plan.id or result.id
      if done then out:note(("%s %s: it is done, and cannot be printed"):format(done, tostring(id))) end
      if done and output.is_gone(broken) then return 1 end
      error(broken, 0)
    end
  end
  if not err then return 0 end
  out:flush()
  return out:error(err, args.json)
end

function M.run(args, out)
  local provider, resource = find(args, out)
  if not provider then return resource end
  local id, rest, why = take_id(args)
  if why then return out:wrong(why) end
  local has_fields = args.operation == "create" or args.operation == "update"
  local values, sources, number = arguments.read(rest, has_fields and resource.shape or nil, args.curl)
  if number then
    number = number + #args.rest - #rest
    return out:wrong(("argument %d after %s %s"):format(number, args.operation, sources))
  end
  if not values then return out:wrong(sources) end
  local given, option_sources = settings.read(provider, args.options, args.curl)
  if not given then return out:wrong(option_sources) end
  for _, source in ipairs(option_sources) do sources[#sources + 1] = source end
  arguments.warn(sources, function(text) out:note(text) end)
  local plan = { provider = provider, resource = resource, operation = args.operation, id = id, values = values,
                 sources = sources, options = given }
  if args.curl then return require("luaprov.cli.curl").run(plan, out, args.json) end
  return send(args, out, plan)
end

return M
