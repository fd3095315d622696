--- What the state keeps of a record: what the vendor shows, without any secret, and salted hashes of what it does not
--- show or what is secret.
---
--- A row's `secrets`: path -> { sent = HASH or nil, shown = HASH or nil, secret = true or nil }. `sent` is of what the
--- manifest wanted and was sent (nil: nobody knows what the vendor has); `shown` of what the vendor showed then, which
--- may be masked. So a changed secret is seen on either side, and a mask is none. Without `secret` it is a plain field
--- that the vendor takes and does not show. What was declared as a secret stays one, also where it is declared no more.
local equal = require "luaprov.stack.equal"
local find = require "luaprov.stack.fields_of"
local hash = require "luaprov.stack.hash"
local hidden = require "luaprov.stack.hidden"
local json = require "luaprov.json"
local reference = require "luaprov.stack.reference"
local secret = require "luaprov.secret"

local M = {}

local NONE = {}

--- A copy without secrets; a list with one is left out whole.
--- @param value any
--- @return any copy
local function open_part(value)
  if type(value) ~= "table" then return value end
  if secret.is(value) or json.is_array(value) and hidden.within(value) then return nil end
  local copy = setmetatable({}, getmetatable(value))
  for key, inner in pairs(value) do copy[key] = open_part(inner) end
  return copy
end

M.open = open_part

local function remove(fields, keys)
  for i = 1, #keys - 1 do
    fields = fields[keys[i]]
    if type(fields) ~= "table" then return end
  end
  fields[keys[#keys]] = nil
end

local function note(ctx, shape, wanted, there, around)
  local scope = { wanted, there, outer = around.scope }
  local map = find.map(shape, scope)
  for name, value in pairs(wanted) do
    local path = around.path == "" and tostring(name) or around.path .. "." .. tostring(name)
    local field, other = map[name], there[name]
    around.keys[around.depth] = name
    if field and field.shape and type(value) == "table" and not secret.is(value) then
      note(ctx, field.shape, value, type(other) == "table" and not secret.is(other) and other or NONE,
        { scope = scope, path = path, keys = around.keys, depth = around.depth + 1 })
    elseif hidden.is_field(field) or hidden.within(value) or hidden.within(other) then
      local text = not reference.is(value) and hidden.text(value)
      local shown = not equal.is_nothing(other) and hidden.text(other)
      ctx.secrets[path] = {
        secret = true, sent = text and hash.salted(text), shown = shown and hash.salted(shown) or nil,
      }
      remove(ctx.fields, around.keys)
    elseif equal.is_nothing(other) and not equal.is_nothing(value) then
      ctx.secrets[path] = { sent = hash.salted(hidden.text(value)) }
    end
    around.keys[around.depth] = nil
  end
end

-- What is known of a secret that was not sent now; it is taken out of what is shown.
local function again(fields, keys, entry, record)
  local copy = { secret = entry.secret, sent = entry.sent, shown = entry.shown }
  if not entry.secret then return copy end
  local at = reference.at(record, keys)
  local shown = not equal.is_nothing(at) and hidden.text(at)
  if shown and not (entry.shown and hash.matches(entry.shown, shown)) then copy.shown = hash.salted(shown) end
  remove(fields, keys)
  return copy
end

--- After a record has been made, changed or adopted.
--- @param description table of a resource
--- @param wanted table|nil the fields that were sent, or declared and equal; nil: it was imported
--- @param record table as the client returned it
--- @param before table|nil secrets of the row that there was
--- @return table fields
--- @return table secrets
function M.of(description, wanted, record, before)
  local ctx = { fields = open_part(record), secrets = {} }
  if wanted then note(ctx, description.shape, wanted, record, { path = "", keys = {}, depth = 1 }) end
  for path, entry in pairs(before or NONE) do
    local keys = find.keys(description, path)
    if entry.secret and not ctx.secrets[path] and reference.at(wanted, keys) == nil then
      ctx.secrets[path] = again(ctx.fields, keys, entry, record)
    end
  end
  return ctx.fields, ctx.secrets
end

--- After a record has been read again and nothing was sent: what was sent stays.
--- @param description table of a resource
--- @param row table fields, secrets
--- @param record table
--- @return table fields
--- @return table secrets
function M.again(description, row, record)
  local fields, secrets = open_part(record), {}
  for path, entry in pairs(row.secrets or NONE) do
    secrets[path] = again(fields, find.keys(description, path), entry, record)
  end
  return fields, secrets
end

return M
