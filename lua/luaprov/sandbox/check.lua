--- What a vendor would find wrong with the fields that a request brings.
---
--- Which fields belong to a table, which are missing and which may change is judged here and not by the client's
--- `provider/fields`, and of what came over the wire, exactly as it came: a fault of the client there, or in how it
--- spells a value, shows. Whether one value fits its field (type, bounds, pattern, choice) is told by
--- `provider/values`, which the client asks too: a fault in that shows nowhere here.
local json = require "luaprov.json"
local shapes = require "luaprov.provider.shape"
local values = require "luaprov.provider.values"

local M = {}

local function join(prefix, name) return prefix == "" and name or prefix .. "." .. name end

local function fault(context, path, problem, message)
  context.faults[#context.faults + 1] = { path = path, problem = problem, message = message }
end

--- Whether two wire values are equal.
function M.same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if not M.same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

local check_table

local function check_value(field, value, context, path, record, in_list)
  if field.type == "group" then
    if type(value) ~= "table" or json.is_array(value) then
      fault(context, path, "type", "must be an object")
      return nil
    end
    return check_table(field.shape, value, context, path, type(record) == "table" and record or nil, in_list)
  elseif field.type == "list" then
    if type(value) ~= "table" or not json.is_array(value) then
      fault(context, path, "type", "must be a list")
      return nil
    end
    local copy = json.array {}
    for i, item in ipairs(value) do
      if field.of then item = check_value(field.of, item, context, path .. "[" .. i .. "]", nil, true) end
      -- A hole would end the list; what is wrong with it is noted.
      if item == nil then item = json.null end
      copy[i] = item
    end
    local _, why, problem = values.check_length(field, value, #value, "items")
    if why then fault(context, path, problem, why) end
    return copy
  end
  local wire, why, problem = values.check(field, value, {})
  -- What the client turns into the vendor's own type must have been turned when it arrives.
  if not why and field.type ~= "url" and wire ~= value then
    why, problem = "must be a " .. type(wire) .. ", not " .. values.described(value), "type"
  end
  if why then fault(context, path, problem, why) end
  return value
end

local function check_field(field, scope, context, into, needs_all)
  local name, value = field.name, scope.input[field.name]
  local path = join(scope.prefix, name)
  local before = scope.record and scope.record[name]
  if value == nil then
    if field.required and needs_all and not field.path then fault(context, path, "required", "is required") end
  elseif field.computed or field.path then
    fault(context, path, "unknown", "is not supported")
  elseif field.fixed and context.operation == "update" then
    -- The same value again changes nothing.
    if not M.same(value, before) and field.fixed ~= "ignored" then fault(context, path, "fixed", "cannot change") end
    into[name] = before
  elseif value == json.null then
    if context.operation == "create" or field.required then fault(context, path, "type", "must not be null") end
    into[name] = value
  else
    into[name] = check_value(field, value, context, path, before)
  end
end

-- The variant of a table: by its own values, by those of the record, else by those of the tables around.
local function case_of(by, scope)
  return shapes.case(by, function(name)
    local around, value = scope, nil
    while around and value == nil do
      value = around.input[name]
      if value == nil then value = around.record and around.record[name] end
      around = around.outer
    end
    return value
  end)
end

local function check_shape(shape, scope, context, into, known, needs_all)
  local unknown = shape.unknown
  for _, field in ipairs(shape.fields) do
    known[field.name] = true
    check_field(field, scope, context, into, needs_all)
  end
  for _, by in ipairs(shape.by) do
    local case, complete = case_of(by, scope)
    if case then
      local of_case = check_shape(case, scope, context, into, known, needs_all)
      if of_case ~= "refuse" then unknown = of_case end
    elseif complete and #context.faults == 0 then
      fault(context, join(scope.prefix, by.selectors[#by.selectors]), "value",
        "does not go with " .. table.concat(by.selectors, ", ", 1, #by.selectors - 1))
    end
    -- Without a variant nothing can be said of what only variants have.
    if not case and #context.faults > 0 then
      for name in pairs(by.union) do known[name] = true end
    end
  end
  return unknown
end

function check_table(shape, input, context, prefix, record, in_list)
  local scope = { input = input, record = record, prefix = prefix, outer = context.scope }
  context.scope = scope
  local into, known = {}, {}
  local needs_all = context.needs_all or in_list or (prefix ~= "" and shape.whole)
  local unknown = check_shape(shape, scope, context, into, known, needs_all)
  for name, value in pairs(input) do
    if not known[name] then
      if unknown == "pass" then into[name] = value
      elseif unknown ~= "ignored" then fault(context, join(prefix, tostring(name)), "unknown", "is not supported") end
    end
  end
  context.scope = scope.outer
  return into
end

--- @param shape table of the resource
--- @param body table decoded
--- @param operation string "create" or "update"
--- @param record table|nil what is there, for an update
--- @param whole boolean|nil an update replaces the record, so it must be whole
--- @return table fields what to keep of the body
--- @return table[] faults { path, problem, message }, by path
function M.check(shape, body, operation, record, whole)
  local context = { operation = operation, faults = {}, needs_all = operation == "create" or whole }
  local into = check_table(shape, body, context, "", record)
  table.sort(context.faults, function(a, b) return a.path < b.path end)
  return into, context.faults
end

--- The variant of a table, if it has one: see `case_of`.
M.case_of = case_of

--- Every example among a shape's fields, where a record of that shape has, or lacks, the field.
--- @param shape table
--- @param record table
--- @param give function into (the table within the record), name, example
function M.each_example(shape, record, give)
  local function walk(inner, scope)
    for _, field in ipairs(inner.fields) do
      if field.example ~= nil then give(scope.input, field.name, field.example) end
      local there = scope.input[field.name]
      if field.shape and type(there) == "table" then walk(field.shape, { input = there, outer = scope }) end
    end
    for _, by in ipairs(inner.by) do
      local case = case_of(by, scope)
      if case then walk(case, scope) end
    end
  end
  walk(shape, { input = record })
end

return M
