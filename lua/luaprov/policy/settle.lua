--- What became of a create that may or may not have been carried out.
---
--- A record that looks like the one we wanted is not ours for that: it may have been there before, be somebody else's, or
--- appear only later. Ours is what is *new since*, claimed by no other call, and equal in every field that can be
--- compared. And that it is not there counts only when the vendor can no longer act on the request and would list what
--- it made.
local core = require "luaprov.core"
local digits = require "luaprov.provider.digits"
local json = require "luaprov.json"
local runtime = require "luaprov.runtime"
local secret = require "luaprov.secret"

local M = {}

local FIRST_LOOK, LONGEST_LOOK = 0.2, 5 -- seconds between looks

local function text(value)
  if type(value) == "number" then return digits(value) end
  return tostring(value)
end

-- Whether what was sent stands in a record. What the record does not show cannot be compared; what the vendor adds does
-- not matter.
local function equal(sent, there)
  if there == nil then return true end
  if secret.is(there) then there = there:reveal() end
  if sent == json.null or there == json.null then return sent == there end
  if type(sent) ~= "table" then return type(there) ~= "table" and text(sent) == text(there) end
  if type(there) ~= "table" or json.is_array(sent) ~= json.is_array(there) then return false end
  if json.is_array(sent) and #sent ~= #there then return false end
  for name, value in pairs(sent) do
    if not equal(value, there[name]) then return false end
  end
  return true
end

--- @param wanted table what was sent, secrets opened, and the parents in the path
--- @param record table
function M.equal(wanted, record) return equal(wanted, record) end

local function has_key(resource, wanted, record)
  for _, name in ipairs(resource.key) do
    if wanted[name] ~= nil and not equal(wanted[name], record[name]) then return false end
  end
  return true
end

local function id_text(id) return text(id):lower() end

-- ---- what was there before ----

--- What is known of a collection: the ids that are not a new record's.
--- @param client table a client's inside
--- @param resource table description
--- @param parents table
--- @return table collection
function M.collection(client, resource, parents)
  local names = {}
  for name in pairs(parents) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do names[i] = name .. "=" .. text(parents[name]) end
  local key = resource.name .. "\0" .. table.concat(names, "\0")
  client.collections[key] = client.collections[key] or { known = {}, busy = {} }
  return client.collections[key]
end

--- Notes the ids that are there already: one list a collection, before its first create.
--- @param collection table
--- @param list function -> records or nil, err
--- @return boolean|nil done
--- @return luaprov.Error|nil err
function M.note(collection, list)
  if collection.noted then return true end
  -- Of many creates at once one lists.
  local ok, err = runtime.share(collection, function()
    local records, why = list()
    for _, record in ipairs(records or {}) do collection.known[id_text(record.id)] = true end
    collection.noted = records ~= nil
    return records ~= nil or nil, why
  end)
  return ok, err
end

--- A record that belongs to a call, and so to no other.
function M.claim(collection, id) collection.known[id_text(id)] = true end

--- Lets one create of a key go on at a time: two that are equal could not be told apart afterwards.
--- @return string|nil key to give back with `leave`
--- @return string|nil why timeout or cancelled
function M.enter(collection, resource, wanted, ends)
  local parts = {}
  for i, name in ipairs(resource.key) do parts[i] = text(wanted[name]) end
  local key = table.concat(parts, "\0")
  while collection.busy[key] do
    local ok, why = collection.busy[key]:wait(ends)
    if not ok then return nil, why end
  end
  collection.busy[key] = runtime.event()
  return key
end

function M.leave(collection, key)
  local event = collection.busy[key]
  collection.busy[key] = nil
  event:set()
end

-- ---- looking ----

-- The records that could be ours, and those of them that are equal in every comparable field.
local function look(search)
  local records, err = search.list()
  if not records then return nil, nil, err end
  local fresh, exact = {}, {}
  for _, record in ipairs(records) do
    local known = search.collection and search.collection.known[id_text(record.id)]
    if not known and has_key(search.resource, search.wanted, record) then
      -- A list may show a part of the record only.
      local whole = search.get and search.get(record) or record
      fresh[#fresh + 1] = whole
      if equal(search.wanted, whole) then exact[#exact + 1] = whole end
    end
  end
  return fresh, exact
end

--- Looks for the record of a create whose outcome is unknown.
--- @param search table resource (description), wanted (what was sent, with the parents), list, get (or nil),
---   collection (with what was there before; nil: nobody looked), over_at (when the vendor can no longer act, and would
---   list what it made), ends (of the whole call)
--- @return table|nil record ours
--- @return string verdict "ours", "not there" (and so safe to make again), or what is in the way
--- @return table|nil candidates records
function M.find(search)
  local pause = FIRST_LOOK
  while true do
    local looked_at = core.now()
    local fresh, exact, err = look(search)
    if not fresh then return nil, "the list cannot be read: " .. err.message end
    local noted = search.collection and search.collection.noted
    if not noted then
      return nil, #fresh > 0 and "it is not known what was there before" or "it may appear yet", fresh
    end
    if #exact == 1 then return exact[1], "ours" end
    if #exact > 1 then return nil, "several new records are equal to it", fresh end
    if looked_at >= search.over_at then
      if #fresh == 0 then return nil, "not there" end
      return nil, "a new record has its key and other fields", fresh
    end
    local at = math.min(looked_at + pause, search.over_at)
    if at > search.ends then return nil, "there is no time to wait until it must have appeared", fresh end
    pause = math.min(pause * 2, LONGEST_LOOK)
    local _, why = runtime.event():wait(at)
    if why == "cancelled" then return nil, "cancelled", fresh end
  end
end

return M
