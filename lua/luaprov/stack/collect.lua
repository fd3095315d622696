--- Everything that a vendor has for an account, as far as it can be listed.
---
---   local records, notes, errors = collect.records { client = client, provider = description }
---
--- records: resource -> list of records, whole (read one by one where the list shows a part of them). notes: list of
--- { resource, message, parent }: what cannot be listed; with `parent` (the name of a path's part) only because nobody
--- has said whose records are meant. errors: list of { resource, id, err }: what could not be read.
local collections = require "luaprov.stack.collection"
local compare = require "luaprov.policy.compare"
local digits = require "luaprov.digits"
local graph = require "luaprov.stack.graph"
local identity = require "luaprov.provider.identity"
local runtime = require "luaprov.runtime"
local tables = require "luaprov.tables"

local M = {}

local NONE = {}

--- The resources of a provider, each after those whose records its own belong to; in the file's order where they need
--- one another.
--- @param provider table description
--- @return table[] descriptions
function M.order(provider)
  local names, needs = {}, {}
  for i, description in ipairs(provider.resources) do
    names[i], needs[description.name] = description.name, {}
    for _, field in ipairs(description.shape.fields) do
      if field.parent and field.parent ~= description.name then table.insert(needs[description.name], field.parent) end
    end
  end
  local order = graph.order(names, needs) or names
  for i, name in ipairs(order) do order[i] = provider.resource[name] end
  return order
end

local function note(ctx, resource, message, parent)
  ctx.notes[#ctx.notes + 1] = { resource = resource, message = message, parent = parent }
end

local function list_of(client, name)
  local resource = collections.resource(client, name)
  return resource and collections.operation(resource, "list"), resource
end

-- Whether nobody but the caller can know the values of a path's part: no records that can be listed have it as an id.
local function has_to_be_said(client, description, name)
  local field = description.shape.by_name[name]
  local parent = field and field.parent
  return not parent or parent == description.name or not list_of(client, parent)
end

--- The parts of paths that have to be said for everything to be listed.
--- @param client luaprov.Client
--- @param provider table description
--- @return string[] names sorted
function M.to_say(client, provider)
  local names = {}
  for _, description in ipairs(provider.resources) do
    local list, resource = list_of(client, description.name)
    for _, name in ipairs(list and collections.names(resource, list) or NONE) do
      if has_to_be_said(client, description, name) then names[name] = true end
    end
  end
  return tables.keys(names)
end

local function with(parents, name, value, record)
  local copy = {}
  for other, there in pairs(parents) do copy[other] = there end
  copy[name] = value
  -- A parent that belongs to another one itself says which.
  for other, there in pairs(record or NONE) do copy[other] = there end
  return copy
end

local function fits(parents, own)
  for name, value in pairs(own) do
    if parents[name] ~= nil and compare.id(parents[name]) ~= compare.id(value) then return false end
  end
  return true
end

-- The parents of all collections of a resource: a list; nil where they cannot be known, why, and what has to be said.
local function places(ctx, resource, names)
  local own_description, list = resource.description, { {} }
  for _, name in ipairs(names) do
    local field, more = own_description.shape.by_name[name], {}
    local said = has_to_be_said(ctx.client, own_description, name)
    local parent = not said and field.parent
    if parent and not ctx.records[parent] then
      return nil, "the " .. parent .. " that they belong to are not known"
    elseif said and not ctx.parents[name] then
      return nil, "whose they are has to be said: " .. name, name
    end
    for _, parents in ipairs(list) do
      if parents[name] ~= nil then
        more[#more + 1] = parents
      elseif parent then
        local description = ctx.provider.resource[parent]
        for _, record in ipairs(ctx.records[parent]) do
          local own = collections.parents(description, nil, record)
          if fits(parents, own) then more[#more + 1] = with(parents, name, record.id, own) end
        end
      else
        for _, value in ipairs(ctx.parents[name]) do more[#more + 1] = with(parents, name, value) end
      end
    end
    list = more
  end
  return list
end

-- A field that no record is without, and that the list does not show.
local function lacks_required(shape, record)
  for _, field in ipairs(shape.fields) do
    local shown = field.required and not (field.computed or field.path or field.type == "secret")
    if shown and record[field.name] == nil then return true end
  end
  return false
end

local function read_whole(ctx, resource, listed)
  local description = resource.description
  local read, stopped = runtime.map(listed, function(record)
    local whole, err = collections.get(resource, record.id, collections.parents(description, nil, record))
    if err then
      ctx.errors[#ctx.errors + 1] = { resource = description.name, id = record.id, err = err }
    elseif whole then
      ctx.read = ctx.read + 1
      if ctx.on_progress then ctx.on_progress(ctx.read, description.name) end
    end
    return whole or false
  end, { concurrency = ctx.concurrency })
  local records = {}
  for i, record in ipairs(listed) do
    -- What is gone meanwhile is none.
    if read[i] then records[#records + 1] = read[i] end
    if stopped[i] then
      ctx.errors[#ctx.errors + 1] = { resource = description.name, id = record.id, err = stopped[i] }
    end
  end
  return records
end

local function collect(ctx, description)
  local name = description.name
  local list, resource = list_of(ctx.client, name)
  if not list then return note(ctx, name, "cannot be listed: the provider has no list of them") end
  local where, why, unsaid = places(ctx, resource, collections.names(resource, list))
  if not where then return note(ctx, name, "cannot be listed: " .. why, unsaid) end
  local pages, stopped = runtime.map(where, function(parents)
    local records, err = resource:list(parents)
    if err then ctx.errors[#ctx.errors + 1] = { resource = name, parents = parents, err = err } end
    return records
  end, { concurrency = ctx.concurrency })
  for i, err in pairs(stopped) do
    if where[i] and not pages[i] then
      ctx.errors[#ctx.errors + 1] = { resource = name, parents = where[i], err = err }
    end
  end
  local records, seen = {}, {}
  for i = 1, #where do
    for _, record in ipairs(pages[i] or NONE) do
      local key = identity.of(description, NONE, record.id, record)
      if not seen[key] then records[#records + 1] = record end
      seen[key] = true
    end
  end
  local partial = list.shows ~= nil
  for _, record in ipairs(records) do partial = partial or lacks_required(description.shape, record) end
  if partial and collections.operation(resource, "get") then records = read_whole(ctx, resource, records) end
  ctx.records[name] = records
end

--- @param args table client, provider (description), resources (names; nil: all), parents (name of a path's part ->
---   list of ids: what to_say names), concurrency (16), on_progress (function count, resource)
--- @return table records
--- @return table[] notes
--- @return table[] errors
function M.records(args)
  local ctx = {
    client = args.client, provider = args.provider, parents = args.parents or NONE, notes = {}, errors = {},
    concurrency = args.concurrency or 16, on_progress = args.on_progress, records = {}, read = 0,
  }
  for _, description in ipairs(M.order(args.provider)) do collect(ctx, description) end
  return ctx.records, ctx.notes, ctx.errors
end

--- For messages: "acme hubs 17".
function M.shown(entry)
  local id = entry.id
  return entry.resource .. (id ~= nil and " " .. (type(id) == "number" and digits(id) or tostring(id)) or "")
end

return M
