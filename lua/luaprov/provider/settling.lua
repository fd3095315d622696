--- A create that knows what was there before, and finds out what became of it: `policy/settle` over a resource's list.
local call = require "luaprov.provider.call"
local errors = require "luaprov.errors"
local listing = require "luaprov.provider.listing"
local records = require "luaprov.provider.records"
local settle = require "luaprov.policy.settle"
local template = require "luaprov.provider.template"

local M = {}

local Session = {}
Session.__index = Session

-- Every record of the collection.
local function list_of(resource, operation, parents)
  local query, in_path = {}, template.names(operation.path)
  for name, value in pairs(parents) do
    local filter = false
    for _, known in ipairs(operation.query or {}) do filter = filter or known == name end
    if in_path[name] or filter then query[name] = value end
  end
  local next_page, faults = listing.walk(resource, operation, query)
  if not next_page then return nil, errors.invalid(faults) end
  local all = {}
  while true do
    local page, err = next_page()
    if err then return nil, err end
    if not page then return all end
    for _, record in ipairs(page) do all[#all + 1] = record end
  end
end

-- The whole of a record of which a list shows a part; the part where it cannot be read.
local function whole(resource, operation, record, parents)
  local parts = { id = record.id }
  for name, value in pairs(parents) do parts[name] = value end
  local path = call.path(resource.state, operation, parts)
  local answer = path and call.send(resource.state, {
    resource = resource.description.name, operation = operation, path = path,
  })
  local body = answer and records.find(answer, operation.record, "object")
  return body and records.make(resource, body, record.id, parents) or record
end

local function described(candidates)
  local ids = {}
  for i, record in ipairs(candidates) do
    if i > 5 then
      ids[i] = "and others"
      break
    end
    ids[i] = tostring(record.id)
  end
  return table.concat(ids, ", ")
end

-- What retry asks when a create may have been carried out.
local function settle_create(self, err, attempts)
  local description = self.resource.description
  -- The vendor itself refuses a second one.
  if description.unique and err.outcome == "unknown" then return nil, "again" end
  if not self.list then return nil, "the provider has no list, or no key, to look it up" end
  local last = 0
  for _, attempt in ipairs(attempts) do
    if attempt.outcome == "unknown" then last = attempts.began + attempt.at end
  end
  local record, verdict, candidates = settle.find {
    resource = description, wanted = self.wanted, list = self.list, get = self.get, collection = self.collection,
    over_at = last + self.budget.timeout + description.settles_in, ends = self.budget.ends,
  }
  if record then return { settled = record } end
  if verdict == "not there" and err.kind ~= "conflict" then return nil, verdict end
  if verdict == "not there" then verdict = "the vendor says that it exists, and its list does not have it" end
  err.outcome, err.candidates = "unknown", candidates or {}
  err.message = err.message .. "; whether it was created is not known: " .. verdict
    .. (err.candidates[1] and "; look at " .. description.name .. " " .. described(err.candidates) or "")
  return nil, verdict
end

--- Begins a create: notes what is there, where the client settles.
--- @param resource luaprov.Resource
--- @param checked table wire, parents
--- @param budget table of the call
--- @return table|nil session settle (for call.send)
--- @return luaprov.Error|nil err nothing has been sent
function M.begin(resource, checked, budget)
  local description, client = resource.description, resource.state
  local self = setmetatable({ resource = resource, budget = budget, wanted = {} }, Session)
  for _, values in ipairs { checked.wire, checked.parents } do
    for name, value in pairs(values) do self.wanted[name] = value end
  end
  self.settle = function(err, attempts) return settle_create(self, err, attempts) end
  local operation = description.key and call.resolve(client, description.operations.list)
  if not operation then return self end
  self.list = function() return list_of(resource, operation, checked.parents) end
  local get = operation.shows and call.resolve(client, description.operations.get)
  if get then self.get = function(record) return whole(resource, get, record, checked.parents) end end
  if not client.settle then return self end
  local collection = settle.collection(client, description, checked.parents)
  local ok, err = settle.note(collection, self.list)
  if not ok then
    local copy = {}
    for name, value in pairs(err) do copy[name] = value end
    copy.operation, copy.outcome = "create", "not_sent"
    copy.message = "what is there already cannot be listed first: " .. err.message
    return nil, errors.new(copy)
  end
  local why
  self.key, why = settle.enter(collection, description, self.wanted, math.huge)
  if not self.key then
    return nil, errors.new {
      kind = why, outcome = "not_sent", message = "another create of the same key goes on", operation = "create",
      provider = client.provider.name, resource = description.name,
    }
  end
  self.collection = collection
  return self
end

--- Ends it.
--- @param record table|nil what was created
function Session:finish(record)
  if not self.collection then return end
  if record then settle.claim(self.collection, record.id) end
  settle.leave(self.collection, self.key)
  self.collection = nil
end

return M
