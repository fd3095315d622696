--- What is known of an account's collections: which records were there before, which belong to a call, and which keys a
--- create goes on for. `settle` looks for a create's record by it.
local compare = require "luaprov.policy.compare"
local core = require "luaprov.core"
local runtime = require "luaprov.runtime"

local M = {}

local NOTE_LASTS = 300 -- seconds that a note is relied on; a long list's for longer,
local NOTE_TIMES = 20  -- so that noting takes a twentieth of the time at most

--- An id as collections know it.
function M.id(id) return compare.text(id):lower() end

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
--- @param is_new boolean|nil whether it begins to be known where nobody has asked for it before
--- @return table|nil collection
function M.collection(client, resource, parents, is_new)
  local names = {}
  for name in pairs(parents) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do names[i] = name .. "=" .. M.id(parents[name]) end
  local key = resource.name .. "\0" .. table.concat(names, "\0")
  local all = client.collections()
  if is_new then all[key] = all[key] or { claimed = {}, busy = {} } end
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

--- A create's turn. Of those of one key one goes on at a time: two that are equal could not be told apart afterwards.
--- @param collection table
--- @param resource table description
--- @param wanted table what is to be sent
--- @return table turn to `enter`, and to `leave` whatever became of that
function M.turn(collection, resource, wanted)
  local parts = {}
  for i, name in ipairs(resource.key) do parts[i] = wanted[name] == nil and "" or compare.fold(wanted[name]) end
  return { collection = collection, key = table.concat(parts, "\0"), over = runtime.event() }
end

-- A create that never goes on, in a request of nginx's that is ended: nobody knows what it has left behind.
local function bury(turn)
  M.forget(turn.collection)
  M.leave(turn)
end

--- Waits until it is a create's turn.
--- @return boolean|nil true
--- @return string|nil why timeout or cancelled
function M.enter(turn)
  local busy = turn.collection.busy
  while busy[turn.key] do
    local ok, why = busy[turn.key].over:wait()
    if not ok then return nil, why end
  end
  busy[turn.key] = turn
  turn.guard = runtime.guard(bury, turn)
  return true
end

--- Ends a turn, also one that was never entered, or has been left.
function M.leave(turn)
  local busy = turn.collection.busy
  if busy[turn.key] ~= turn then return end
  busy[turn.key] = nil
  runtime.unguard(turn.guard)
  turn.over:set()
end

return M
