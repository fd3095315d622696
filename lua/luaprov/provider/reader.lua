--- Reads what an answer had: secret fields become secrets, and spellings those of the documentation.
local digits = require "luaprov.digits"
local json = require "luaprov.json"
local secret = require "luaprov.secret"
local shapes = require "luaprov.provider.shape"

local M = {}

local NONE = {}

local function as_text(value) return type(value) == "number" and digits(value) or tostring(value) end

-- Everything in a value that the provider file calls secret, whatever it is.
local function closed(value)
  if value == json.null or secret.is(value) then return value end
  if type(value) ~= "table" then return secret.new(as_text(value)) end
  for key, inner in pairs(value) do value[key] = closed(inner) end
  return value
end

local read_table

local function read_value(field, value, scope)
  if value == json.null then return value end
  if field.type == "secret" or (field.of and field.of.type == "secret") then return closed(value) end
  if field.type == "choice" and type(value) ~= "table" then
    -- Where numbers stand for it, its own spelling may be one.
    if not field.codes and type(value) == "string" and field.values[value] ~= nil then return value end
    local text = as_text(value)
    if field.codes and field.codes[text] ~= nil then return field.codes[text] end
    for _, candidate in ipairs(field.value_list) do
      if tostring(candidate) == text then return candidate end
    end
  elseif type(value) == "table" and field.of then
    for i, item in ipairs(value) do value[i] = read_value(field.of, item, scope) end
  elseif type(value) == "table" and field.shape then
    return read_table(field.shape, value, scope)
  end
  return value
end

-- The variant of a table, by its own selectors or those of the tables around it.
local function case_of(by, scope)
  return (shapes.case(by, function(name)
    local around, value = scope, nil
    while around and value == nil do
      value = around.body[name]
      around = around.outer
    end
    return value
  end))
end

-- Shape -> the names of its fields, by themselves and in lower case.
local spellings = setmetatable({}, { __mode = "k", __index = function(made, shape)
  local spelled = {}
  for _, name in ipairs(shapes.names(shape)) do spelled[name:lower()] = name end
  for _, name in ipairs(shapes.names(shape)) do spelled[name] = name end
  made[shape] = spelled
  return spelled
end })

local function spell_keys(shape, body)
  local spelled, others = spellings[shape], nil
  for key in pairs(body) do
    if spelled[key] ~= key and type(key) == "string" then
      others = others or {}
      others[#others + 1] = key
    end
  end
  for _, key in ipairs(others or NONE) do
    local name = spelled[key:lower()]
    if name and body[name] == nil then body[name], body[key] = body[key], nil end
  end
end

-- Variants -> the secret fields of all of them: name -> field.
local secrets_of = setmetatable({}, { __mode = "k", __index = function(made, by)
  local secrets = {}
  for name, field in pairs(by.union) do secrets[name] = field.type == "secret" and field or nil end
  made[by] = secrets
  return secrets
end })

-- Plain fields are read before what may depend on them: variants, and tables within.
local function read_fields(shape, scope, done, open, later)
  local fields, body = shape.fields, scope.body
  for i = 1, #fields do
    local field = fields[i]
    local name, kind = field.name, field.type
    if kind ~= "secret" then open[name] = true end
    if not done[name] then
      done[name] = true
      local value = body[name]
      if value == nil then -- luacheck: ignore 542
        -- Nothing is to be read.
      elseif field.shape or field.of then later[#later + 1] = field
      elseif kind == "secret" or kind == "choice" then body[name] = read_value(field, value, scope) end
    end
  end
  for _, by in ipairs(shape.by) do
    local case = case_of(by, scope)
    if case then read_fields(case, scope, done, open, later) end
    -- Without a variant every field is read as some variant has it; with one, another's secrets are still closed.
    for name, field in pairs(case and secrets_of[by] or by.union) do
      local value = body[name]
      if value ~= nil and not done[name] then
        done[name] = true
        if field.shape or field.of then later[#later + 1] = field
        else body[name] = read_value(field, value, scope) end
      end
    end
  end
end

function read_table(shape, body, outer)
  if shape.any_case then spell_keys(shape, body) end
  local scope, later = { body = body, outer = outer, open = outer and outer.open or {} }, {}
  local open = {}
  scope.open[body] = open
  read_fields(shape, scope, {}, open, later)
  for _, field in ipairs(later) do body[field.name] = read_value(field, body[field.name], scope) end
  return body
end

-- Closes what has a secret's name and no shape has read as something else: a group that came as a list, another
-- variant's fields, a key in another case.
local function close_named(body, names, open)
  local known = open[body] or NONE
  for key, value in pairs(body) do
    local is_table = type(value) == "table"
    if is_table and secret.is(value) then
      is_table = false
    elseif not known[key] and type(key) == "string" and names[key:lower()] then
      body[key], is_table = closed(value), false
    end
    if is_table then close_named(value, names, open) end
  end
end

-- Whether a choice is one of texts that stand for themselves.
local function are_texts(field)
  for value in pairs(field.values) do
    if type(value) ~= "string" then return false end
  end
  return not field.codes
end

-- Of a shape: names (of its secrets, in lower case; nil: it has none), and of a flat one also read (the fields of which
-- something is to be read), as_is (of each of them, the values that stay what they are), open (name -> true of those
-- that are no secrets).
local plans = setmetatable({}, { __mode = "k" })

local function make_plan(shape)
  local plan, names = {}, {}
  for name in pairs(shapes.secret_names(shape, {})) do names[name:lower()] = true end
  plan.names = next(names) and names or nil
  if shape.is_flat and not shape.any_case then
    plan.read, plan.open, plan.as_is = {}, {}, {}
    for _, field in ipairs(shape.fields) do
      if field.type == "secret" or field.type == "choice" then
        plan.read[#plan.read + 1] = field
        plan.as_is[#plan.read] = field.type == "choice" and are_texts(field) and field.values or NONE
      end
      if field.type ~= "secret" then plan.open[field.name] = true end
    end
  end
  return plan
end

--- Makes a record of a table that an answer had, in place: secret fields become secrets, numbers that stand for a
--- choice become its spelling, keys in another case get theirs where the provider file says so.
--- @param shape table
--- @param body table
--- @return table body
function M.read(shape, body)
  local plan = plans[shape]
  if not plan then
    plan = make_plan(shape)
    plans[shape] = plan
  end
  local open
  if plan.read then
    local fields, as_is = plan.read, plan.as_is
    for i = 1, #fields do
      local field = fields[i]
      local value = body[field.name]
      if value ~= nil and as_is[i][value] == nil then body[field.name] = read_value(field, value) end
    end
    open = plan.names and { [body] = plan.open }
  else
    open = {}
    read_table(shape, body, { body = {}, open = open })
  end
  if plan.names then close_named(body, plan.names, open) end
  return body
end

return M
