--- What is known of an account's collections: which records were there before, which belong to a call, which are gone,
--- and which keys a create goes on for. `settle` looks for a create's record by it.
---
--- A collection has: note (the last one), notes (every one that somebody still goes by), claimed (id -> until when a
--- list may not show it yet), removed (id -> until when a list may still show it), busy (key -> turn).
local compare = require "luaprov.policy.compare"
local core = require "luaprov.core"
local runtime = require "luaprov.runtime"

local M = {}

local NOTE_LASTS = 300 -- seconds that a note is relied on; a long list's for longer,
local NOTE_TIMES = 20  -- so that noting takes a twentieth of the time at most
local SWEEP = 60       -- seconds between looks for what is of no use any more

--- An id as collections know it.
function M.id(id) return compare.id(id) end

-- ---- collections ----

local accounts = setmetatable({}, { __mode = "v" }) -- name -> its collections

--- The collections of an account: the same for all clients of it.
--- @param account string whatever tells one account from another; it is not shown anywhere
--- @return table collections
function M.collections(account)
  accounts[account] = accounts[account] or { of = {}, swept = core.now() }
  return accounts[account]
end

--- @param resource table description
--- @param parents table name -> id, as text
--- @return table collection
function M.new(resource, parents)
  return {
    resource = resource.name, parents = parents, settles_in = resource.settles_in, left = core.now(), forgets = 0,
    claimed = {}, removed = {}, busy = {}, notes = setmetatable({}, { __mode = "k" }),
  }
end

local function drop_past(times, now)
  for id, at in pairs(times) do
    if at < now then times[id] = nil end
  end
end

-- A collection that is of no use any more goes: it would be noted again before its next create.
local function sweep(collections)
  local now = core.now()
  if now < collections.swept + SWEEP then return end
  collections.swept = now
  for key, collection in pairs(collections.of) do
    drop_past(collection.claimed, now)
    drop_past(collection.removed, now)
    if collection.note and collection.note.ends < now then collection.note = nil end
    local used = collection.note or next(collection.claimed) or next(collection.removed) or next(collection.busy)
    -- Whoever waited for the last turn is about to go on.
    if not used and collection.left + SWEEP < now then collections.of[key] = nil end
  end
end

--- What is known of a collection.
--- @param client table a client's inside
--- @param resource table description
--- @param parents table
--- @param is_new boolean|nil whether it begins to be known where nobody has asked for it before
--- @return table|nil collection
function M.collection(client, resource, parents, is_new)
  local names, ids = {}, {}
  for name, id in pairs(parents) do
    names[#names + 1] = name
    ids[name] = M.id(id)
  end
  table.sort(names)
  for i, name in ipairs(names) do names[i] = name .. "=" .. ids[name] end
  local key = resource.name .. "\0" .. table.concat(names, "\0")
  local collections = client.collections()
  sweep(collections)
  if is_new and not collections.of[key] then collections.of[key] = M.new(resource, ids) end
  return collections.of[key]
end

-- ---- records ----

--- The ids that are there already: one list a collection, before its first create, and again when that is long ago.
--- A call keeps the note that it began with: a later one may have its own record in it.
--- @param collection table
--- @param pages function each record -> true, or nil and err
--- @return table|nil note
--- @return luaprov.Error|nil err
function M.note(collection, pages)
  local forgets = collection.forgets
  while true do
    if collection.note and core.now() < collection.note.ends then return collection.note end
    -- Of many creates at once one lists.
    local note, err = runtime.share(collection, function()
      local known, began = {}, core.now()
      local note = { known = known, forgets = collection.forgets }
      for id in pairs(collection.claimed) do known[id] = true end
      collection.notes[note] = true
      local ok, why = pages(function(record)
        local id = M.id(record.id)
        if not M.passing(collection, id, core.now()) then known[id] = true end
      end)
      if not ok then return nil, why end
      local now = core.now()
      drop_past(collection.claimed, began)
      note.ends = now + math.max(NOTE_LASTS, NOTE_TIMES * (now - began))
      if note.forgets == collection.forgets then collection.note = note end
      return note
    end)
    -- One that was begun before there was something to forget says nothing of it.
    if not note or note.forgets >= forgets then return note, err end
  end
end

--- What is there is noted again before the next create: nobody knows what a call has left behind.
function M.forget(collection)
  collection.note, collection.forgets = nil, collection.forgets + 1
end

--- A record that belongs to a call, and so to no other.
function M.claim(collection, id)
  id = M.id(id)
  for note in pairs(collection.notes) do note.known[id] = true end
  -- Notes that are yet to be taken find it in the list, from then on.
  collection.claimed[id], collection.removed[id] = core.now() + collection.settles_in, nil
end

-- Whether a collection may be that of a record within these parents.
local function is_within(collection, parents)
  for name, id in pairs(parents) do
    local own = collection.parents[name]
    if own and own ~= M.id(id) then return false end
  end
  return true
end

--- A record that is gone: the vendor may give its id to another.
--- @param collections table of the account
--- @param resource table description
--- @param id string|number
--- @param parents table those that the id is one of
function M.remove(collections, resource, id, parents)
  id = M.id(id)
  sweep(collections)
  for _, collection in pairs(collections.of) do
    if collection.resource == resource.name and is_within(collection, parents) then
      for note in pairs(collection.notes) do note.known[id] = nil end
      collection.claimed[id], collection.removed[id] = nil, core.now() + collection.settles_in
    end
  end
end

--- Until when a list may show a record that is gone, if it was removed so lately.
--- @param id string as `id` makes it
--- @param now number
--- @return number|nil
function M.passing(collection, id, now)
  local at = collection.removed[id]
  return at and now < at and at or nil
end

-- ---- turns ----

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
  busy[turn.key], turn.collection.left = nil, core.now()
  runtime.unguard(turn.guard)
  turn.over:set()
end

return M
