--- Checks those words of a provider file that only the sandbox reads; `options` says what they mean.
local json = require "luaprov.json"
local near = require "luaprov.near"
local options = require "luaprov.provider.options"
local shapes = require "luaprov.provider.shape"
local values = require "luaprov.provider.values"
local words = require "luaprov.provider.words"

local M = {}

local PLACEHOLDER = "{([%a_][%w_]*)}"

local function has(list, wanted)
  for _, item in ipairs(list) do
    if item == wanted then return true end
  end
  return false
end

--- Checks what an answer, or a part of a record, is made of: its placeholders must mean something where they stand.
--- @param template any
--- @param place string of options.placeholders
--- @param about table option, line, path
--- @param report function
function M.template(template, place, about, report)
  local known, told = options.placeholders[place], {}
  local function tell(message)
    if not told[message] then report(about.line, about.path, "option '" .. about.option .. "': " .. message) end
    told[message] = true
  end
  local function walk(value)
    if type(value) == "function" or words.is_node(value) then
      tell("holds what no answer can have")
    elseif type(value) == "table" then
      for _, inner in pairs(value) do walk(inner) end
    elseif type(value) == "string" then
      for name in value:gmatch(PLACEHOLDER) do
        if not has(known, name) then tell("{" .. name .. "} stands for nothing there" .. near.hint(name, known)) end
      end
    end
  end
  walk(template)
end

-- Whether an example may be the value of its field. What placeholders become is not known here.
local function check_value(field, path, report)
  local example, why = field.example, nil
  if example == json.null or type(example) == "string" and example:find(PLACEHOLDER) then return end
  if field.type == "list" then
    if type(example) ~= "table" then why = "must be a list" end
  elseif field.type == "group" then
    if type(example) ~= "table" or json.is_array(example) or #example > 0 then why = "must be a table of fields" end
  elseif not (field.codes and type(example) ~= "table" and field.codes[tostring(values.whole(example) or example)]) then
    local sound, _, wrong = pcall(values.check, field, example, {}) -- not sound: the field is wrong, which is told
    why = sound and wrong
  end
  if why then report(field.line, path, "option 'example': " .. why) end
end

-- Every field of a shape, at any depth, in every variant.
local function each_field(shape, path, fn, depth)
  for _, field in ipairs(shape.fields) do
    local own = path .. "." .. field.name
    fn(field, own, depth)
    if field.shape then each_field(field.shape, own, fn, depth + 1) end
    if field.of and field.of.shape then each_field(field.of.shape, own .. "[]", fn, depth + 1) end
  end
  for _, by in ipairs(shape.by) do
    for value, case in pairs(by.cases) do each_field(case, path .. "<" .. value .. ">", fn, depth + 1) end
  end
end

--- Checks the examples of settings and credentials, which are what the sandbox takes for them.
--- @param fields table[] descriptions
--- @param path string
--- @param report function
function M.credentials(fields, path, report)
  for _, field in ipairs(fields) do
    if field.example ~= nil then check_value(field, path .. "." .. field.name, report) end
  end
end

local function passes(shape)
  local does = shape.unknown == "pass"
  for _, by in ipairs(shape.by) do does = does or by.passes end
  return does
end

-- What a record may have; nil where that is anything.
local function names_of(resource)
  if passes(resource.shape) then return nil end
  local names = shapes.names(resource.shape)
  for name in pairs(resource.example) do names[#names + 1] = name end
  names[#names + 1] = resource.id
  return names
end

local function check_records(resource, names, report)
  local records, path = resource.records, resource.name .. ".records"
  local count = 0
  for _ in pairs(records) do count = count + 1 end
  for i = 1, count do
    if type(records[i]) ~= "table" or words.is_node(records[i]) then
      report(resource.line, path, "option 'records' must be a list of tables, each with the fields of a record")
      return
    end
  end
  for i, record in ipairs(records) do
    for name, value in pairs(record) do
      local own = path .. "." .. i .. "." .. tostring(name)
      if type(name) ~= "string" then
        report(resource.line, path, "option 'records': record " .. i .. " has '" .. tostring(name)
          .. "' where the name of a field belongs")
      elseif names and not has(names, name) then
        report(0, own, "is no field" .. near.hint(name, names))
      elseif type(value) == "function" or words.is_node(value) then
        report(0, own, "holds what no record can have")
      end
    end
  end
end

local function check_shows(operation, names, path, report)
  for _, name in ipairs(names and type(operation.shows) == "table" and operation.shows or {}) do
    if not has(names, name) then
      report(operation.line, path, "option 'shows': '" .. tostring(name) .. "' is no field" .. near.hint(name, names))
    end
  end
end

--- @param resource table description
--- @param report function
function M.resource(resource, report)
  each_field(resource.shape, resource.name, function(field, path, depth)
    if field.example ~= nil then
      M.template(field.example, "example", { option = "example", line = field.line, path = path }, report)
      check_value(field, path, report)
    end
    if field.parent and depth > 0 then
      report(field.line, path, "option 'parent': what names a parent stands in the resource itself")
    end
  end, 0)
  M.template(resource.example, "example", { option = "example", line = resource.line, path = resource.name }, report)
  local names = names_of(resource)
  check_records(resource, names, report)
  local function check_operation(operation, path)
    for _, case in pairs(operation.cases or {}) do check_operation(case, path) end
    if not operation.line then return end
    local place = operation.name == "list" and "envelope of a list" or "envelope"
    M.template(operation.envelope, place, { option = "envelope", line = operation.line, path = path }, report)
    check_shows(operation, names, path, report)
  end
  for name, operation in pairs(resource.operations) do check_operation(operation, resource.name .. "." .. name) end
end

return M
