--- Checks a table against a shape and makes what goes over the wire.
local form = require "luaprov.provider.form"
local json = require "luaprov.json"
local near = require "luaprov.near"
local secret = require "luaprov.secret"
local shapes = require "luaprov.provider.shape"
local tables = require "luaprov.tables"
local texts = require "luaprov.text"
local values = require "luaprov.provider.values"

local M = {}

local NONE = {}
local MOST_TABLES = 100000 -- in what a provider file passes on

-- `problem`: the same as the message for programs, as far as it fits by the names of problems.lua.
local function fault(context, path, problem, message)
  context.faults[#context.faults + 1] = { path = path, message = message, problem = problem }
end

local function join(prefix, name) return prefix == "" and name or prefix .. "." .. name end

-- A copy of a value that the provider file says nothing of, with its secrets opened.
local function pass(value, context, path, depth)
  if secret.is(value) then
    local opened, why, problem = values.check({ type = "secret" }, value, context.opened)
    if not opened then fault(context, path, problem, why) end
    return opened
  end
  if type(value) == "string" and not texts.is_utf8(value) then fault(context, path, "value", "is not UTF-8") end
  if type(value) ~= "table" then return value end
  -- Tables that share parts would be copied, and sent, once for each way that leads to them.
  context.copied = (context.copied or 0) + 1
  context.inside = context.inside or {}
  if context.inside[value] or depth > 100 or context.copied > MOST_TABLES then
    fault(context, path, "value", context.inside[value] and "holds itself" or "is too large, or nested too deep")
    return nil
  end
  context.inside[value] = true
  local copy = {}
  for key, inner in pairs(value) do
    if context.copied <= MOST_TABLES then copy[key] = pass(inner, context, join(path, tostring(key)), depth + 1) end
  end
  context.inside[value] = nil
  return setmetatable(copy, getmetatable(value))
end

local check_table

local function check_list(field, value, context, path)
  if type(value) ~= "table" or secret.is(value) then
    return nil, "must be a list, not " .. values.described(value), "type"
  end
  local count = 0
  for key in pairs(value) do
    if type(key) ~= "number" then return nil, "must be a list, and has a key '" .. tostring(key) .. "'", "type" end
    count = count + 1
  end
  local copy = json.array {}
  for i = 1, count do
    local item, item_path = value[i], path .. "[" .. i .. "]"
    if item == nil then return nil, "has holes", "type" end
    if not field.of then
      copy[i] = pass(item, context, item_path, 0)
    else
      copy[i] = M.check_value(field.of, item, context, item_path, true)
    end
  end
  return values.check_length(field, copy, count, "items")
end

--- Checks one value; notes what is wrong in context.faults.
--- @param in_list boolean|nil it is an item of a list, which is replaced whole
--- @return any wire nil when something is wrong
function M.check_value(field, value, context, path, in_list)
  local wire, why, problem
  if context.marks and context.marks[value] then
    wire = (value:reveal()) -- it only stands for a value, of whatever type
  elseif field.type == "list" then
    wire, why, problem = check_list(field, value, context, path)
  elseif field.type == "group" then
    if type(value) == "table" and not secret.is(value) then
      wire = check_table(field.shape, value, context, path, in_list)
    else
      why, problem = "must be a table, not " .. values.described(value), "type"
    end
  else
    wire, why, problem = values.check(field, value, context.opened, context.marks)
  end
  if why then fault(context, path, problem, why) end
  return wire
end

-- The value of a selector: from the tables around, else from the record that the vendor has.
local function selected(name, context)
  for i = #context.scopes, 1, -1 do
    local scope = context.scopes[i]
    local value = rawget(scope.input, name)
    local field = scope.shape.by_name[name]
    if value == nil and field and context.operation == "create" then value = field.default end
    if value == nil and scope.record then value = scope.record[name] end
    if value ~= nil then return value end
  end
end

local function case_of(by, context)
  return shapes.case(by, function(name) return selected(name, context) end)
end

local FIXED = "is fixed: it cannot change after create"

local function check_field(field, context, input, wire, prefix, needs_all)
  local name = field.name
  local value = rawget(input, name)
  if value == nil and context.operation == "create" then value = field.default end
  if value == nil and not (field.required and needs_all) then return end
  local path = join(prefix, name)
  if value == nil then
    -- Where an update replaces a group whole, leaving out a part that cannot change would change it.
    if context.operation ~= "update" or prefix:find("%]$") then fault(context, path, "required", "is required")
    elseif field.fixed then fault(context, path, "fixed", FIXED)
    else fault(context, path, "required", "is required: an update replaces all of " .. prefix) end
  elseif field.computed then
    fault(context, path, "computed", "comes with answers only and cannot be set"
      .. (context.operation == "update" and ": an update takes what changes" or ""))
  elseif field.path then
    if context.operation == "update" and not context.in_path[name] then
      fault(context, path, "fixed", FIXED)
    else
      context.parents[name] = value
    end
  elseif field.fixed and context.operation == "update" then
    fault(context, path, "fixed", FIXED)
  elseif value == json.null then
    if context.operation == "create" or field.required then fault(context, path, "type", "must not be null")
    else wire[name] = value end
  else
    wire[name] = M.check_value(field, value, context, path)
  end
end

local function no_such_case(by, chosen, context, prefix)
  local keys = {}
  for i, case in ipairs(shapes.cases(by)) do keys[i] = "'" .. case.key .. "'" end
  fault(context, join(prefix, table.concat(by.selectors, ", ")), "value",
    "'" .. chosen .. "' is none of " .. table.concat(keys, ", "))
end

-- Checks the fields of a shape and of its variants against the innermost table. Returns whether unknown ones pass.
local function check_fields(shape, context, input, wire, prefix, known, needs_all)
  local passes = shape.unknown == "pass"
  for _, field in ipairs(shape.fields) do
    known[field.name] = true
    check_field(field, context, input, wire, prefix, needs_all)
  end
  for _, by in ipairs(shape.by) do
    local case, complete, chosen = case_of(by, context)
    if case then
      passes = check_fields(case, context, input, wire, prefix, known, needs_all) or passes
    else
      local already = #context.faults > 0
      for name, field in pairs(by.union) do
        -- On update the variants agree about these, or the record would have been read; on create the selector's own
        -- fault is enough, if it has one.
        if context.operation == "update" and not complete then
          if by.agrees[name] or not context.tentative then check_field(field, context, input, wire, prefix, false) end
        elseif not complete and not already and rawget(input, name) ~= nil then
          fault(context, join(prefix, name), "variant",
            "needs " .. table.concat(by.selectors, ", ") .. ", which it depends on")
        end
        known[name] = true
      end
      if context.tentative then passes = passes or by.passes end
      if complete and not already then no_such_case(by, chosen, context, prefix) end
      passes = passes or by.passes
    end
  end
  return passes
end

-- The group of a shape that has a field of this name, in some variant.
local function group_with(shape, name)
  for _, field in ipairs(shape.fields) do
    for _, inner in ipairs(field.shape and shapes.names(field.shape) or {}) do
      if inner == name then return field.name end
    end
  end
end

local function unknown(shape, known, name, context)
  for _, other in ipairs(shapes.names(shape)) do
    if other == name then return "variant", "is no field of this variant" end
  end
  if name == "id" and context.operation == "update" then
    return "computed", "is not changed: an update takes what changes"
  end
  local group = group_with(shape, name)
  if group then return "unknown", "is unknown (it belongs in " .. group .. ")" end
  return "unknown", "is unknown" .. near.hint(tostring(name), tables.keys(known))
end

function check_table(shape, input, context, prefix, in_list)
  local depth = #context.scopes
  local needs_all = context.operation == "create" or in_list or (depth > 0 and shape.whole)
  local wire = {}
  local known, passes
  if shape.is_flat then
    known, passes = shape.by_name, shape.unknown == "pass"
    for _, field in ipairs(shape.fields) do check_field(field, context, input, wire, prefix, needs_all) end
  else
    local outer = context.scopes[depth]
    local record = outer and outer.record
    if prefix ~= "" and record then record = record[prefix:match("[^.]+$")] end
    context.scopes[depth + 1] = { input = input, shape = shape, record = type(record) == "table" and record or nil }
    if depth == 0 then context.scopes[1].record = context.record end
    known = {}
    passes = check_fields(shape, context, input, wire, prefix, known, needs_all)
    context.scopes[depth + 1] = nil
  end
  for name, value in pairs(input) do
    if not known[name] then
      local path = join(prefix, tostring(name))
      if passes then wire[name] = pass(value, context, path, 0)
      else fault(context, path, unknown(shape, known, name, context)) end
    end
  end
  return wire
end

local function by_path(a, b) return a.path < b.path end

--- Checks a table that somebody wants to create or to change.
--- @param shape table
--- @param input table
--- @param options table operation ("create" or "update"), in_path (names that the operation's path takes), record (what
---   the vendor has, for an update whose fields depend on the variant), tentative (the record is not known yet: only
---   what is wrong in every variant is a fault), marks (as in `client.new`)
--- @return table result wire (what to send, secrets opened), parents, opened (the secrets' values), faults ({ path,
---   message, problem } each; problem: required, type, value, range, unknown, variant, fixed or computed)
function M.check(shape, input, options)
  local context = options
  context.in_path = context.in_path or NONE
  context.faults, context.opened, context.parents = {}, {}, {}
  context.scopes = shape.is_flat and NONE or {}
  context.wire = check_table(shape, input, context, "")
  if context.faults[2] then table.sort(context.faults, by_path) end
  return context
end

--- Checks a table that somebody wants to create.
--- @param shape table
--- @param input table
--- @param marks table|nil
--- @return string|nil body what to send, as JSON: all was plain and right
--- @return table|nil result of `check` where there is no body
function M.check_new(shape, input, marks)
  local body = not marks and form.body(shape, input)
  if body then return body end
  return nil, M.check(shape, input, {
    operation = "create", marks = marks, -- and all that it gains
    in_path = false, faults = false, opened = false, parents = false, scopes = false, wire = false,
  })
end

--- What a check has found to be sent.
--- @param checked table wire, or body: JSON; gains wire
--- @return table wire secrets opened
function M.wire(checked)
  -- Not the input: it may have been changed since.
  if not checked.wire then checked.wire = json.decode(checked.body) end
  return checked.wire
end

--- Whether an update's fields can be judged only with the record that the vendor has.
function M.needs_record(shape, input)
  for _, by in ipairs(shape.by) do
    if shape.whole then return true end
    for name in pairs(input) do
      local there = by.union[name]
      if there and not by.agrees[name] then return true end
      if not there and not shape.by_name[name] and by.passes then return true end
    end
  end
  for _, field in ipairs(shape.fields) do
    local value = rawget(input, field.name)
    if field.shape and type(value) == "table" and M.needs_record(field.shape, value) then return true end
  end
  return false
end

-- What of a record may be sent again, secrets opened.
local function writable(shape, record, context, into, known)
  local passes = shape.unknown == "pass"
  for _, field in ipairs(shape.fields) do
    local value = record[field.name]
    known[field.name] = true
    if value ~= nil and not (field.computed or field.path) then
      if field.shape and type(value) == "table" then
        context.scopes[#context.scopes + 1] = { input = value, shape = field.shape }
        into[field.name] = writable(field.shape, value, context, {}, {})
        context.scopes[#context.scopes] = nil
      else
        into[field.name] = pass(value, context, field.name, 0)
      end
    end
  end
  for _, by in ipairs(shape.by) do
    local case = case_of(by, context)
    if case then
      writable(case, record, context, into, known)
      passes = passes or case.unknown == "pass"
    end
  end
  for name, value in pairs(passes and record or {}) do
    if not known[name] then into[name] = pass(value, context, name, 0) end
  end
  return into
end

--- The fields of a record that an update can send, for a vendor that wants the whole of it.
--- @param shape table
--- @param record table
--- @param id_name string the record's own name for its id, which is not sent
--- @param opened string[] gains the values of its secrets
--- @return table wire
function M.writable(shape, record, id_name, opened)
  local context = {
    operation = "update", faults = {}, opened = opened, scopes = { { input = record, shape = shape } },
  }
  return writable(shape, record, context, {}, { id = true, [id_name] = true })
end

return M
