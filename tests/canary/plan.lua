-- Every variant of every resource as fields to create it with, with a secret in every secret field.
local luaprov = require "luaprov"
local shapes = require "luaprov.provider.shape"
local values = require "tests.canary.values"
local variants = require "luaprov.cli.variants"

local M = {}

-- Where a field's pattern leaves no other choice.
local FITTING = { hostRest = "https://kazoo.invalid/v2", hostWebsocket = "wss://kazoo.invalid", port = 587, Port = 993,
                  recordingArchiveFrequency = "01:00:00" }

local plain = os.getenv "CANARY_LONG" -- given as text, and so not known to be secret by what it is

local undeclared = os.getenv "CANARY_FIELD"

local build

local function value_for(field, chosen, name)
  if field.type == "secret" or undeclared and field.name == undeclared then
    local value = values.of(name)
    return plain and value or luaprov.secret(value)
  elseif FITTING[field.name] then return FITTING[field.name]
  elseif field.type == "choice" then
    for _, value in ipairs(field.value_list) do
      if tostring(value) == tostring(chosen[field.name]) then return value end
    end
    return field.value_list[1]
  elseif field.type == "list" then
    return luaprov.array(field.of and { value_for(field.of, chosen, name) } or {})
  elseif field.type == "group" then return build(field.shape, chosen, name, {})
  elseif field.type == "integer" then return field.min or 1
  elseif field.type == "boolean" then return true
  elseif field.type == "url" then return "https://hook.invalid/x" end
  return "x"
end

function build(shape, chosen, name, into)
  for _, field in ipairs(shape.fields) do
    if not field.computed and (not field.pattern or FITTING[field.name]) then
      into[field.name] = value_for(field, chosen, name .. "." .. (field.name or ""))
    end
  end
  for _, by in ipairs(shape.by) do
    local case = shapes.case(by, function(selector) return chosen[selector] end)
    if case then build(case, chosen, name, into) end
  end
  return into
end

local count = 0

--- Fields for a variant; those of a second call are of another record.
--- @param variant table of `variants`
--- @param parents table|nil field -> id
function M.fields(variant, parents)
  count = count + 1
  local fields = build(variant.shape, variant.chosen, variant.name, {})
  for _, name in ipairs { "name", "Name", "UserId" } do
    if fields[name] then fields[name] = "n" .. count end
  end
  for name, id in pairs(parents or {}) do
    local field = variant.shape.by_name[name]
    if field and not field.computed then fields[name] = id end
  end
  return fields
end

local function without_fixed(shape, fields, chosen)
  for _, field in ipairs(shape.fields) do
    if field.fixed and not field.path then fields[field.name] = nil end
    if field.shape and fields[field.name] then without_fixed(field.shape, fields[field.name], chosen) end
    if type(fields[field.name]) == "table" and next(fields[field.name]) == nil then fields[field.name] = nil end
  end
  for _, by in ipairs(shape.by) do
    local case = shapes.case(by, function(selector) return chosen[selector] end)
    if case then without_fixed(case, fields, chosen) end
  end
  return fields
end

--- Fields for an update: all that can be changed.
function M.changes(variant, parents) return without_fixed(variant.shape, M.fields(variant, parents), variant.chosen) end

-- Two `by` of one field choose by the same value.
local function agrees(label)
  local chosen = {}
  for name, value in label:gmatch("([^,%s]+) = ([^,]+)") do
    if chosen[name] and chosen[name] ~= value then return false end
    chosen[name] = value
  end
  return true
end

--- @param provider table description
--- @return table[] list { resource, name, shape, chosen } each, of resources that can be created, in order
function M.variants(provider)
  local list = {}
  for _, resource in ipairs(provider.resources) do
    local records = resource.operations.create and variants.records(resource.shape) or {}
    for _, record in ipairs(records) do
      local name = provider.name .. "." .. resource.name .. "." .. record.label:gsub("[^%w=,]", ""):gsub("[=,]", ".")
      if agrees(record.label) then
        list[#list + 1] = { resource = resource.name, shape = resource.shape, chosen = record.record, name = name }
      end
    end
  end
  return list
end

return M
