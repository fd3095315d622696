--- What a manifest declares of a record: settable fields with something in them, no secret, parents by name.
---
--- An entry: { name, text (Lua), note } or { name, entries } (a group), or { note } alone: a comment.
local equal = require "luaprov.stack.equal"
local fields_of = require "luaprov.provider.fields"
local hidden = require "luaprov.stack.hidden"
local json = require "luaprov.json"
local literal = require "luaprov.stack.literal"
local secret = require "luaprov.secret"
local shapes = require "luaprov.provider.shape"
local digits = require "luaprov.digits"
local tables = require "luaprov.tables"
local texts = require "luaprov.text"

local M = {}

-- Stands for what is no plain value, where fields are checked.
local LATER = secret.new "later"
local MARKS = { [LATER] = true }

local function selected(name, scope)
  while scope do
    local value = scope.record[name]
    if value ~= nil then return value end
    scope = scope.outer
  end
end

-- The fields of a table in its variant, in the order of the file. What a variant passes on is settable where another
-- one says so, or where the record is recognised by it.
local function ordered(description, shape, scope, list, seen)
  local function add(field)
    if not seen[field.name] then list[#list + 1] = field end
    seen[field.name] = true
  end
  for _, field in ipairs(shape.fields) do add(field) end
  for _, by in ipairs(shape.by) do
    local case = shapes.case(by, function(name) return selected(name, scope) end)
    if case then ordered(description, case, scope, list, seen) end
    for _, name in ipairs(case and case.unknown == "pass" and tables.keys(by.union) or {}) do
      add({ name = name, type = by.union[name].type == "secret" and "secret" or nil,
            computed = by.union[name].computed })
    end
    for _, name in ipairs(case and case.unknown == "pass" and not scope.outer and description.key or {}) do
      add({ name = name })
    end
  end
  return list
end

-- As the provider file writes it, where the vendor spells it otherwise.
local function spelled(field, value)
  if type(value) == "table" then return value end
  if field.type == "integer" and type(value) == "string" and field.sent_as ~= "string" then
    local number = tonumber(value)
    return number and digits(number) == value and number or value
  elseif field.type == "boolean" and (value == "true" or value == "false") then
    return value == "true"
  elseif field.type == "boolean" and (value == "1" or value == "0" or value == 1 or value == 0) then
    return tostring(value) == "1"
  elseif (field.type == "text" or field.type == "url") and type(value) == "number" then
    return digits(value)
  elseif field.type == "text" and type(value) == "boolean" then
    return tostring(value)
  end
  return value
end

-- A value with placeholders for the secrets in it.
local function with_placeholders(ctx, value, path)
  if secret.is(value) then
    return LATER, ctx.placeholder(path)
  end
  if type(value) ~= "table" then return value, literal.value(value) end
  local parts, copy = {}, setmetatable({}, getmetatable(value))
  local is_list = json.is_array(value)
  for i, key in ipairs(is_list and value or tables.keys(value)) do
    if is_list then key = i end
    local own, text = with_placeholders(ctx, value[key], path .. "_" .. tostring(key))
    if not text then return nil end
    copy[key], parts[i] = own, (is_list and "" or literal.key(key) .. " = ") .. text
  end
  return copy, "{ " .. table.concat(parts, ", ") .. " }"
end

local function hidden_field(ctx, field, value, path)
  local why = value == nil and "a secret, which the vendor does not show" or "a secret, and not written here"
  if value ~= nil and hidden.text(value) == "" then
    -- The vendor shows that there is none.
    if not field.required then return nil end
  elseif not field.required then
    return { note = path .. " is " .. why }
  end
  if type(value) == "table" and not secret.is(value) then
    local checked, text = with_placeholders(ctx, value, path)
    if text then return { name = field.name, text = text }, checked end
    return { note = path .. " has a value that Lua cannot write" }
  end
  return { name = field.name, text = ctx.placeholder(path), note = why }, LATER
end

local function reference_to(ctx, field, value)
  if not field.parent or type(value) ~= "string" and type(value) ~= "number" then return nil end
  return ctx.reference(field.parent, value)
end

local function has_mark(value)
  if type(value) == "string" then return value:find("<secret>", 1, true) ~= nil end
  for key, inner in pairs(type(value) == "table" and value or {}) do
    if has_mark(key) or has_mark(inner) then return true end
  end
  return false
end

local table_of

-- One field as an entry and as what is checked of it; nothing where nothing is to be declared.
local function entry_of(ctx, field, scope, path)
  local value = scope.record[field.name]
  if ctx.skip[path] then return { note = path .. " is left out: it " .. ctx.skip[path] } end
  if field.computed or path == "id" or path == ctx.description.id then return nil end
  if hidden.is_field(field) or not field.shape and hidden.within(value) then
    return hidden_field(ctx, field, value, path)
  end
  local text = reference_to(ctx, field, value)
  if text then return { name = field.name, text = text }, LATER end
  if value == nil or value == json.null then return nil end
  if not field.required then
    if equal.is_nothing(value) then return nil end
    if field.default ~= nil and equal.values(field, field.default, value) then return nil end
  end
  if field.shape and type(value) == "table" then
    local entries, checked = table_of(ctx, field.shape, { record = value, outer = scope }, path .. ".")
    if next(checked) == nil and not entries[1] and not field.required then return nil end
    return { name = field.name, entries = entries }, next(checked) ~= nil and checked or {}
  end
  value = spelled(field, value)
  if has_mark(value) then return { note = path .. " is left out: the vendor hides a part of it" } end
  text = literal.value(value)
  if not text then return { note = path .. " is left out: Lua cannot write its value" } end
  return { name = field.name, text = text }, value
end

function table_of(ctx, shape, scope, prefix)
  local entries, checked = {}, {}
  for _, field in ipairs(ordered(ctx.description, shape, scope, {}, {})) do
    local entry, value = entry_of(ctx, field, scope, prefix .. field.name)
    if entry then
      entries[#entries + 1] = entry
      if entry.note then entry.note = texts.plain(entry.note) end
      if entry.name then checked[field.name] = value end
    end
  end
  return entries, checked
end

local function check(ctx, checked)
  return fields_of.check(ctx.description.shape, checked, { operation = "create", marks = MARKS }).faults
end

-- The field that a fault stands for, in a path of a record: without the place in a list.
local function place_of(fault) return (fault.path:gsub("%[.*$", "")) end

--- @param ctx table description, reference (function resource, id -> Lua text or nil), placeholder (function path ->
---   Lua text that stands for a secret)
--- @param record table
--- @return table[]|nil entries nil: a manifest cannot declare it
--- @return string|nil why
function M.of(ctx, record)
  ctx.skip = {}
  local scope = { record = record }
  local entries, checked = table_of(ctx, ctx.description.shape, scope, "")
  local faults = check(ctx, checked)
  if not faults[1] then return entries end
  -- What the vendor has and a create would not take is left out, where it can be.
  for _, fault in ipairs(faults) do
    if fault.problem ~= "required" then ctx.skip[place_of(fault)] = fault.message end
  end
  entries, checked = table_of(ctx, ctx.description.shape, scope, "")
  faults = check(ctx, checked)
  if not faults[1] then return entries end
  local why = {}
  for i, fault in ipairs(faults) do
    why[i] = fault.path .. " " .. (ctx.skip[fault.path] or fault.problem == "required" and "is not shown by the vendor"
      or fault.message)
  end
  return nil, texts.plain(table.concat(why, ", "))
end

return M
