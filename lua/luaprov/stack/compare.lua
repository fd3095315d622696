--- Compares what a manifest wants with what is there, field by field. Fields that are not declared are left alone: the
--- vendor's defaults and computed fields are no change.
---
---   compare.changes(description, wanted, there, options) -> list of changes
---   compare.drift(description, known, there, options)    -> list of changes: known is what the state has
---   compare.input(step)                                  -> table for client.RESOURCE:update
---   compare.without_later(description, fields)           -> fields without those of which nothing is known yet
---
--- `there` is a record as the client returns it (secrets closed) or a state row's `fields`. `options`: ignore (set of
--- paths), secrets (of the state row: path -> { sent, shown, secret }, see remember.lua), pending (function deferred ->
--- whether what it refers to is to be made or changed; nil: everything is).
---
--- A change: path ("configuration.name"), keys (the same as a list), old, new (nil: nothing), fixed (true or
--- "ignored"), secret ("changed", or "unknown": nobody knows what the vendor has; old and new are nil), later (`new`
--- is deferred: known at apply), unseen (the vendor does not show it: old is not known).
local equal = require "luaprov.stack.equal"
local find = require "luaprov.stack.fields_of"
local hash = require "luaprov.stack.hash"
local hidden = require "luaprov.stack.hidden"
local json = require "luaprov.json"
local reference = require "luaprov.stack.reference"
local secret = require "luaprov.secret"

local M = {}

local NONE = {}

local function plain_table(value)
  return type(value) == "table" and not secret.is(value) and not reference.is(value)
end

local function keys_with(keys, name)
  local longer = {}
  for i, key in ipairs(keys) do longer[i] = key end
  longer[#longer + 1] = name
  return longer
end

local function add(ctx, leaf, change)
  change.path, change.keys = leaf.path, keys_with(leaf.keys, leaf.name)
  change.fixed = leaf.fixed or leaf.field and (leaf.field.fixed or leaf.field.path) or nil
  ctx.list[#ctx.list + 1] = change
end

local function has_deferred(value)
  if type(value) ~= "table" or secret.is(value) then return false end
  local found = false
  reference.each(value, function() found = true end)
  return found
end

-- A value that is known only later. Where all that it refers to stays as it is, so does it, although nobody can tell
-- what it is (a secret that the vendor showed once).
local function compare_later(ctx, leaf, wanted, there, entry)
  -- Of a secret in doubt (see doubt.lua) nothing is kept: that the vendor shows one, or a mask, says nothing.
  local in_doubt = entry and entry.secret and not entry.sent and not entry.shown
  local is_there = entry and (entry.sent or not entry.secret) or not in_doubt and not equal.is_nothing(there)
  if ctx.pending and not ctx.pending(wanted) and is_there then return end
  local secretly = hidden.is_field(leaf.field) or entry and entry.secret or hidden.within(wanted)
  add(ctx, leaf, { new = not secretly and wanted or nil, later = true, secret = secretly and "changed" or nil,
                   old = not secretly and not secret.is(there) and there or nil })
end

local function compare_secret(ctx, leaf, wanted, there, entry)
  local text = hidden.text(wanted)
  local shown = not equal.is_nothing(there) and hidden.text(there) or nil
  if shown ~= nil and shown == text or text == nil then return end
  if not (entry and entry.sent) then
    if ctx.creating or not equal.is_nothing(wanted) then
      add(ctx, leaf, { secret = ctx.creating and "changed" or "unknown" })
    end
    return
  end
  local drifted = shown and entry.shown and not hash.matches(entry.shown, shown)
  if drifted or not hash.matches(entry.sent, text) then add(ctx, leaf, { secret = "changed" }) end
end

local function compare_leaf(ctx, leaf, wanted, there)
  local entry = ctx.secrets[leaf.path]
  if has_deferred(wanted) then return compare_later(ctx, leaf, wanted, there, entry) end
  if hidden.is_field(leaf.field) or entry and entry.secret or hidden.within(wanted) or hidden.within(there) then
    return compare_secret(ctx, leaf, wanted, there, entry)
  end
  if entry and equal.is_nothing(there) then
    -- The vendor takes it and does not show it.
    if not hash.matches(entry.sent, hidden.text(wanted)) then add(ctx, leaf, { new = wanted, unseen = true }) end
    return
  end
  if not equal.values(leaf.field, wanted, there) then
    if there == json.null then there = nil end
    add(ctx, leaf, { old = there, new = wanted })
  end
end

local function compare_table(ctx, shape, wanted, there, around)
  local scope = { wanted, there or NONE, outer = around.scope }
  local map = find.map(shape, scope)
  for name, value in pairs(wanted) do
    local other = there and there[name]
    local same = there and type(value) ~= "table" and value == other -- as most are
    local path = not same and (around.path == "" and tostring(name) or around.path .. "." .. tostring(name))
    local field = map[name]
    if not (same or ctx.ignore[path] or field and field.computed) then
      if field and field.shape and plain_table(value) then
        compare_table(ctx, field.shape, value, plain_table(other) and other or nil, {
          scope = scope, path = path, keys = keys_with(around.keys, name), fixed = around.fixed or field.fixed,
        })
      else
        compare_leaf(ctx, { field = field, name = name, path = path, keys = around.keys, fixed = around.fixed }, value,
          other)
      end
    end
  end
end

local function by_path(a, b) return a.path < b.path end

local ROOT = { path = "", keys = {} }

--- @param description table of a resource
--- @param wanted table fields of a manifest's record, with what is known filled in
--- @param there table|nil nil: nothing, all is new
--- @param options table|nil
--- @return table[] changes sorted by path
function M.changes(description, wanted, there, options)
  options = options or NONE
  local ctx = {
    list = {}, ignore = there and options.ignore or NONE, secrets = there and options.secrets or NONE,
    pending = there and options.pending or nil, creating = there == nil,
  }
  compare_table(ctx, description.shape, wanted, there, ROOT)
  if #ctx.list > 1 then table.sort(ctx.list, by_path) end
  return ctx.list
end

-- ---- drift ----

local function drift_leaf(ctx, leaf, known, there)
  local entry = ctx.secrets[leaf.path]
  if hidden.is_field(leaf.field) or entry and entry.secret or hidden.within(there) or hidden.within(known) then
    local shown = not equal.is_nothing(there) and hidden.text(there)
    if shown and entry and entry.shown and not hash.matches(entry.shown, shown) then
      add(ctx, leaf, { secret = "changed" })
    end
  elseif not equal.values(leaf.field, known, there) or not equal.values(leaf.field, there, known) then
    if there == json.null then there = nil end
    if known == json.null then known = nil end
    -- What is declared as a secret is one, whatever the vendor takes it for.
    local secretly = ctx.wanted and hidden.within(reference.at(ctx.wanted, keys_with(leaf.keys, leaf.name)))
    add(ctx, leaf, secretly and { secret = "changed" } or { old = known, new = there })
  end
end

local function drift_table(ctx, shape, known, there, around)
  local scope, seen = { there, known, outer = around.scope }, {}
  local map = find.map(shape, scope)
  for _, side in ipairs { known, there } do
    for name in pairs(side) do
      if not seen[name] then
        seen[name] = true
        local path = around.path == "" and tostring(name) or around.path .. "." .. tostring(name)
        local field = map[name]
        local a, b = known[name], there[name]
        if field and not field.computed and not ctx.ignore[path] then
          if field.shape and (plain_table(a) or plain_table(b)) then
            drift_table(ctx, field.shape, plain_table(a) and a or NONE, plain_table(b) and b or NONE,
              { scope = scope, path = path, keys = keys_with(around.keys, name) })
          else
            drift_leaf(ctx, { field = field, name = name, path = path, keys = around.keys }, a, b)
          end
        end
      end
    end
  end
end

--- What was changed at the vendor since the state was written: settable fields, declared or not.
--- @param description table of a resource
--- @param known table a state row's fields
--- @param there table the record
--- @param options table|nil ignore, secrets, wanted (fields as they are declared today)
--- @return table[] changes old: as the state has it, new: as the vendor has it now
function M.drift(description, known, there, options)
  options = options or NONE
  local ctx = { list = {}, ignore = options.ignore or NONE, secrets = options.secrets or NONE, wanted = options.wanted }
  drift_table(ctx, description.shape, known, there, ROOT)
  table.sort(ctx.list, by_path)
  return ctx.list
end

-- ---- update ----

-- A group that an update replaces whole: what is not declared, or is ignored, stays as the vendor has it.
local function whole_group(field, wanted, there, scope, path, ignore)
  if not plain_table(there) then return wanted end
  local inner = { wanted, there, outer = scope }
  local map, group = find.map(field.shape, inner), {}
  for name, value in pairs(wanted) do group[name] = value end
  for name, value in pairs(there) do
    local member = map[name]
    local left_alone = wanted[name] == nil or ignore[path .. "." .. tostring(name)]
    -- A secret that the vendor shows may be a mask.
    local sendable = member and not (member.computed or hidden.within(value))
    if left_alone and sendable and value ~= json.null then group[name] = value end
  end
  return group
end

-- Puts the part of `wanted` that a change lies in into an update: the field itself, or the group around it that is
-- replaced whole.
local function put(step, change, input)
  local shape, scope, from, there, into = step.description.shape, nil, step.fields, step.there, input
  for i, key in ipairs(change.keys) do
    scope = { from, there or NONE, outer = scope }
    local field = find.map(shape, scope)[key]
    local other = plain_table(there) and there[key] or nil
    if i == #change.keys or not (field and field.shape) then
      into[key] = from[key]
      return
    elseif field.shape.whole then
      local path = table.concat(change.keys, ".", 1, i)
      into[key] = whole_group(field, from[key], other, scope, path, step.record and step.record.ignore or NONE)
      return
    end
    into[key] = into[key] or {}
    shape, from, there, into = field.shape, from[key], other, into[key]
  end
end

--- The fields that an update has to send.
--- @param step table of a plan: description, changes, fields (with nothing deferred left in them), there, record
--- @return table input
function M.input(step)
  local input = {}
  for _, change in ipairs(step.changes) do put(step, change, input) end
  return input
end

-- ---- what is known ----

local function known_in(shape, fields, outer)
  local scope, kept = { fields, outer = outer }, setmetatable({}, getmetatable(fields))
  local map = find.map(shape, scope)
  for name, value in pairs(fields) do
    local field = map[name]
    if field and field.shape and plain_table(value) then kept[name] = known_in(field.shape, value, scope)
    elseif not has_deferred(value) then kept[name] = value end
  end
  return kept
end

--- @param description table of a resource
--- @param fields table
--- @return table fields a copy; a list is left out whole
function M.without_later(description, fields) return known_in(description.shape, fields) end

return M
