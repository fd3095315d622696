--- Looks at the vendors: what they have of the records that the state knows.
---
---   local observed, errors, unseen = observe.rows { manifest = manifest, rows = rows, concurrency = 16 }
---
--- observed: address -> the record, or false (the vendor has it no more); nil: it is not known. errors: address -> why
--- not, of those that were asked for; unseen: address -> text, of those that were not, because nobody could ask.
---
--- A collection of which many rows are known is read by its list. What the list leaves out, wholly or in part, is read
--- one by one: a list may be late, or filtered, and only the record's own address says that it is gone. A list is left
--- when more of its pages have shown nothing that is looked for than there is left to find.
local collections = require "luaprov.stack.collection"
local compare = require "luaprov.policy.compare"
local errors_of = require "luaprov.errors"
local identity = require "luaprov.provider.identity"
local rows_of = require "luaprov.stack.rows"
local runtime = require "luaprov.runtime"

local M = {}

local FEW = 3      -- rows that are read one by one whatever the list has
local FAILURES = 3 -- in a row, after which a vendor that cannot be reached is asked no more

local NONE = {}

-- What says nothing of the one record that was asked for.
local VENDOR = { network = true, timeout = true, tls = true, unauthorized = true, unavailable = true,
                 payment_required = true, cancelled = true }

local function settle(ctx, row, record, err)
  ctx.observed[row.address], ctx.errors[row.address] = record, err
  ctx.done = ctx.done + 1
  if ctx.on_progress then ctx.on_progress(ctx.done, ctx.total) end
end

local function unseen(ctx, row, why)
  ctx.unseen[row.address] = why
  ctx.done = ctx.done + 1
  if ctx.on_progress then ctx.on_progress(ctx.done, ctx.total) end
end

-- ---- whom to ask ----

local function client_fault(ctx, row, alias)
  local account, today = ctx.manifest.account[alias], ctx.accounts[alias]
  if not (account and account.client) then return "the manifest uses no account '" .. alias .. "'" end
  if account.provider.name ~= row.provider then
    return "'" .. alias .. "' is an account of " .. account.provider.name .. ", and the record one of " .. row.provider
  end
  local base_url = today and today.base_url or account.state and account.state.base_url
  if base_url and row.base_url and row.base_url ~= base_url then
    return "it is at " .. row.base_url .. ", and the client at " .. base_url .. " (--same-account " .. alias .. ")"
  end
  if today and today.account and row.account and today.account ~= row.account then
    return "it belongs to another account than today's credentials (--same-account " .. alias .. ")"
  end
end

-- Puts a row to those of its account and collection; an account: { alias, collections (list), gets (rows) }.
local function place(ctx, row)
  local alias = row.address:match("^[^.]+")
  local why = client_fault(ctx, row, alias)
  local resource = not why and collections.resource(ctx.manifest.account[alias].client, row.resource)
  if not why and not resource then why = row.provider .. " has no resource '" .. row.resource .. "'" end
  if not why and row.id == nil then why = "the state has no id of it" end
  if why then return unseen(ctx, row, why) end
  local list, get = collections.operation(resource, "list"), collections.operation(resource, "get")
  if not list and not get then
    return unseen(ctx, row, row.provider .. " has neither get nor list for " .. row.resource
      .. ": it cannot be looked at")
  end
  local account = ctx.by_alias[alias]
  if not account then
    account = { alias = alias, collections = {}, by_key = {}, gets = {}, failures = 0 }
    ctx.by_alias[alias] = account
    ctx.list[#ctx.list + 1] = account
  end
  -- Rows of one resource without parents are as many as all: nothing of them is opened here.
  local has_paths = resource.description.shape.paths[1] ~= nil
  local parents = has_paths and collections.parents(resource.description, row.parents, rows_of.parts(row)) or NONE
  local query = list and collections.query(resource, list, parents)
  if not query then
    if get then account.gets[#account.gets + 1] = row
    else unseen(ctx, row, "the state does not know where it is listed") end
    return
  end
  local names = collections.names(resource, list)
  for i, name in ipairs(names) do names[i] = compare.id(query[name]) end
  local key = row.resource .. "\0" .. table.concat(names, "\0")
  local collection = account.by_key[key]
  if not collection then
    collection = { resource = resource, list = list, get = get, query = query, rows = {} }
    account.by_key[key] = collection
    account.collections[#account.collections + 1] = collection
  end
  collection.rows[#collection.rows + 1] = row
end

-- ---- lists ----

-- The filters of a list that name the parent of all these rows, where asking each parent's takes no more calls than
-- asking for all.
local function split(collection)
  local filter
  for _, name in ipairs(collection.list.query or NONE) do
    local field = collection.resource.description.shape.by_name[name]
    if field and field.parent and collection.query[name] == nil then filter = filter or name end
  end
  if not filter then return { collection } end
  local parts, by_value = {}, {}
  local most = math.max(1, #collection.rows / (collection.list.pages and collection.list.pages.size or 1))
  for _, row in ipairs(collection.rows) do
    local fields = rows_of.parts(row)
    local value = fields and fields[filter]
    if type(value) ~= "string" and type(value) ~= "number" then return { collection } end
    local part = by_value[compare.id(value)]
    if not part then
      part = { resource = collection.resource, list = collection.list, get = collection.get, rows = {}, query = {} }
      for name, other in pairs(collection.query) do part.query[name] = other end
      part.query[filter] = value
      by_value[compare.id(value)] = part
      parts[#parts + 1] = part
      if #parts > most then return { collection } end
    end
    part.rows[#part.rows + 1] = row
  end
  return parts
end

-- The record with what the state knows and the list does not show.
local function completed(record, fields)
  for name, value in pairs(fields or NONE) do
    if record[name] == nil then record[name] = value end
  end
  return record
end

-- Whether what the list shows of a record will do.
local function is_whole(ctx, collection, row, record, fields, secrets)
  local description = collection.resource.description
  local node = ctx.manifest.record[row.address]
  return not (collections.lacks(description, fields or NONE, record, secrets)
    or node and collections.lacks(description, node.fields, record, secrets))
end

-- The parents that tell a list's records apart and that it was not asked by.
local function unsaid(collection)
  local names = {}
  for _, name in ipairs(identity.parents(collection.resource.description)) do
    if collection.query[name] == nil then names[#names + 1] = name end
  end
  return names
end

-- Rows by what tells them apart in a list; several rows may have one record. Of a record that does not show whose it is
-- the id has to do, where one row alone has it.
local function index_of(collection, rows)
  local names, by_key, twins, keys, of_id = unsaid(collection), {}, {}, {}, {}
  local function key_of(id, parents)
    local key = compare.id(id)
    for _, name in ipairs(names) do
      local value = (parents or NONE)[name]
      if value == nil then return of_id[compare.id(id)] or key end
      key = key .. "\0" .. compare.id(value)
    end
    return key
  end
  for _, row in ipairs(rows) do
    local id = compare.id(row.id)
    local key = key_of(row.id, names[1] and rows_of.parents(collection.resource.description, row))
    twins[row], by_key[key], keys[row] = by_key[key], row, key
    if names[1] then of_id[id] = of_id[id] == nil and key or of_id[id] == key and key or false end
  end
  return by_key, twins, keys, key_of
end

-- Walks through a list. Returns the rows that it did not show, those of which it showed a part, and an error.
local function walk(ctx, collection, rows)
  local by_key, twins, keys, key_of = index_of(collection, rows)
  local size = collection.list.pages and collection.list.pages.size or math.huge
  local left, seen, found_at, whole, parts, failed = #rows, 0, 0, 0, {}, nil
  for record, err in collection.resource:each(collection.query) do
    if not record then
      failed = err
      break
    end
    local key = key_of(record.id, record)
    local row = by_key[key]
    by_key[key] = nil
    while row do
      local fields, secrets = rows_of.parts(row)
      left, found_at = left - 1, seen
      if not collection.get or is_whole(ctx, collection, row, record, fields, secrets) then
        whole = whole + 1
        settle(ctx, row, completed(record, fields))
      else
        parts[#parts + 1] = row
      end
      row = twins[row]
    end
    seen = seen + 1
    if left == 0 then break end
    if collection.get and seen % size == 0 and (left < (seen - found_at) / size or whole == 0 and parts[1]) then
      break
    end
  end
  local missing = {}
  for _, row in ipairs(left > 0 and rows or NONE) do
    if by_key[keys[row]] then missing[#missing + 1] = row end
  end
  return missing, parts, failed
end

local function too_new(collection, row)
  if not row.created or os.time() - row.created > collection.resource.description.settles_in then return nil end
  return errors_of.new { kind = "unavailable", outcome = "refused", provider = row.provider, resource = row.resource,
    operation = "list", message = "is not in the list, in which what is new may appear later" }
end

local function read_list(ctx, account, collection)
  local missing, parts, err = walk(ctx, collection, collection.rows)
  if not err and not collection.get and missing[1] then
    -- A record may slip to a page that was read already, when others are removed meanwhile.
    missing, parts, err = walk(ctx, collection, missing)
  end
  for _, row in ipairs(missing) do
    if err and (not collection.get or VENDOR[err.kind]) then settle(ctx, row, nil, err)
    elseif collection.get then account.gets[#account.gets + 1] = row
    else
      local why = too_new(collection, row)
      if why then settle(ctx, row, nil, why) else settle(ctx, row, false) end
    end
  end
  for _, row in ipairs(parts) do account.gets[#account.gets + 1] = row end
end

-- Which collections are listed; the rows of the others are read one by one.
local function listed(ctx, account)
  local lists = {}
  for _, collection in ipairs(account.collections) do
    local rows, description = {}, collection.resource.description
    for _, row in ipairs(collection.rows) do
      local bare = false
      if collection.get and collection.list.shows then
        local fields, secrets = rows_of.parts(row)
        local node = ctx.manifest.record[row.address]
        bare = collections.list_lacks(description, collection.list, fields or NONE, secrets)
          or node and collections.list_lacks(description, collection.list, node.fields, secrets)
      end
      if bare then account.gets[#account.gets + 1] = row else rows[#rows + 1] = row end
    end
    collection.rows = rows
    for _, part in ipairs(rows[1] and split(collection) or NONE) do
      if part.get and #part.rows <= FEW then
        for _, row in ipairs(part.rows) do account.gets[#account.gets + 1] = row end
      else
        lists[#lists + 1] = part
      end
    end
  end
  account.collections, account.by_key = nil, nil
  return lists
end

-- ---- one by one ----

local function read_one(ctx, account, row)
  if account.failures >= FAILURES then return settle(ctx, row, nil, account.err) end
  local resource = collections.resource(ctx.manifest.account[account.alias].client, row.resource)
  local parents = collections.parents(resource.description, row.parents, rows_of.parts(row))
  local record, err = collections.get(resource, row.id, parents)
  if err and VENDOR[err.kind] then
    account.failures, account.err = account.failures + 1, err
  else
    account.failures = 0
  end
  settle(ctx, row, record, err)
end

local function each(list, concurrency, fn)
  local _, stopped = runtime.map(list, fn, { concurrency = concurrency })
  return stopped
end

local function look(ctx, account)
  local lists = listed(ctx, account)
  local stopped = each(lists, ctx.concurrency, function(collection) read_list(ctx, account, collection) end)
  for index, err in pairs(stopped) do
    for _, row in ipairs(lists[index].rows) do settle(ctx, row, nil, err) end
  end
  stopped = each(account.gets, ctx.concurrency, function(row) read_one(ctx, account, row) end)
  for index, err in pairs(stopped) do settle(ctx, account.gets[index], nil, err) end
end

--- @param args table manifest, rows, accounts (as plan.make has them), concurrency (calls at once of each account; 16),
---   on_progress (function done, total: of rows)
--- @return table observed
--- @return table errors
--- @return table unseen
function M.rows(args)
  local ctx = {
    manifest = args.manifest, accounts = args.accounts or NONE, concurrency = args.concurrency or 16,
    on_progress = args.on_progress, observed = {}, errors = {}, unseen = {}, done = 0, total = #args.rows,
    list = {}, by_alias = {},
  }
  for _, row in ipairs(args.rows) do place(ctx, row) end
  -- Side by side: none waits for another's limits, or for one that does not answer.
  local _, stopped = runtime.map(ctx.list, function(account) look(ctx, account) end,
    { concurrency = math.max(1, #ctx.list) })
  for index, err in pairs(stopped) do
    for _, collection in ipairs(ctx.list[index].collections or NONE) do
      for _, row in ipairs(collection.rows) do settle(ctx, row, nil, err) end
    end
    for _, row in ipairs(ctx.list[index].gets) do settle(ctx, row, nil, err) end
  end
  return ctx.observed, ctx.errors, ctx.unseen
end

return M
