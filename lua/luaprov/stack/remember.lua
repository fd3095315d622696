--- What the state keeps of a record: what the vendor shows, without any secret, and salted hashes of what it does not
--- show or what is secret.
---
--- A row's `secrets`: path -> { sent = HASH or nil, shown = HASH or nil, secret = true or nil, owed = true or nil }.
--- `sent` is of what the manifest wanted and was sent (nil: nobody knows what the vendor has); `shown` of what the
--- vendor showed then, which may be masked. So a changed secret is seen on either side, and a mask is none. Without
--- `secret` it is a plain field that the vendor takes and does not show. What was declared as a secret stays one, also
--- where it is declared no more. `owed`: it was shown once, and did not get where an output was to go.
local core = require "luaprov.core"
local equal = require "luaprov.stack.equal"
local find = require "luaprov.stack.fields_of"
local hash = require "luaprov.stack.hash"
local hidden = require "luaprov.stack.hidden"
local json = require "luaprov.json"
local reference = require "luaprov.stack.reference"
local secret = require "luaprov.secret"

local M = {}

local NONE = {}

local encode_open = core.json.encode_open

-- Notes that what the keys up to `depth` name is left out: name -> true, or a table of the same.
local function omit(ctx, keys, depth)
  local at = ctx.omit or {}
  ctx.omit = at
  for i = 1, depth - 1 do
    local inner = at[keys[i]] or {}
    if inner == true then return end
    at[keys[i]] = inner
    at = inner
  end
  at[keys[depth]] = true
end

-- What may be kept of a record, as JSON. What has no JSON form is the store's to refuse.
local function shown_of(record, ctx) return encode_open(record, nil, ctx.omit) or record end

local function path_of(keys, depth)
  if depth == 1 then return tostring(keys[1]) end
  if depth == 2 then return tostring(keys[1]) .. "." .. tostring(keys[2]) end
  local parts = {}
  for i = 1, depth do parts[i] = tostring(keys[i]) end
  return table.concat(parts, ".")
end

local function is_shown(value)
  return value ~= nil and value ~= "" and value ~= json.null and type(value) ~= "table"
end

local function has_secret(value) return type(value) == "table" and hidden.within(value) end

local function note_one(ctx, path, field, value, other)
  if hidden.is_field(field) or has_secret(value) or has_secret(other) then
    local text = not reference.is(value) and hidden.text(value)
    local shown = not equal.is_nothing(other) and hidden.text(other)
    ctx.secrets[path] = {
      secret = true, sent = text and hash.salted(text), shown = shown and hash.salted(shown) or nil,
    }
    return true
  elseif equal.is_nothing(other) and not equal.is_nothing(value) then
    ctx.secrets[path] = { sent = hash.salted(hidden.text(value)) }
  end
end

-- keys up to `depth` - 1: where the walk is; outer: the scope of the tables around.
local function note(ctx, shape, wanted, there, depth, outer)
  local keys = ctx.keys
  local scope = { wanted, there, outer = outer }
  local map = find.map(shape, scope)
  for name, value in pairs(wanted) do
    local field, other = map[name], there[name]
    -- Otherwise the vendor shows what there is to be seen.
    if type(value) == "table" or not is_shown(other) or hidden.is_field(field) then
      keys[depth] = name
      if field and field.shape and type(value) == "table" and not secret.is(value) then
        local inner = type(other) == "table" and not secret.is(other) and other or NONE
        note(ctx, field.shape, value, inner, depth + 1, scope)
      elseif note_one(ctx, path_of(keys, depth), field, value, other) then
        omit(ctx, keys, depth)
      end
    end
  end
end

-- What is known of a secret that was not sent now.
local function again(entry, value)
  local copy = { secret = entry.secret, sent = entry.sent, shown = entry.shown, owed = entry.owed }
  -- One in doubt stays in doubt, whatever the vendor shows: see doubt.lua.
  local is_known = entry.secret and (entry.sent or entry.shown)
  local shown = is_known and not equal.is_nothing(value) and hidden.text(value)
  if shown and not (entry.shown and hash.matches(entry.shown, shown)) then copy.shown = hash.salted(shown) end
  return copy
end

--- After a record has been made, changed or adopted.
--- @param description table of a resource
--- @param wanted table|nil the fields that were sent, or declared and equal; nil: it was imported
--- @param record table as the client returned it
--- @param before table|nil secrets of the row that there was
--- @return string fields as JSON
--- @return table secrets
function M.of(description, wanted, record, before)
  local ctx = { secrets = {}, keys = {}, omit = nil }
  if wanted then note(ctx, description.shape, wanted, record, 1) end
  for path, entry in pairs(before or NONE) do
    local keys = find.keys(description, path)
    if entry.secret and not ctx.secrets[path] and reference.at(wanted, keys) == nil then
      ctx.secrets[path] = again(entry, reference.at(record, keys))
      omit(ctx, keys, #keys)
    end
  end
  return shown_of(record, ctx), ctx.secrets
end

--- After a record has been read again and nothing was sent: what was sent stays.
--- @param description table of a resource
--- @param row table fields, secrets
--- @param record table
--- @return string fields as JSON
--- @return table secrets
function M.again(description, row, record)
  local ctx, secrets = {}, {}
  for path, entry in pairs(row.secrets or NONE) do
    local keys = find.keys(description, path)
    secrets[path] = again(entry, reference.at(record, keys))
    if entry.secret then omit(ctx, keys, #keys) end
  end
  return shown_of(record, ctx), secrets
end

return M
