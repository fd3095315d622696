--- A create that knows what was there before, and finds out what became of it: `policy/settle` over a resource's list.
local call = require "luaprov.provider.call"
local compare = require "luaprov.policy.compare"
local errors = require "luaprov.errors"
local fields = require "luaprov.provider.fields"
local http = require "luaprov.http"
local listing = require "luaprov.provider.listing"
local notes = require "luaprov.policy.notes"
local records = require "luaprov.provider.records"
local runtime = require "luaprov.runtime"
local secret = require "luaprov.secret"
local settle = require "luaprov.policy.settle"
local template = require "luaprov.provider.template"

local M = {}

-- Walks through every record of the collection; none is kept. Returns how many pages there were.
local function walk(resource, operation, parents, each, ends)
  local query, in_path = {}, template.names(operation.path)
  for name, value in pairs(parents) do
    local filter = false
    for _, known in ipairs(operation.query or {}) do filter = filter or known == name end
    if in_path[name] or filter then query[name] = value end
  end
  local next_page, faults = listing.walk(resource, operation, query, { ends = ends })
  if not next_page then return nil, errors.invalid(faults) end
  local count = 0
  while true do
    local page, err = next_page()
    if err then return nil, err end
    if not page then return count end
    count = count + 1
    for _, record in ipairs(page) do each(record) end
  end
end

-- The whole of a record of which a list may show a part; false when it is gone.
local function whole(resource, operation, record, parents, ends)
  local parts = { id = record.id }
  for name, value in pairs(parents) do parts[name] = value end
  local path, faults = call.path(resource.state, operation, parts)
  if not path then return nil, errors.invalid(faults) end
  local get = call.new(resource, operation, path, function(answer, context)
    return records.from(resource, operation, answer, context, path, parents, record.id)
  end)
  local found, err = call.send(call.budget(get, { ends = ends }))
  if not found and err.kind == "not_found" and err.outcome == "refused" then return false end
  return found, err
end

local function described(candidates)
  local ids = {}
  for i, record in ipairs(candidates) do
    if i > 5 then
      ids[i] = "and others"
      break
    end
    ids[i] = compare.text(record.id)
  end
  return table.concat(ids, ", ")
end

-- What somebody would look for in the vendor's portal, as far as it may be shown.
local function key_shown(self)
  local parts = {}
  for _, name in ipairs(self.resource.description.key or {}) do
    local value = self.wanted[name]
    if type(value) == "string" or type(value) == "number" then
      parts[#parts + 1] = name .. " '" .. compare.text(value) .. "'"
    end
  end
  return parts[1] and " with " .. table.concat(parts, ", ") or ""
end

-- The create stays unknown: says why, if that is more than its error says, and what to look at.
local function left_open(self, err, why, candidates)
  local name = self.resource.description.name
  err.outcome, err.candidates = "unknown", candidates or {}
  err.message = err.message .. "; whether it was created is not known" .. (why and ": " .. why or "") .. "; look "
    .. (err.candidates[1] and "at " .. name .. " " .. described(err.candidates) or "for " .. name .. key_shown(self))
  return nil, why or "it may have been done"
end

-- What was sent, with its secrets closed again.
local function closed(value, opened)
  if type(value) ~= "table" then return opened[value] and secret.new(value) or value end
  local copy = setmetatable({}, getmetatable(value))
  for name, inner in pairs(value) do copy[name] = closed(inner, opened) end
  return copy
end

local function wanted_of(checked)
  local wanted, opened = {}, {}
  for _, value in ipairs(checked.opened) do opened[value] = true end
  for _, values in ipairs { fields.wire(checked), checked.parents } do
    for name, value in pairs(values) do wanted[name] = closed(value, opened) end
  end
  return wanted
end

-- How it can be looked for, if at all.
local list_of = call.list

--- How a record of a collection is looked for.
--- @param resource luaprov.Resource
--- @param parents table name -> value, what of the record's fields its list and its path take
--- @return function|nil pages each, ends -> how many pages; or nil, err. nil: there is no list, or no key
--- @return function|nil get record, ends -> the whole record, false when it is gone; or nil, err
function M.looks(resource, parents)
  local list = list_of(resource)
  if not list then return nil end
  local get, whole_of = call.resolve(resource.state, resource.description.operations.get), nil
  if get then whole_of = function(record, ends) return whole(resource, get, record, parents, ends) end end
  return function(each, ends) return walk(resource, list, parents, each, ends) end, whole_of
end

--- What a create sends, parents among it, its secrets closed.
--- @param checked table of resource.check
--- @return table wanted
M.wanted = wanted_of

-- What settling needs; most creates do without.
local function learn(self)
  if self.wanted then return end
  self.wanted = wanted_of(self.checked)
  self.pages, self.get = M.looks(self.resource, self.checked.parents)
end

-- A create that may have to be settled. noted: of whoever has noted itself what was there before (known: set of ids).
local function new_session(new, noted)
  new.session = { resource = new.owner, budget = new.budget, checked = new, note = noted }
  return new.session
end

--- What retry asks when a create may have been carried out, now or by an earlier try.
--- @param new table of resource.check
function M.settle(err, is_last, new)
  local self = new.session or new_session(new)
  local description = self.resource.description
  learn(self)
  -- Of a create that is to be one exchange what to look for is told, and nothing looked for.
  if not self.resource.state.settle and not self.note and self.budget.attempts == 1 then return left_open(self, err) end
  -- Whoever cancels waits for nothing more.
  if err.kind == "cancelled" or runtime.cancelled() then
    return left_open(self, err, "cancelled before it could be looked for")
  end
  -- The vendor itself refuses a second one.
  if description.unique and err.outcome == "unknown" and not is_last then return nil, "again" end
  if not self.pages then
    return left_open(self, err, "the provider has no list, or no key, to look it up")
  end
  local record, verdict, candidates = settle.find {
    resource = description, wanted = self.wanted, pages = self.pages, get = self.get, note = self.note,
    collection = self.turn and self.turn.collection, unique = description.unique,
    over_at = new.over + description.settles_in, ends = self.budget.settles_until,
  }
  if record then return record end
  -- Refused because of it: whatever the tries before have met, they have met it, too.
  if verdict == "held" and (description.unique or err.outcome == "refused") then return nil, "refused" end
  if verdict ~= "held" and verdict ~= "not there" then return left_open(self, err, verdict, candidates) end
  if err.outcome ~= "refused" then return nil, "not there" end
  if err.kind ~= "conflict" then return nil, "refused" end
  return left_open(self, err, "the vendor says that it exists, and its list does not have it")
end

-- What is known of where it creates: nothing for a client that does not settle, unless another one of its account does.
local function collection_of(resource, checked)
  local client = resource.state
  if not client.settle and next(client.collections()) == nil then return nil end
  return notes.collection(client, resource.description, checked.parents, client.settle)
end

-- Waits for the create's turn. One that is not settled has one, too: whoever settles could not tell the two apart.
local function enter(self, collection)
  local description = self.resource.description
  self.turn = notes.turn(collection, description, self.wanted)
  local ok, why = notes.enter(self.turn)
  if ok then return true end
  return nil, errors.new {
    kind = why, outcome = "not_sent", operation = "create", provider = self.resource.state.provider.name,
    resource = description.name, message = (why == "cancelled" and "cancelled" or "the deadline passed")
      .. " while another create with the same key went on",
  }
end

-- Notes what is there.
local function note(self)
  local err
  self.note, err = notes.note(self.turn.collection, function(each) return self.pages(each) end)
  if self.note then return true end
  -- One error may be that of many who shared the list.
  local own = { provider = self.resource.state.provider.name, resource = self.resource.description.name }
  for name, value in pairs(err) do own[name] = value end
  own.operation, own.outcome = "create", "not_sent"
  own.message = "what is there already cannot be listed first: " .. err.message
  return nil, errors.new(own)
end

-- What comes before it is sent. The call's time begins anew then.
local function prepare(self, collection)
  local began, budget = http.now(), self.budget
  learn(self)
  local ok, err = enter(self, collection)
  if ok and self.resource.state.settle then ok, err = note(self) end
  local waited = http.now() - began
  budget.ends, budget.settles_until = budget.ends + waited, budget.settles_until + waited
  return ok, err
end

--- A record is gone.
--- @param resource luaprov.Resource
--- @param operation table description of delete
--- @param id string|number
--- @param parents table|nil
function M.removed(resource, operation, id, parents)
  local client, within = resource.state, {}
  for name in pairs(template.names(operation.path)) do
    within[name] = parents and parents[name]
    if within[name] == nil then within[name] = client.settings[name] end
  end
  notes.remove(client.collections(), resource.description, id, within)
end

-- What is known of the collection after it.
local function finish(self, record, err)
  local collection = self.turn and self.turn.collection
  if collection and record then notes.claim(collection, record.id)
  elseif collection and self.began and (not err or err.outcome == "unknown") then notes.forget(collection) end
  if self.turn then notes.leave(self.turn) end
end

local function prepared(self, collection, create)
  local ok, err = prepare(self, collection)
  if not ok then return nil, err end
  self.began, self.checked.began = true, http.now()
  return create(self.checked)
end

local function traced(err) return type(err) == "string" and debug.traceback(err, 2) or err end

local function finished(self, ok, record, err)
  finish(self, ok and record or nil, ok and err or nil)
  if not ok then error(record, 0) end
  return record, err
end

-- Another client may have begun to settle meanwhile.
local function claimed(new, record, err)
  local collection = record and collection_of(new.owner, new)
  if collection then notes.claim(collection, record.id) end
  return record, err
end

--- Runs a create: where the client, or another one of its account, settles, when no other create with the same key goes
--- on; and where it settles itself, when what is there is noted. Its turn ends also when something is raised on the way
--- (a Ctrl-C), or no other create with its key would ever go on.
--- @param create function new -> record, err
--- @param new table of resource.check; gains session where what it needs to be settled is known before
--- @param noted table|nil of whoever has noted itself what was there before (known: set of ids)
--- @return any what create returned; nil and an error when nothing has been sent
function M.run(create, new, noted)
  if noted then
    new_session(new, noted)
    return create(new)
  end
  if not new.list then return create(new) end
  local collection = collection_of(new.owner, new)
  if not collection then return claimed(new, create(new)) end
  local session = new_session(new)
  return finished(session, xpcall(prepared, traced, session, collection, create))
end

return M
