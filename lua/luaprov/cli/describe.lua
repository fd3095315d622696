--- A provider's description as a plain table, in the order of its file: what `luaprov providers` prints, as JSON too.
local json = require "luaprov.json"
local load = require "luaprov.provider.load"
local notes = require "luaprov.cli.notes"
local operations = require "luaprov.provider.operations"
local options = require "luaprov.provider.client_options"
local shapes = require "luaprov.provider.shape"
local tables = require "luaprov.tables"

local M = {}

-- The text that a template was made from.
local function template_text(parts)
  local out = {}
  for i, part in ipairs(parts) do
    if type(part) == "string" then out[i] = part
    elseif part.optional then out[i] = "[" .. template_text(part) .. "]"
    else out[i] = "{" .. part.name .. "}" end
  end
  return table.concat(out)
end

local function list_of(items, make)
  if not items or #items == 0 then return nil end
  local list = json.array {}
  for i, item in ipairs(items) do list[i] = make(item) end
  return list
end

local describe_shape

local function describe_values(field)
  return list_of(field.value_list, function(value)
    return { value = value, label = notes.label(field, value) }
  end)
end

local function describe_field(field, selectors)
  local made = {
    name = field.name, type = field.type, required = field.required, fixed = field.fixed, computed = field.computed,
    min = field.min, max = field.max, pattern = field.pattern, about = field.about, path = field.path,
    sent_as = field.sent_as, values = describe_values(field),
  }
  made.default = field.default
  if field.default ~= nil and field.type == "secret" then made.default = "<secret>" end
  if field.of then made.of = describe_field(field.of, selectors) end
  if field.shape then
    local shape = describe_shape(field.shape, selectors)
    made.fields, made.variants, made.unknown = shape.fields, shape.variants, shape.unknown
    made.whole = field.shape.whole
  end
  return made
end

-- The variants, in the order of the selector's values where there is one selector.
local function ordered_cases(by, selectors)
  local place, cases = {}, shapes.cases(by)
  local only = #by.selectors == 1 and selectors[by.selectors[1]]
  for i, value in ipairs(only and only.value_list or {}) do place[tostring(value)] = i end
  table.sort(cases, function(a, b)
    if place[a.key] ~= place[b.key] then return (place[a.key] or math.huge) < (place[b.key] or math.huge) end
    return a.key < b.key
  end)
  return cases
end

local function describe_by(by, selectors)
  local cases = json.array {}
  for i, case in ipairs(ordered_cases(by, selectors)) do
    cases[i] = describe_shape(case.shape, selectors)
    cases[i].value = case.key
  end
  return { by = list_of(by.selectors, tostring), cases = cases }
end

function describe_shape(shape, around)
  local selectors = setmetatable({}, { __index = around })
  for _, field in ipairs(shape.fields) do selectors[field.name] = field end
  return {
    fields = list_of(shape.fields, function(field) return describe_field(field, selectors) end),
    variants = list_of(shape.by, function(by) return describe_by(by, selectors) end),
    unknown = shape.unknown == "pass" and "pass" or nil,
  }
end

local function describe_operation(name, operation, when)
  return {
    name = name, method = operation.method, path = template_text(operation.path), when = when,
    query = operation.query and #operation.query > 0 and json.array(operation.query) or nil,
    sends = operation.sends ~= "changes" and name == "update" and operation.sends or nil,
  }
end

local function describe_operations(resource)
  local list = json.array {}
  for _, name in ipairs(operations) do
    local operation = resource.operations[name]
    if operation and operation.setting then
      for _, key in ipairs(tables.keys(operation.cases)) do
        list[#list + 1] = describe_operation(name, operation.cases[key], operation.setting .. "=" .. key)
      end
    elseif operation then
      list[#list + 1] = describe_operation(name, operation)
    end
  end
  return list
end

local function describe_option(provider, field)
  local made = describe_field(field, {})
  made.variable = options.variable(provider.name, field.name)
  return made
end

--- Whether a provider file is one of luaprov's own.
function M.is_built_in(file)
  local folders = load.folders()
  local own = folders[#folders] .. "/"
  return file:sub(1, #own) == own
end

--- @param provider table description
--- @return table
function M.provider(provider)
  return {
    name = provider.name, title = provider.title, base_url = template_text(provider.base_url),
    file = not M.is_built_in(provider.file) and provider.file or nil,
    credentials = list_of(provider.auth, function(method)
      return {
        kind = method.kind, url = method.url and template_text(method.url),
        fields = list_of(method.fields, function(field) return describe_option(provider, field) end),
      }
    end),
    settings = list_of(provider.settings, function(field) return describe_option(provider, field) end),
    options = list_of(options.common, function(field) return describe_option(provider, field) end),
    limits = list_of(provider.limits, function(limit) return { calls = limit[1], seconds = limit.per } end),
    resources = list_of(provider.resources, function(resource)
      local made = describe_shape(resource.shape, {})
      made.name, made.about, made.id, made.unique = resource.name, resource.about, resource.id, resource.unique
      made.key = resource.key and json.array(resource.key) or nil
      made.operations = describe_operations(resource)
      return made
    end),
  }
end

--- What is to be known of a field, as words.
--- @param field table of a description
--- @param shown function value -> text
--- @return string
function M.notes(field, shown)
  local parts = {}
  local function add(text) parts[#parts + 1] = text end
  if field.required then add "required" end
  if field.path then add "in the path" end
  if field.fixed then add "fixed after create" end
  if field.computed then add "computed" end
  if field.whole then add "replaced whole by an update" end
  if field.default ~= nil then add("default " .. shown(field.default)) end
  add(notes.bounds(field))
  if field.pattern and not field.about then add("matches " .. shown(field.pattern)) end
  if field.unknown then add "takes other fields, too" end
  if field.about then add(shown(field.about)) end
  if field.of then
    local of = M.notes(field.of, shown)
    add("of " .. field.of.type .. (of ~= "" and " (" .. of .. ")" or ""))
  end
  if field.values then
    local values = {}
    for i, item in ipairs(field.values) do
      values[i] = shown(item.value) .. (item.label and " (" .. shown(item.label) .. ")" or "")
    end
    add("one of " .. table.concat(values, ", "))
  end
  return table.concat(parts, "; ")
end

return M
