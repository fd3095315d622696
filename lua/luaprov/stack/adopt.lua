--- Takes over what exists at the vendors: finds the records that may be those of a manifest, and makes rows of them.
---
---   local list, errors = adopt.candidates { manifest = manifest, rows = rows, addresses = nil }
---   local record, err  = adopt.read(manifest, address, id, rows)
---   local row, lacking, trusted = adopt.row(manifest.record[address], record, { rows = rows, base_url = URL })
---
--- A candidate: id, record, changes (how many fields a plan would change), equal (none). Of many with one key the first
--- 20 are read; `more` says how many there are beside them.
local collections = require "luaprov.stack.collection"
local compare = require "luaprov.policy.compare"
local errors_of = require "luaprov.errors"
local identity = require "luaprov.provider.identity"
local changes_of = require "luaprov.stack.compare"
local matching = require "luaprov.stack.matching"
local near = require "luaprov.near"
local owners = require "luaprov.stack.owners"
local reference = require "luaprov.stack.reference"
local rows = require "luaprov.stack.adopt_row"
local runtime = require "luaprov.runtime"

local M = {}

M.row = rows.row

local NONE = {}
local MOST = 20 -- candidates of an address that are read and compared

local function refused(node, kind, message)
  return errors_of.new { kind = kind, outcome = "not_sent", provider = node.provider, resource = node.resource,
                         message = message }
end

-- ---- what the state knows ----

-- Why the fields of these names are not enough to look for a record.
local function missing(node, fields, names)
  for _, name in ipairs(names) do
    local value = fields[name]
    for _, part in ipairs(reference.is(value) and reference.parts(value) or NONE) do
      if type(part) == "table" then
        return refused(node, "invalid", name .. " is that of " .. part.address
          .. ", which the state does not know yet: take that over first")
      end
    end
  end
end

--- The account of a record that is declared.
--- @param args table manifest, accounts (account.all)
--- @param node table of the manifest
--- @return table about base_url, account
function M.account(args, node)
  local account = args.manifest.account[node.alias]
  return args.accounts and args.accounts[node.alias] or { base_url = account.state and account.state.base_url }
end

--- What a record that is found for a declared one is told from all others by.
--- @param args table manifest, accounts (account.all)
--- @param node table of the manifest
--- @param record table as the client returned it
--- @param fields table|nil the declared fields, with the parents that the record does not show
--- @return string
function M.identity(args, node, record, fields)
  return identity.of(node.description, M.account(args, node), record.id,
    collections.parents(node.description, record, fields))
end

local function resource_of(manifest, node)
  return collections.resource(manifest.account[node.alias].client, node.resource)
end

-- ---- candidates ----

-- Puts an address to those that one list is read for.
local function place(ctx, node)
  local fields = rows.filled(node, ctx.lookup)
  local item = { address = node.address, node = node, fields = fields, candidates = {} }
  ctx.list[#ctx.list + 1] = item
  local resource = resource_of(ctx.manifest, node)
  local list = collections.operation(resource, "list")
  local err
  if not list then
    err = refused(node, "unsupported", "the provider has no list to look for it: name its id (luaprov import)")
  elseif not node.description.key then
    err = refused(node, "unsupported", "the provider file has no key to recognise it by: name its id (luaprov import)")
  else
    err = missing(node, fields, node.description.key) or missing(node, fields, collections.names(resource, list))
  end
  local query = not err and collections.query(resource, list, fields)
  if not query then
    ctx.errors[node.address] = err or refused(node, "invalid", "where it is listed is not known")
    return
  end
  local parts = { node.alias, node.resource }
  for _, name in ipairs(collections.names(resource, list)) do parts[#parts + 1] = compare.id(query[name]) end
  local key = table.concat(parts, "\0")
  local collection = ctx.by_key[key]
  if not collection then
    collection = { resource = resource, list = list, query = query, items = {}, read = {} }
    ctx.by_key[key] = collection
    ctx.collections[#ctx.collections + 1] = collection
  end
  collection.items[#collection.items + 1] = item
end

-- A filter for the parent of all that is looked for, where that is one.
local function narrowed(collection)
  local query = {}
  for name, value in pairs(collection.query) do query[name] = value end
  for _, name in ipairs(collection.list.query or NONE) do
    local field = collection.resource.description.shape.by_name[name]
    local value = field and field.parent and collection.items[1].fields[name]
    local kind = type(value)
    local same = kind == "string" or kind == "number"
    for _, item in ipairs(same and collection.items or NONE) do
      local other = item.fields[name]
      same = same and type(other) == kind and compare.id(other) == compare.id(value)
    end
    if same and query[name] == nil then query[name] = value end
  end
  return query
end

-- The whole of a listed record, read once; false when it is gone.
local function whole(collection, record)
  local there = collection.read[record]
  if there ~= nil then return there end
  local parents = collections.parents(collection.resource.description, record, collection.query)
  local read, err = collections.get(collection.resource, record.id, parents)
  if err then return nil, err end
  collection.read[record] = read
  return read
end

-- What a list leaves out is read: all that does not show its key, and later what matches.
local function read_keys(ctx, collection, records)
  local description = collection.resource.description
  if not collections.operation(collection.resource, "get") then return records end
  local failed
  local read = runtime.map(records, function(record)
    if failed or matching.shows_key(description, record) then return record end
    local there, err = whole(collection, record)
    failed = failed or err
    if there then collection.read[there] = there end
    return there
  end, { concurrency = ctx.concurrency })
  if failed then return nil, failed end
  local shown = {}
  for i = 1, #records do
    if read[i] then shown[#shown + 1] = read[i] end
  end
  return shown
end

local function compared(item, record)
  local node = item.node
  local row = rows.row(node, record, { fields = item.fields })
  local changes = changes_of.changes(node.description, item.fields, record,
    { ignore = node.ignore, secrets = row.secrets })
  return { id = record.id, record = record, changes = #changes, equal = #changes == 0 }
end

local function better(a, b)
  if a.changes ~= b.changes then return a.changes < b.changes end
  return compare.id(a.id) < compare.id(b.id)
end

local function match(ctx, collection, item, index)
  local node, found = item.node, {}
  local description = node.description
  local account = M.account(ctx, node)
  for _, record in ipairs(index:find(item.fields)) do
    local parents = collections.parents(description, record, collection.query)
    local owner = ctx.owners:of(node.provider, description, account, record.id, parents)[1]
    if not owner then found[#found + 1] = record end
  end
  if ctx.brief then
    for _, record in ipairs(found) do
      if matching.shows_key(description, record) and matching.fits(description, item.fields, record) then
        item.candidates[#item.candidates + 1] = { id = record.id, record = record }
      end
    end
    return
  end
  local get = collections.operation(collection.resource, "get")
  for i, record in ipairs(found) do
    if i > MOST then
      item.more = #found - MOST
      break
    end
    local err
    if get and (collection.list.shows or collections.lacks(description, item.fields, record)
        or not matching.fits(description, item.fields, record)) then
      record, err = whole(collection, record)
    end
    if err then
      ctx.errors[node.address] = err
      return
    end
    if record and matching.fits(description, item.fields, record) then
      item.candidates[#item.candidates + 1] = compared(item, record)
    end
  end
  table.sort(item.candidates, better)
end

local function look(ctx, collection)
  local records, err = collection.resource:list(narrowed(collection))
  if records and not ctx.brief then records, err = read_keys(ctx, collection, records) end
  if not records then
    for _, item in ipairs(collection.items) do ctx.errors[item.address] = err end
    return
  end
  local index = matching.index(collection.resource.description, records)
  local _, stopped = runtime.map(collection.items, function(item) match(ctx, collection, item, index) end,
    { concurrency = ctx.concurrency })
  for i, why in pairs(stopped) do ctx.errors[collection.items[i].address] = why end
end

-- The addresses that are looked for, in the manifest's order.
local function wanted(args)
  local has_row, asked, nodes = {}, args.addresses and {}, {}
  for _, row in ipairs(args.rows or NONE) do has_row[row.address] = true end
  for _, address in ipairs(args.addresses or NONE) do asked[address] = true end
  for _, node in ipairs(args.manifest.records) do
    if asked and asked[node.address] or not asked and not has_row[node.address] then nodes[#nodes + 1] = node end
  end
  return nodes, has_row
end

local function not_declared(manifest, address)
  local names = {}
  for i, node in ipairs(manifest.records) do
    if i <= 500 then names[i] = node.address end
  end
  return errors_of.new { kind = "invalid", outcome = "not_sent",
                         message = "the manifest has no record " .. address .. near.hint(address, names, 5) }
end

--- Existing records that may be those of a manifest: of each declared record without a row, or of those named.
--- @param args table manifest, rows, accounts (account.all), addresses (nil: all declared records without a row),
---   concurrency (16), brief (true: only what the lists show; candidates have id and record)
--- @return table[] list in the manifest's order: address, candidates (the best first), more (how many were not read)
--- @return table errors address -> err: what was not looked for, or could not be
function M.candidates(args)
  local ctx = {
    manifest = args.manifest, brief = args.brief, concurrency = args.concurrency or 16, lookup = rows.lookup(args.rows),
    errors = {}, list = {}, by_key = {}, collections = {}, accounts = args.accounts,
    owners = owners.new(args.rows, args.accounts),
  }
  for _, address in ipairs(args.addresses or NONE) do
    if not args.manifest.record[address] then ctx.errors[address] = not_declared(args.manifest, address) end
  end
  local nodes, has_row = wanted(args)
  for _, node in ipairs(nodes) do
    if has_row[node.address] then
      ctx.errors[node.address] = refused(node, "conflict", "the state has it already (luaprov state rm forgets it)")
    else
      place(ctx, node)
    end
  end
  local _, stopped = runtime.map(ctx.collections, function(collection) look(ctx, collection) end,
    { concurrency = ctx.concurrency })
  for i, err in pairs(stopped) do
    for _, item in ipairs(ctx.collections[i].items) do ctx.errors[item.address] = err end
  end
  local list = {}
  for _, item in ipairs(ctx.list) do
    if not ctx.errors[item.address] then
      list[#list + 1] = { address = item.address, candidates = item.candidates, more = item.more }
    end
  end
  return list, ctx.errors
end

-- ---- import ----

-- A list that is not one parent's may have the id several times.
local function is_meant(description, record, id, parents)
  return compare.id(record.id) == compare.id(id) and identity.may_name(description, parents, record)
end

local function listed(resource, list, id, parents)
  for record, err in resource:each(collections.query(resource, list, parents)) do
    if not record then return nil, err end
    if is_meant(resource.description, record, id, parents) then return record end
  end
  return false
end

--- The record with an id, by get or from its list.
--- @param resource luaprov.Resource
--- @param id string|number
--- @param parents table|nil name -> id
--- @return table|nil record nil and no error: the provider has neither get nor list
--- @return luaprov.Error|nil err
function M.record(resource, id, parents)
  local get, list = collections.operation(resource, "get"), collections.operation(resource, "list")
  if not get and not list then return nil end
  local record, err
  if get then record, err = collections.get(resource, id, parents)
  else record, err = listed(resource, list, id, parents or NONE) end
  if record then return record end
  return nil, err or errors_of.new { kind = "not_found", outcome = "refused",
    provider = resource.state.provider.name, resource = resource.description.name, operation = get and "get" or "list",
    message = "there is no " .. compare.text(id) }
end

--- The record with an id, for an address that the manifest declares.
--- @param manifest table
--- @param address string
--- @param id string|integer
--- @param known table[]|nil the state's rows, for the parents
--- @param accounts table|nil account.all
--- @return table|nil record
--- @return luaprov.Error|nil err
function M.read(manifest, address, id, known, accounts)
  local node = manifest.record[address]
  if not node then return nil, not_declared(manifest, address) end
  local resource, fields = resource_of(manifest, node), rows.filled(node, rows.lookup(known))
  local parents = collections.parents(node.description, fields)
  local account = M.account({ manifest = manifest, accounts = accounts }, node)
  for _, owner in ipairs(owners.new(known, accounts):of(node.provider, node.description, account, id, parents)) do
    if owner.address ~= address then
      return nil, refused(node, "conflict", compare.text(id) .. " is " .. owner.address .. " already")
    end
  end
  local operation = collections.operation(resource, "get") or collections.operation(resource, "list")
  if not operation then return nil, refused(node, "unsupported", "the provider has neither get nor list for it") end
  local err = missing(node, fields, collections.names(resource, operation))
  if err then return nil, err end
  local record
  record, err = M.record(resource, id, parents)
  if not record and err.kind == "not_found" then err.message = err.message .. " (for " .. address .. ")" end
  return record, err
end

return M
