--- Judges what a manifest has declared, all of it, before anything is sent.
---
--- After it each record of `ctx.records` has: fields (references whose value the manifest itself has are filled in),
--- needs (addresses that must exist first, sorted), protect, ignore (set of paths), outputs (list of { path, keys,
--- kind, target }), key. What is wrong is noted by ctx.fault.
local declare = require "luaprov.stack.declare"
local fields = require "luaprov.provider.fields"
local find = require "luaprov.stack.fields_of"
local graph = require "luaprov.stack.graph"
local hidden = require "luaprov.stack.hidden"
local keys = require "luaprov.stack.key"
local near = require "luaprov.near"
local reference = require "luaprov.stack.reference"
local secret = require "luaprov.secret"
local tables = require "luaprov.tables"
local template = require "luaprov.provider.template"

local M = {}

local CYCLES = 20 -- that are told
local NEIGHBOURS = 500 -- addresses among which the one that was meant is looked for

-- Stands for what is known later, where fields are checked.
local LATER = secret.new "later"
local CREATE = { operation = "create", marks = { [LATER] = true } }

local function not_declared(ctx, address)
  local family, names = address:match("^[^.]*%.[^.]*%."), {}
  for _, node in ipairs(ctx.records) do
    if #names >= NEIGHBOURS then break end
    if not family or node.address:sub(1, #family) == family then names[#names + 1] = node.address end
  end
  return "there is no record " .. address .. near.hint(address, names, 5)
end

local FEW = 16

local function need(node, address)
  local needs = node.needs
  if #needs < FEW then
    for i = 1, #needs do
      if needs[i] == address then return end
    end
  elseif not node.needed then
    node.needed = {}
    for _, other in ipairs(needs) do node.needed[other] = true end
  end
  if node.needed then
    if node.needed[address] then return end
    node.needed[address] = true
  end
  needs[#needs + 1] = address
end

-- ---- references ----

local function check_reference(ctx, node, part, deferred)
  if part.address == declare.NOWHERE then return end
  local target = ctx.record[part.address]
  if not target then
    ctx.fault(part.line, not_declared(ctx, part.address), node.address)
    return
  end
  local field, fault = find.find(target.description, part.path)
  if fault then
    ctx.fault(part.line, part.address .. " is no record with " .. reference.path_text(part.path) .. ": " .. fault,
      node.address)
  elseif hidden.is_field(field) or hidden.within(reference.at(target.fields, part.path)) then
    reference.close(deferred)
  end
  if not fault and field and field.type == "secret" and not field.computed
    and reference.at(target.fields, part.path) == nil then
    ctx.fault(part.line, part.address .. " has no " .. reference.path_text(part.path), node.address)
  end
  need(node, part.address)
end

-- node.deferred: the places of what is known later, a table and a key each, one after the other.
local function check_references(ctx, node)
  local places = node.deferred or {}
  for i = 1, #places, 2 do
    local deferred = places[i][places[i + 1]]
    for _, part in ipairs(reference.parts(deferred)) do
      if type(part) == "table" then check_reference(ctx, node, part, deferred) end
    end
  end
end

-- What the manifest itself says of a field, in the order of the references.
local function fill_known(ctx, node)
  local places, left = node.deferred, {}
  local function lookup(address, path)
    local target = ctx.record[address]
    local value = target and reference.at(target.fields, path)
    if value == nil or reference.is(value) or (type(value) == "table" and not secret.is(value)) then return nil end
    return value
  end
  for i = 1, #places, 2 do
    local into, key = places[i], places[i + 1]
    into[key] = reference.fill(into[key], lookup)
    if reference.is(into[key]) then
      left[#left + 1] = into
      left[#left + 1] = key
    end
  end
  node.deferred = left[1] and left or nil
end

-- ---- options ----

local OPTIONS = { "protect", "ignore", "depends_on", "outputs" }

local readers = {}

-- Of whatever types.
local function sorted_keys(value)
  local keys_there = {}
  for key in pairs(value) do keys_there[#keys_there + 1] = key end
  table.sort(keys_there, function(a, b) return tostring(a) < tostring(b) end)
  return keys_there
end

function readers.protect(_, node, value)
  if type(value) ~= "boolean" then return "must be true or false" end
  node.protect = value
end

function readers.ignore(_, node, value)
  if type(value) ~= "table" then return "must be a list of fields" end
  node.ignore = {}
  for key, name in pairs(value) do
    if type(key) ~= "number" or type(name) ~= "string" then return "must be a list of fields" end
    local _, fault = find.find(node.description, find.keys(node.description, name))
    if fault then return fault end
    node.ignore[name] = true
  end
end

function readers.depends_on(ctx, node, value)
  local list = (type(value) == "string" or reference.is_handle(value)) and { value } or value
  if type(list) ~= "table" or reference.is(list) then return "must be a list of records" end
  for key, item in pairs(list) do
    local address = reference.is_handle(item) and reference.address(item) or item
    if type(key) ~= "number" or type(address) ~= "string" then return "must be a list of records" end
    if address ~= declare.NOWHERE then
      if not ctx.record[address] then return not_declared(ctx, address) end
      need(node, address)
    end
  end
end

-- The same file in one spelling, as far as a path alone says it: no links are looked at.
local function place_of(path)
  local parts = {}
  for part in path:gmatch("[^/]+") do
    if part == ".." and parts[1] and parts[#parts] ~= ".." then parts[#parts] = nil
    elseif part ~= "." then parts[#parts + 1] = part end
  end
  return (path:find("^/") and "/" or "") .. table.concat(parts, "/")
end

function readers.outputs(ctx, node, value)
  local wanted = 'must be a table of fields: { apiKey = file "PATH" } or command { "WORD", … }'
  if type(value) ~= "table" then return wanted end
  node.outputs = {}
  for _, path in ipairs(sorted_keys(value)) do
    local target = value[path]
    if type(path) ~= "string" or not declare.is_destination(target) then return wanted end
    local path_keys = find.keys(node.description, path)
    local _, fault = find.find(node.description, path_keys)
    if fault then return fault end
    local place = target.kind == "file" and place_of(target.target)
    if place and ctx.places[place] then return "two outputs go to " .. place .. ": this and that of "
      .. ctx.places[place] end
    if place then ctx.places[place] = node.address end
    node.outputs[#node.outputs + 1] = { path = path, keys = path_keys, kind = target.kind, target = target.target }
  end
end

local function check_options(ctx, node)
  if next(node.options) == nil then
    node.options = nil
    return
  end
  for _, name in ipairs(sorted_keys(node.options)) do
    local reader = readers[name]
    local fault = not reader and "is unknown" .. near.hint(tostring(name), OPTIONS)
      or reader and reader(ctx, node, node.options[name])
    if fault then ctx.fault(node.line, "option " .. tostring(name) .. ": " .. fault, node.address) end
  end
  node.options = nil
end

-- ---- fields ----

-- What could not be had and is told counts as given.
local function as_given(ctx, value)
  if secret.is(value) or reference.is(value) then return value end
  if type(value) == "string" and value:find(ctx.missing, 1, true) then return LATER end
  if type(value) ~= "table" then return value end
  local into = setmetatable({}, getmetatable(value))
  for key, inner in pairs(value) do into[key] = as_given(ctx, inner) end
  return into
end

-- So does what is known later; it is put back afterwards.
local function without_deferred(node, check)
  local places, taken = node.deferred or {}, {}
  for i = 1, #places, 2 do
    local into, key = places[i], places[i + 1]
    taken[i], into[key] = into[key], LATER
  end
  local result = check()
  for i = 1, #places, 2 do places[i][places[i + 1]] = taken[i] end
  return result
end

local function checked_fields(ctx, node)
  return fields.check(node.description.shape, ctx.has_missing and as_given(ctx, node.fields) or node.fields, CREATE)
end

local function check_fields(ctx, node)
  local checked
  if node.deferred then checked = without_deferred(node, function() return checked_fields(ctx, node) end)
  else checked = checked_fields(ctx, node) end
  for _, fault in ipairs(checked.faults) do ctx.fault(node.line, fault.message, node.address, fault.path) end
  for name, value in pairs(checked.parents) do
    if value ~= LATER then
      local part, fault = template.path_part(value)
      if not part then ctx.fault(node.line, fault, node.address, name) end
    end
  end
end

local function check_create(ctx, node)
  local operations = node.description.operations
  if operations.create then return end
  ctx.fault(node.line, node.provider .. " " .. node.resource .. " cannot be created: the provider has "
    .. table.concat(tables.keys(operations), ", ") .. " only", node.address)
end

-- Two aliases may be one account: then their calls are counted together.
local function account_of(ctx, node)
  local account, identity = ctx.account[node.alias], ctx.identity
  if not identity[account] then identity[account] = account.state and account.state.limiter() or account end
  return identity[account]
end

local function check_key(ctx, node)
  local key = keys.symbolic(node.description, node.fields)
  if not key then return end
  local account, description = account_of(ctx, node), node.description
  ctx.keys[account] = ctx.keys[account] or {}
  ctx.keys[account][description] = ctx.keys[account][description] or {}
  local by_key = ctx.keys[account][description]
  local other = by_key[key]
  if other then
    ctx.fault(node.line, "has the key of " .. other.address .. " (line " .. other.line .. "): "
      .. keys.shown(node.description, node.fields), node.address)
  else
    by_key[key] = node
  end
end

local function cycle_text(cycle)
  local out = {}
  for i, address in ipairs(cycle) do out[i] = address end
  out[#out + 1] = cycle[1]
  return table.concat(out, " -> ")
end

local function without(list, item)
  local rest = {}
  for _, other in ipairs(list) do
    if other ~= item then rest[#rest + 1] = other end
  end
  return rest
end

-- The records in an order in which each comes after what it needs; where there is none, cycles are told, and the order
-- is one without a link of each: what else is wrong is found all the same.
local function ordered(ctx)
  local ids, needs = {}, {}
  for i, node in ipairs(ctx.records) do
    ids[i] = node.address
    needs[node.address] = node.needs
  end
  for _ = 1, CYCLES do
    local order, cycle = graph.order(ids, needs)
    if order then return order end
    local first = ctx.record[cycle[1]]
    ctx.fault(first.line, "the records need one another: " .. cycle_text(cycle), first.address)
    needs[cycle[1]] = without(needs[cycle[1]], cycle[2] or cycle[1])
  end
end

--- Judges the fields and the keys alone: also those of a manifest that broke off.
--- @param ctx table of manifest.lua
function M.fields(ctx)
  ctx.keys, ctx.identity = {}, {}
  for _, node in ipairs(ctx.records) do
    check_create(ctx, node)
    if not node.broken then
      check_fields(ctx, node)
      check_key(ctx, node)
    end
  end
end

--- @param ctx table of manifest.lua
function M.check(ctx)
  ctx.places = {}
  for _, node in ipairs(ctx.records) do
    check_references(ctx, node)
    check_options(ctx, node)
    node.needed = nil
    if node.needs[2] then table.sort(node.needs) end
  end
  ctx.order = ordered(ctx)
  for _, address in ipairs(ctx.order or {}) do
    local node = ctx.record[address]
    if node.deferred and not node.broken then fill_known(ctx, node) end
  end
  M.fields(ctx)
end

return M
