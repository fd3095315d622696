--- What a vendor does for each operation, once it is known which one a request is and whose record it is about.
local check = require "luaprov.sandbox.check"
local digits = require "luaprov.digits"
local errors = require "luaprov.sandbox.errors"
local fill = require "luaprov.sandbox.fill"
local http = require "luaprov.http"
local json = require "luaprov.json"
local listing = require "luaprov.sandbox.listing"
local patch = require "luaprov.sandbox.patch"
local records = require "luaprov.sandbox.records"
local routes = require "luaprov.sandbox.routes"
local shapes = require "luaprov.provider.shape"
local uri = require "luaprov.uri"

local M = {}

-- What is made anew whenever a record changes.
local function changes_with(example) return type(example) == "string" and example:find("{changed", 1, true) end

--- Gives a record what a vendor adds to what was sent.
--- @param resource table description
--- @param body table the record; gains what it lacks
--- @param id string|number
--- @param parents table
--- @return table body
function M.complete(resource, body, id, parents)
  local made = { id = id, now = fill.now(), changed = fill.now(), date = fill.date(), changed_date = fill.date() }
  local function lookup(name) return name == "uuid" and fill.uuid() or made[name] end
  local function give(into, name, example)
    if into[name] == nil or changes_with(example) then into[name] = fill.fill(example, lookup) end
  end
  check.each_example(resource.shape, body, give)
  for name, example in pairs(resource.example) do give(body, name, example) end
  for name, value in pairs(parents) do body[name] = value end
  body[resource.id] = id
  return body
end

local function is_setting(vendor, name)
  for _, field in ipairs(vendor.provider.settings) do
    if field.name == name then return true end
  end
  return false
end

--- The parents among what stands in a path.
function M.parents_of(vendor, parts)
  local parents = {}
  for name, value in pairs(parts) do
    if name ~= "id" and not is_setting(vendor, name) then parents[name] = value end
  end
  return parents
end

-- What an answer has around a record or a list. `paths` say where that stands: bare, where the provider file allows it.
local function enveloped(operation, value, paths, lookup)
  local keys = paths and paths[1]
  for _, candidate in ipairs(paths or {}) do
    if #candidate == 0 then keys = candidate end
  end
  if value ~= nil and #keys == 0 then return value end
  lookup = lookup or function(name) return name == "now" and fill.now() or nil end
  local body = fill.fill(operation.envelope or {}, lookup)
  if value ~= nil then fill.put(body, keys, value) end
  return body
end

local function reply_with(operation, body)
  if operation.status == 204 or not json.is_array(body) and next(body) == nil then
    return { status = operation.status, headers = {}, body = "" }
  end
  return { status = operation.status, headers = { "Content-Type", "application/json" },
           body = assert(json.encode(body)) }
end

local function record_reply(operation, entry)
  if operation.returns == "nothing" then return reply_with(operation, enveloped(operation, nil, operation.record)) end
  return reply_with(operation, enveloped(operation, entry.body, operation.record))
end

-- A new record's, with its id wherever the provider file says that it is.
local function created_reply(vendor, operation, entry, request)
  local body, headers = enveloped(operation, operation.returns ~= "nothing" and entry.body or nil, operation.record), {}
  for _, source in ipairs(operation.id or {}) do
    if source == "location" then
      local id = type(entry.id) == "number" and digits(entry.id) or uri.escape(entry.id)
      headers = { "Location", vendor.origin .. request.path:gsub("/+$", "") .. "/" .. id }
    elseif operation.returns == "nothing" then
      fill.put(body, source, entry.id)
    end
  end
  local reply = reply_with(operation, body)
  for _, text in ipairs(headers) do reply.headers[#reply.headers + 1] = text end
  return reply
end

local function broken(vendor, why)
  return errors.reply(vendor.provider, { status = 500, faults = { { message = why } } })
end

--- The reply of a vendor that found one thing wrong.
function M.refused(vendor, resource, request, problem, message)
  return errors.of(vendor.provider, resource, { { problem = problem, message = message } }, request)
end
local refused = M.refused

local function exists(vendor, resource, request, names)
  return refused(vendor, resource, request, "exists", "A record with this " .. table.concat(names, ", ") .. " exists.")
end

-- The id of a new record, where whoever sends it chooses that: where its name is that of a field.
local function chosen_id(resource, fields, parents)
  local id = fields[resource.id]
  if id == nil then id = parents[resource.id] end
  if type(id) ~= "string" and type(id) ~= "number" then return nil end
  for _, name in ipairs(shapes.names(resource.shape)) do
    if name == resource.id then return id end
  end
end

-- A parent that has to be there, and is not. Parents in a path become the ids as their own records have them.
local function missing_parent(vendor, resource, parents, body)
  for _, field in ipairs(resource.shape.fields) do
    local id = field.parent and parents[field.name]
    if field.parent and id == nil then id = body[field.name] end
    if id ~= nil and id ~= json.null then
      local owner = vendor.collections[field.parent]:get(id, parents, body)
      if not owner then return vendor.provider.resource[field.parent] end
      if parents[field.name] ~= nil then parents[field.name] = owner.id end
    end
  end
end

local DEPTH = 100 -- of a body's tables within tables: it goes into other tables, which must be readable, too

local function depth_of(value, depth)
  local deepest = depth
  for _, inner in pairs(value) do
    if type(inner) == "table" then deepest = math.max(deepest, depth_of(inner, depth + 1)) end
  end
  return deepest
end

--- The decoded body of a request, which keeps it as `decoded`.
--- @return table|nil body
--- @return string|nil why
function M.body_of(request)
  local body, why = json.decode(request.body)
  if request.body == "" then return nil, "is missing" end
  if why then return nil, "is no JSON" end
  if type(body) ~= "table" then return nil, "is no object" end
  if depth_of(body, 1) > DEPTH then return nil, "is nested too deep" end
  request.decoded = body
  return body
end

function M.create(vendor, route, request)
  local resource, operation, parts = route.resource, route.operation, route.parts
  local body, why = M.body_of(request)
  if not body or json.is_array(body) then
    return refused(vendor, resource, request, "body", "The body " .. (why or "is no object") .. ".")
  end
  local parents = M.parents_of(vendor, parts)
  -- What the path names comes before the body.
  local orphan_of = missing_parent(vendor, resource, parents, {})
  if orphan_of then return refused(vendor, orphan_of, request, "not_found", "Not found.") end
  local fields, faults = check.check(resource.shape, body, "create")
  if #faults > 0 then return errors.of(vendor.provider, resource, faults, request) end
  orphan_of = missing_parent(vendor, resource, parents, fields)
  if orphan_of then return refused(vendor, orphan_of, request, "not_found", "Not found.") end
  local collection = vendor.collections[resource.name]
  if collection:like(fields, parents) then return exists(vendor, resource, request, resource.key) end
  local id = chosen_id(resource, fields, parents)
  if id == "" then return refused(vendor, resource, request, "range", resource.id .. " is empty") end
  if id and collection:get(id, parents, fields) then return exists(vendor, resource, request, { resource.id }) end
  id = id or collection:next_id(fill.uuid)
  local entry = { id = id, parents = parents, body = M.complete(resource, fields, id, parents) }
  local ok
  ok, why = vendor:put(resource, entry)
  if not ok then return broken(vendor, why) end
  return created_reply(vendor, operation, entry, request), entry
end

function M.get(_, route) return record_reply(route.operation, route.entry) end

function M.update(vendor, route, request)
  local resource, operation, entry = route.resource, route.operation, route.entry
  local body, why = M.body_of(request)
  if not body then return refused(vendor, resource, request, "body", "The body " .. why .. ".") end
  local changes, after
  changes, why, after = patch.read(operation.sends, body, resource.shape, entry.body)
  if not changes then return refused(vendor, resource, request, "body", why) end
  local fields, faults = check.check(resource.shape, changes, "update", entry.body, operation.sends == "whole")
  if #faults > 0 then return errors.of(vendor.provider, resource, faults, request) end
  after = patch.apply(resource.shape, entry.body, fields, operation.sends, changes, after)
  local id = chosen_id(resource, after, entry.parents)
  if id and not records.same_id(id, entry.id) then
    return refused(vendor, resource, request, "fixed", resource.id .. " cannot change")
  end
  local collection = vendor.collections[resource.name]
  if collection:like(after, entry.parents, entry) then return exists(vendor, resource, request, resource.key) end
  local orphan_of = missing_parent(vendor, resource, {}, fields)
  if orphan_of then return refused(vendor, orphan_of, request, "not_found", "Not found.") end
  after = M.complete(resource, after, entry.id, entry.parents)
  local changed = { id = entry.id, parents = entry.parents, body = after, listed_at = entry.listed_at }
  local ok
  ok, why = vendor:put(resource, changed)
  if not ok then return broken(vendor, why) end
  return record_reply(operation, changed)
end

function M.delete(vendor, route)
  local ok, why = vendor:remove(route.resource, route.entry)
  if not ok then return broken(vendor, why) end
  return reply_with(route.operation, enveloped(route.operation, nil))
end

function M.list(vendor, route, request)
  local operation, parents = route.operation, M.parents_of(vendor, route.parts)
  local orphans_of = missing_parent(vendor, route.resource, parents, {})
  if orphans_of then return refused(vendor, orphans_of, request, "not_found", "Not found.") end
  local items, lookup = listing.page(vendor.collections[route.resource.name], operation, {
    query = routes.query(request.query), parents = parents, size = request.page_size, now = http.now(),
  })
  if not items then return refused(vendor, route.resource, request, "value", "The page is not valid.") end
  local body = enveloped(operation, items, operation.items, lookup)
  local total = operation.pages and operation.pages.total
  if total and not json.is_array(body) then fill.put(body, total[1], lookup "total") end
  return reply_with(operation, body)
end

return M
