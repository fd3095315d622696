--- The operations of a client's resource.
local answers = require "luaprov.provider.answer"
local call = require "luaprov.provider.call"
local changes = require "luaprov.provider.changes"
local errors = require "luaprov.errors"
local fields = require "luaprov.provider.fields"
local json = require "luaprov.json"
local listing = require "luaprov.provider.listing"
local near = require "luaprov.near"
local records = require "luaprov.provider.records"
local secret = require "luaprov.secret"
local settling = require "luaprov.provider.settling"
local template = require "luaprov.provider.template"

local M = {}

local NONE = {}

-- What every create needs, at hand.
local new_call, budget, send, free = call.new, call.budget, call.send, call.free
local check_new, settle, settled = fields.check_new, settling.settle, settling.run
local find, from = records.find, records.from

local function where(resource, operation)
  return { provider = resource.state.provider.name, resource = resource.description.name, operation = operation }
end

local function invalid(resource, operation, faults)
  local about = where(resource, operation)
  local unsupported = #faults > 0
  for _, fault in ipairs(faults) do unsupported = unsupported and fault.problem == "fixed" end
  if unsupported then about.kind = "unsupported" end
  return errors.invalid(faults, about)
end

local function operation_of(resource, name)
  local operation = call.resolve(resource.state, resource.description.operations[name])
  if operation then return operation end
  local about = where(resource, name)
  about.kind, about.outcome = "unsupported", "not_sent"
  local names = {}
  for there in pairs(resource.description.operations) do names[#names + 1] = there end
  about.message = "the provider has no such operation" .. near.hint(name, names)
  return nil, errors.new(about)
end

local function parts_of(id, parents)
  local parts = {}
  for name, value in pairs(parents or {}) do parts[name] = value end
  parts.id = id
  return parts
end

local mt = { __name = "luaprov.resource" }

local function check_self(self, name, level)
  if getmetatable(self) ~= mt then
    error("call it with a colon: client.RESOURCE:" .. name .. "(…)", level + 1)
  end
end

local function check_table(value, what, optional)
  if type(value) ~= "table" and not (optional and value == nil) then
    error(what .. " must be a table, not " .. type(value), 3)
  end
end

---@class luaprov.CallOptions of one call, in place of the client's
---@field attempts integer|nil how many tries, at least 1
---@field timeout number|nil seconds of one try
---@field patience number|nil seconds within which another try may begin
local CALL_OPTIONS = { attempts = true, timeout = true, patience = true }

local function check_options(options)
  if options == nil then return end
  if type(options) ~= "table" then error("the options of a call are a table, not " .. type(options), 3) end
  for name, value in pairs(options) do
    if not CALL_OPTIONS[name] then
      error("a call has no option '" .. tostring(name) .. "'" .. near.hint(tostring(name),
        { "attempts", "timeout", "patience" }), 3)
    elseif type(value) ~= "number" or not (value > 0 and value < 1e9) then
      error(name .. " must be a number above zero, not " .. tostring(value), 3)
    elseif name == "attempts" and value ~= math.floor(value) then
      error("attempts must be a whole number, not " .. tostring(value), 3)
    end
  end
end

---@class luaprov.Resource
local Resource = {}

-- get, once its arguments are known to be good; within what is left to the call that it belongs to, if it does.
local function read(resource, operation, id, parents, options, within)
  local path, faults = call.path(resource.state, operation, parts_of(id, parents))
  if not path then return nil, invalid(resource, "get", faults) end
  local get = new_call(resource, operation, path, function(answer, context)
    return from(resource, operation, answer, context, path, parents, id)
  end)
  local record, err = send(within and call.share(get, within) or budget(get, options))
  if record then free(get) end
  return record, err
end

-- What a call has done is done, whether or not it can be read back: the record then holds what is known, and the error
-- of the reading comes second.
local function read_back(resource, id, checked, input, done)
  local operation = operation_of(resource, "get")
  local record, err
  if operation then record, err = read(resource, operation, id, checked.parents, nil, done) end
  if record then return secret.close_like(record, input) end
  return secret.close_like(records.make(resource, fields.wire(checked), id, checked.parents), input), err
end

-- Of an answer that may be empty; what is there is JSON.
local function read_nothing(answer, context)
  if answer.not_json then return nil, answers.unusable(answer, context, "the answer is no JSON") end
  return true
end

-- What a create's answer has: the record, or its id, and then nothing else.
local function read_created(answer, context)
  local operation, resource = context.description, context.owner
  local body = operation.returns ~= "nothing" and find(answer, operation.record, "object")
  if body then return from(resource, operation, answer, context, context.path, context.parents, nil, body) end
  local id = records.id(answer, {}, resource, operation, context.path)
  if id ~= nil then
    context.id = id
    return true
  end
  local missing = operation.returns == "nothing" and "id" or operation.id and "record and no id" or "record"
  local why = records.no_id(answer, context, resource, operation):gsub("^the answer has no id", "")
  return nil, answers.unusable(answer, context, "the answer has no " .. missing .. why)
end

-- Sends a create. Its answer has the record, or nothing but the id; what was created is then read back.
local function create(new)
  local record, err = send(new)
  if not record then
    for _, candidate in ipairs(err.candidates or {}) do secret.close_like(candidate, new.input) end
    return nil, err
  elseif record == true then
    return read_back(new.owner, new.id, new, new.input, new)
  end
  -- Without a secret in it nothing is to be closed.
  if new.opened[1] or new.state.marks then secret.close_like(record, new.input) end
  return record
end

-- The faults of a check, and those of a path as far as the check has none of the same part.
local function all_faults(of_check, of_path)
  local all, told = {}, {}
  for i, fault in ipairs(of_check) do all[i], told[fault.path] = fault, true end
  for _, fault in ipairs(of_path or NONE) do
    if not told[fault.path] then all[#all + 1] = fault end
  end
  return all
end

--- The first half of `create`: what it is to send.
--- @param self luaprov.Resource
--- @param input table
--- @return table|nil new for `create`: a call, with what fields.check has found (wire, where secrets are opened,
---   parents, opened)
--- @return luaprov.Error|nil err
function M.check(self, input)
  local operation, err = operation_of(self, "create")
  if not operation then return nil, err end
  local body, checked = check_new(self.description.shape, input, self.state.marks)
  local path, faults = call.path(self.state, operation, body and NONE or checked.parents)
  if faults or checked and checked.faults[1] then
    return nil, invalid(self, "create", all_faults(body and NONE or checked.faults, faults))
  end
  local new = new_call(self, operation, path, read_created)
  new.input, new.settle = input, settle
  if body then
    new.body = body
  else
    new.content, new.wire, new.parents, new.opened = checked.wire, checked.wire, checked.parents, checked.opened
  end
  return new
end

--- The other half, for whoever has noted what was there before.
--- @param new table of `check`
--- @param note table|nil known: the ids as a set
--- @return table|nil record
--- @return luaprov.Error|nil err
function M.create(new, note) return settled(create, budget(new), note) end

--- Creates a record.
---@param input table fields by the vendor's names; a parent in the path goes among them
---@param options luaprov.CallOptions|nil
---@return table|nil record
---@return luaprov.Error|nil err with a record: what was created could not be read back
function Resource:create(input, options)
  if getmetatable(self) ~= mt or type(input) ~= "table" then
    check_self(self, "create", 2)
    check_table(input, "create's fields")
  end
  if options ~= nil then check_options(options) end
  local new, err = M.check(self, input)
  if not new then return nil, err end
  local record
  record, err = settled(create, budget(new, options))
  if not err then free(new) end
  return record, err
end

--- Reads a record.
---@param id string|integer
---@param parents table|nil the parents in the path by the record's names for them; a record will do
---@param options luaprov.CallOptions|nil
---@return table|nil record
---@return luaprov.Error|nil err
function Resource:get(id, parents, options)
  check_self(self, "get", 2)
  check_options(options)
  check_table(parents, "get's parents", true)
  local operation, err = operation_of(self, "get")
  if not operation then return nil, err end
  return read(self, operation, id, parents or {}, options)
end

--- Changes a record.
---@param id string|integer
---@param input table the fields that change, and the parents in the path; luaprov.null empties a field
---@param parents table|nil the parents in the path, where they are not among the fields; a record will do
---@param options luaprov.CallOptions|nil
---@return table|nil record as it is afterwards
---@return luaprov.Error|nil err with a record: the change was made and could not be read back
function Resource:update(id, input, parents, options)
  check_self(self, "update", 2)
  check_options(options)
  check_table(input, "update's fields")
  check_table(parents, "update's parents", true)
  local operation, err = operation_of(self, "update")
  if not operation then return nil, err end
  local shape, in_path = self.description.shape, template.names(operation.path)
  local update, within = new_call(self, operation), {}
  budget(update, options)
  for _, name in ipairs(shape.paths) do
    if in_path[name] then within[name] = rawget(input, name) end
    if in_path[name] and within[name] == nil then within[name] = parents and parents[name] end
  end
  local path, path_faults = call.path(self.state, operation, parts_of(id, within))
  local record
  if fields.needs_record(shape, input) or operation.sends == "whole" then
    -- What is wrong in every variant is told before anything is sent.
    local sure = fields.check(shape, input, {
      operation = "update", in_path = in_path, tentative = true, marks = self.state.marks,
    })
    for _, fault in ipairs(path_faults or {}) do table.insert(sure.faults, 1, fault) end
    if #sure.faults > 0 then return nil, invalid(self, "update", sure.faults) end
    local get
    get, err = operation_of(self, "get")
    if get then record, err = read(self, get, id, within, nil, update) end
    if not record then
      -- Whatever became of the reading, nothing has been changed.
      err.operation, err.outcome = "update", "not_sent"
      err.message = "the record cannot be read first: " .. err.message
      return nil, err
    end
  end
  local checked = fields.check(shape, input, {
    operation = "update", in_path = in_path, record = record, marks = self.state.marks,
  })
  checked.parents = within
  for _, fault in ipairs(path_faults or {}) do table.insert(checked.faults, 1, fault) end
  if #checked.faults == 0 and next(checked.wire) == nil then
    checked.faults[1] = { path = "", message = "there is nothing to change", problem = "required" }
  end
  if #checked.faults > 0 then return nil, invalid(self, "update", checked.faults) end
  local whole = operation.sends == "whole"
    and fields.writable(shape, record, self.description.id, checked.opened) or nil
  local body, content_type = changes.body(operation.sends, checked.wire, whole)
  update.path, update.content, update.content_type, update.opened = path, body, content_type, checked.opened
  function update.read(answer, context)
    if operation.returns ~= "nothing" then
      return from(self, operation, answer, context, path, checked.parents, id)
    end
    return read_nothing(answer, context)
  end
  local done
  done, err = send(call.share(update, update))
  if not done then return nil, err end
  if operation.returns ~= "nothing" then return secret.close_like(done, input) end
  return read_back(self, id, checked, input, update)
end

--- Removes a record.
---@param id string|integer
---@param parents table|nil as for get
---@param options luaprov.CallOptions|nil
---@return boolean|nil done
---@return luaprov.Error|nil err
function Resource:delete(id, parents, options)
  check_self(self, "delete", 2)
  check_options(options)
  check_table(parents, "delete's parents", true)
  local operation, err = operation_of(self, "delete")
  if not operation then return nil, err end
  local path, faults = call.path(self.state, operation, parts_of(id, parents))
  if not path then return nil, invalid(self, "delete", faults) end
  local done
  local removal = budget(new_call(self, operation, path, read_nothing), options)
  done, err = send(removal)
  if not done then return nil, err end
  free(removal)
  settling.removed(self, operation, id, parents)
  return true
end

local function walk(resource, query, options)
  local operation, err = operation_of(resource, "list")
  if not operation then return nil, err end
  local next_page, faults = listing.walk(resource, operation, query, options)
  if not next_page then return nil, invalid(resource, "list", faults) end
  return next_page
end

--- Every record, from all pages.
---@param query table|nil the vendor's filters, and the parents in the path
---@param options luaprov.CallOptions|nil of each page
---@return table[]|nil records
---@return luaprov.Error|nil err
function Resource:list(query, options)
  check_self(self, "list", 2)
  check_options(options)
  check_table(query, "list's query", true)
  local next_page, err = walk(self, query or {}, options)
  if not next_page then return nil, err end
  local all = json.array {}
  while true do
    local page
    page, err = next_page()
    if err then return nil, err end
    if not page then return all end
    for _, record in ipairs(page) do all[#all + 1] = record end
  end
end

--- Walks through every record, page by page: `for record, err in client.hubs:each() do`.
--- When a page cannot be had, the last turn gets `false, err`: a walk that broke never looks like one that ended.
---@param query table|nil as for list
---@param options luaprov.CallOptions|nil of each page
---@return function iterator
function Resource:each(query, options)
  check_self(self, "each", 2)
  check_options(options)
  check_table(query, "each's query", true)
  local next_page, err = walk(self, query or {}, options)
  local page, index, broken = {}, 0, false
  if not next_page then next_page = function() return nil, err end end
  return function()
    if broken then return nil end
    index = index + 1
    while page and index > #page do
      page, err = next_page()
      if err then
        broken = true
        return false, err
      end
      index = 1
    end
    return page and page[index] or nil
  end
end

function mt.__index(self, name)
  local names = {}
  for operation in pairs(Resource) do names[#names + 1] = operation end
  local description = rawget(self, "description")
  error((description and description.name or "a resource") .. " has no operation '" .. tostring(name) .. "'"
    .. near.hint(tostring(name), names), 2)
end

--- @param description table of the resource
--- @param state table a client's inside
--- @return luaprov.Resource
function M.new(description, state)
  local resource = { description = description, state = state }
  for name, operation in pairs(Resource) do resource[name] = operation end
  return setmetatable(resource, mt)
end

return M
