--- What was there before: the ids that had a record's key already. One list a collection, before its first create.
local checks = require "luaprov.provider.fields"
local compare = require "luaprov.policy.compare"
local json = require "luaprov.json"
local runtime = require "luaprov.runtime"
local secret = require "luaprov.secret"
local settling = require "luaprov.provider.settling"

local M = {}

local Noted = {}
Noted.__index = Noted

--- @return table noted
function M.new() return setmetatable({ collections = {} }, Noted) end

local function collection_key(alias, description, parents)
  if not description.shape.paths[1] then return alias .. "\0" .. description.name end
  local parts = { alias, description.name }
  for _, name in ipairs(description.shape.paths) do
    parts[#parts + 1] = parents[name] ~= nil and compare.id(parents[name]) or ""
  end
  return table.concat(parts, "\0")
end

-- What a value can be looked up by: two texts that may be one begin alike, whatever a vendor makes of their case and
-- of what stands between their letters. nil: by nothing.
local function first_of(value)
  if type(value) ~= "string" or tonumber(value) or value == "true" or value == "false" then return nil end
  return compare.fold(value):sub(1, 1)
end

local function index_field(description)
  for _, name in ipairs(description.key) do
    local field = description.shape.by_name[name]
    if field and field.type == "text" then return name end
  end
end

local function read(collection, pages)
  local description, by = collection.description, collection.by
  return pages(function(record)
    local entry = { id = record.id }
    for _, name in ipairs(description.key) do entry[name] = record[name] end
    collection.known[compare.id(record.id)] = true
    local first = by and first_of(record[by]) or ""
    local list = collection.entries[first]
    if list then list[#list + 1] = entry else collection.entries[first] = { entry } end
  end)
end

local function may_have(description, wanted, entry)
  for _, name in ipairs(description.key) do
    local sent, there = wanted[name], entry[name]
    if sent ~= nil then
      local field = description.shape.by_name[name]
      if not compare.alike(field, sent, there) and not compare.begins(field, sent, there) then return false end
    end
  end
  return true
end

local function add_matching(ids, collection, wanted, list)
  for _, entry in ipairs(list or {}) do
    -- What is gone since is not there.
    local is_there = collection.known[compare.id(entry.id)]
    if is_there and may_have(collection.description, wanted, entry) then ids[#ids + 1] = entry.id end
  end
end

-- The key's part of what is sent, its secrets closed.
local function key_of(description, checked)
  local part, sent = { wire = {}, parents = {}, opened = checked.opened }, checks.wire(checked)
  for _, name in ipairs(description.key) do
    part.wire[name], part.parents[name] = sent[name], checked.parents[name]
  end
  return settling.wanted(part)
end

-- A key that is cut to nothing, or shown otherwise, stands where nothing can be looked up.
local function ids_of(collection, checked)
  local ids = json.array {}
  if next(collection.entries) == nil then return ids end
  local wanted = key_of(collection.description, checked)
  local sent = collection.by and wanted[collection.by]
  local first = not secret.is(sent) and first_of(sent) or nil
  if not first then
    for _, list in pairs(collection.entries) do add_matching(ids, collection, wanted, list) end
  else
    add_matching(ids, collection, wanted, collection.entries[first])
    if first ~= "" then add_matching(ids, collection, wanted, collection.entries[""]) end
  end
  return ids
end

-- Reads it, unless it is read; of many at once one lists.
local function ensure_read(collection, pages)
  return runtime.share(collection, function()
    if collection.read then return true end
    collection.entries, collection.known, collection.gone = {}, {}, {}
    local done, why = read(collection, pages)
    for id in pairs(collection.gone) do collection.known[id] = nil end
    collection.read = done and true
    return done, why
  end)
end

--- Which ids had the key of a record before.
--- @param alias string the account
--- @param resource luaprov.Resource
--- @param checked table what is to be created, of resource.check
--- @return table|nil note ids (a list), known (set of all that were there: what is made since goes in); false: the
---   provider has no way to look
--- @return luaprov.Error|nil err
function Noted:of(alias, resource, checked)
  local description, parents = resource.description, checked.parents
  local key = collection_key(alias, description, parents)
  local collection = self.collections[key]
  if not collection or not collection.read then
    local pages = settling.looks(resource, parents)
    if not pages then return false end
    if not collection then
      collection = { description = description, by = index_field(description), entries = {}, known = {}, gone = {} }
      self.collections[key] = collection
    end
    local ok, err = ensure_read(collection, pages)
    if not ok then return nil, err end
  end
  return { ids = ids_of(collection, checked), known = collection.known }
end

--- A record is gone: its id may be that of a new one.
--- @param alias string
--- @param description table of its resource
--- @param parents table|nil
--- @param id string|number
function Noted:remove(alias, description, parents, id)
  local collection = self.collections[collection_key(alias, description, parents or {})]
  if not collection then return end
  id = compare.id(id)
  collection.known[id] = nil
  -- Whoever lists it at this moment may have been told of it.
  if not collection.read then collection.gone[id] = true end
end

return M
