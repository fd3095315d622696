--- The records of one resource, in the order in which they were made.
local digits = require "luaprov.digits"
local identity = require "luaprov.provider.identity"

local M = {}
M.__index = M

-- GUIDs mean the same in either case; a number and its digits are one id.
local function index_of(id)
  local text = type(id) == "number" and digits(id) or tostring(id)
  return #text >= 32 and text:find("^{?%x[%x-]+}?$") and text:lower() or text
end

-- A record's place: its id, and the parents without which that does not say which it is.
local function place_of(self, id, parents, body)
  local key = index_of(id)
  for _, name in ipairs(self.names) do
    local value = parents and parents[name]
    if value == nil and body then value = body[name] end
    local kind = type(value)
    key = key .. "\0" .. ((kind == "string" or kind == "number") and index_of(value) or "")
  end
  return key
end

--- Whether two ids are the same.
function M.same_id(a, b) return index_of(a) == index_of(b) end

--- @param resource table description
--- @return table collection
function M.new(resource)
  local self = setmetatable({
    resource = resource, by_id = {}, by_key = {}, order = {}, count = 0, last_number = 1000,
    owners = {}, -- field that names a parent -> index of its id -> set of those that belong to it
    hidden_until = 0, names = resource.operations and identity.parents(resource) or {},
  }, M)
  for _, field in ipairs(resource.shape and resource.shape.fields or {}) do
    if field.parent then self.owners[field.name] = {} end
  end
  return self
end

-- What a vendor that keeps records unique goes by; nil where a part of it is missing or null, or nothing is unique.
local function key_of(self, body, parents)
  if not self.resource.unique or not self.resource.key then return nil end
  local parts = {}
  for i, name in ipairs(self.resource.key) do
    local value = body[name]
    if value == nil then value = parents[name] end
    if type(value) ~= "string" and type(value) ~= "number" and type(value) ~= "boolean" then return nil end
    parts[i] = type(value) .. ":" .. tostring(value)
  end
  return table.concat(parts, "\0")
end

--- @param id string|number
--- @param parents table|nil name -> id
--- @param body table|nil where parents stand that are not among those
--- @return table|nil entry id, body, parents, listed_at (seconds of http.now(), nil: at once)
function M:get(id, parents, body) return self.by_id[place_of(self, id, parents, body)] end

--- The record that has the same key, unless it is `entry`.
function M:like(body, parents, entry)
  local key = key_of(self, body, parents)
  local there = key and self.by_key[key]
  if there and there ~= entry then return there end
end

-- The set of those with the same parent; nil where there is none, and `make` does not ask for one.
local function siblings(self, entry, field, make)
  local owner = entry.parents[field]
  if owner == nil then owner = entry.body[field] end
  if type(owner) ~= "string" and type(owner) ~= "number" then return nil end
  local index, sets = index_of(owner), self.owners[field]
  if make and not sets[index] then sets[index] = {} end
  return sets[index], index
end

local function leave_parents(self, entry)
  for field, sets in pairs(self.owners) do
    local set, index = siblings(self, entry, field)
    if set then set[entry] = nil end
    if set and next(set) == nil then sets[index] = nil end
  end
end

local function join_parents(self, entry)
  for field in pairs(self.owners) do
    local set = siblings(self, entry, field, true)
    if set then set[entry] = true end
  end
end

--- The records that belong to another.
--- @param field string the name of a field that has a `parent`
--- @param id string|number of that one
--- @param owner table|nil its entry, where others may have its id
--- @param names string[]|nil the parents that it is told from those by
--- @return table[] entries
function M:owned(field, id, owner, names)
  local list = {}
  for entry in pairs(self.owners[field][index_of(id)] or {}) do
    local is_its = true
    for _, name in ipairs(names or {}) do
      local own, there = owner.parents[name] or owner.body[name], entry.parents[name] or entry.body[name]
      is_its = is_its and (own == nil or there == nil or index_of(own) == index_of(there))
    end
    if is_its then list[#list + 1] = entry end
  end
  return list
end

--- An id that no record has had.
--- @param uuid function
function M:next_id(uuid)
  local shape = self.resource.ids
  if shape == "uuid" then return uuid() end
  self.last_number = self.last_number + 1
  return shape == "number" and self.last_number or ("%d"):format(self.last_number)
end

--- Adds a record, or puts one in the place of that with the same id.
function M:put(entry)
  local index, place = index_of(entry.id), place_of(self, entry.id, entry.parents, entry.body)
  local before = self.by_id[place]
  if before then
    local key = key_of(self, before.body, before.parents)
    if key and self.by_key[key] == before then self.by_key[key] = nil end
    leave_parents(self, before)
    entry.place = before.place
  else
    entry.place = #self.order + 1
    self.count = self.count + 1
    local number = tonumber(index:match("^%d+$"))
    if number and number < 2 ^ 53 then self.last_number = math.max(self.last_number, number) end
  end
  self.order[entry.place] = entry
  self.by_id[place] = entry
  local key = key_of(self, entry.body, entry.parents)
  if key then self.by_key[key] = entry end
  join_parents(self, entry)
end

local function compact(self)
  local order = {}
  for i = 1, #self.order do
    local entry = self.order[i]
    if entry then
      order[#order + 1] = entry
      entry.place = #order
    end
  end
  self.order = order
end

--- @return table|nil entry that was there
function M:remove(id, parents, body)
  local place = place_of(self, id, parents, body)
  local entry = self.by_id[place]
  if not entry then return nil end
  local key = key_of(self, entry.body, entry.parents)
  if key and self.by_key[key] == entry then self.by_key[key] = nil end
  leave_parents(self, entry)
  self.by_id[place] = nil
  self.order[entry.place] = false -- a hole would end the list
  self.count = self.count - 1
  if #self.order > 64 and #self.order > 2 * self.count then compact(self) end
  return entry
end

--- Has a record missing in lists until a time.
--- @param at number seconds of http.now()
function M:hide(entry, at)
  entry.listed_at = at
  self.hidden_until = math.max(self.hidden_until, at)
end

--- Some entries, in order.
--- @param offset number how many to leave out
--- @param size number at most so many
function M:slice(offset, size)
  if #self.order ~= self.count then compact(self) end
  local list = {}
  for i = offset + 1, math.min(offset + size, self.count) do list[#list + 1] = self.order[i] end
  return list
end

--- Every entry in order.
function M:each()
  local i, order = 0, self.order
  return function()
    repeat i = i + 1 until order[i] ~= false
    return order[i]
  end
end

return M
