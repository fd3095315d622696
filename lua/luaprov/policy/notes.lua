--- What is known of an account's collections: which records were there before, which belong to a call, and which keys a
--- create goes on for. `settle` looks for a create's record by it.
local compare = require "luaprov.policy.compare"
local core = require "luaprov.core"
local runtime = require "luaprov.runtime"

local M = {}

local NOTE_LASTS = 300 -- seconds that a note is relied on; a long list's for longer,
local NOTE_TIMES = 20  -- so that noting takes a twentieth of the time at most

--- An id as collections know it.
function M.id(id) return compare.id(id) end

local accounts = setmetatable({}, { __mode = "v" }) -- account -> its collections

--- The collections of an account: the same for all clients of it.
--- @param account string whatever tells one account from another; it is not shown anywhere
--- @return table collections
function M.collections(account)
  accounts[account] = accounts[account] or {}
  return accounts[account]
end

--- What is known of a collection.
--- @param client table a client's inside
--- @param resource table description
--- @param parents table
--- @return table collection
function M.collection(client, resource, parents)
  local names = {}
  for name in pairs(parents) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do names[i] = name .. "=" .. M.id(parents[name]) end
  local key = resource.name .. "\0" .. table.concat(names, "\0")
  local all = client.collections()
  all[key] = all[key] or { claimed = {}, busy = {} }
  return all[key]
end

--- The ids that are there already: one list a collection, before its first create, and again when that is long ago.
--- A call keeps the note that it began with: a later one may have its own record in it.
--- @param collection table
--- @param pages function each record -> true, or nil and err
--- @return table|nil note
--- @return luaprov.Error|nil err
function M.note(collection, pages)
  if collection.note and core.now() < collection.note.ends then return collection.note end
  -- Of many creates at once one lists.
  local note, err = runtime.share(collection, function()
    local known, began = {}, core.now()
    local ok, why = pages(function(record) known[M.id(record.id)] = true end)
    if not ok then return nil, why end
    local now = core.now()
    collection.note = { known = known, ends = now + math.max(NOTE_LASTS, NOTE_TIMES * (now - began)) }
    return collection.note
  end)
  return note, err
end

--- What is there is noted again before the next create: nobody knows what a call has left behind.
function M.forget(collection) collection.note = nil end

--- A record that belongs to a call, and so to no other.
function M.claim(collection, id) collection.claimed[M.id(id)] = true end

-- A create that never goes on, in a request of nginx's that is ended: nobody knows what it has left behind.
local function bury(collection, key)
  M.forget(collection)
  M.leave(collection, key)
end

--- Lets one create of a key go on at a time: two that are equal could not be told apart afterwards.
--- @return string|nil key to give back with `leave`
--- @return string|nil why timeout or cancelled
function M.enter(collection, resource, wanted)
  local parts = {}
  for i, name in ipairs(resource.key) do parts[i] = wanted[name] == nil and "" or compare.fold(wanted[name]) end
  local key = table.concat(parts, "\0")
  while collection.busy[key] do
    local ok, why = collection.busy[key]:wait()
    if not ok then return nil, why end
  end
  local event = runtime.event()
  collection.busy[key] = event
  event.guard = runtime.guard(bury, collection, key)
  return key
end

function M.leave(collection, key)
  local event = collection.busy[key]
  collection.busy[key] = nil
  runtime.unguard(event.guard)
  event:set()
end

return M
