--- A client: a provider bound to credentials and settings, and the operations of its resources.
local answers = require "luaprov.provider.answer"
local call = require "luaprov.provider.call"
local changes = require "luaprov.provider.changes"
local digits = require "luaprov.provider.digits"
local errors = require "luaprov.errors"
local fields = require "luaprov.provider.fields"
local json = require "luaprov.json"
local near = require "luaprov.near"
local options = require "luaprov.provider.client_options"
local pages = require "luaprov.provider.pages"
local secret = require "luaprov.secret"
local template = require "luaprov.provider.template"

local M = {}

local function where(resource, operation)
  return { provider = resource.state.provider.name, resource = resource.description.name, operation = operation }
end

local function invalid(resource, operation, faults)
  local about = where(resource, operation)
  local unsupported = #faults > 0
  for _, fault in ipairs(faults) do unsupported = unsupported and fault.kind == "unsupported" end
  if unsupported then about.kind = "unsupported" end
  return errors.invalid(faults, about)
end

local function operation_of(resource, name)
  local operation = call.resolve(resource.state, resource.description.operations[name])
  if operation then return operation end
  local about = where(resource, name)
  about.kind, about.outcome = "unsupported", "not_sent"
  about.message = "the provider has no such operation"
  return nil, errors.new(about)
end

-- What stands at the first of several body paths that has it. Where it must be a table, text does not do.
local function find(answer, paths, wanted)
  for _, keys in ipairs(paths) do
    local value = answers.at(answer.body, keys)
    if type(value) == "table" and (wanted == nil or json.is_array(value) == (wanted == "array")) then return value end
  end
end

-- The id that a Location header ends with, if it names a record of the collection that was asked.
local function location_id(answer, path)
  local location = (answer.headers.location or ""):gsub("[?#].*$", ""):gsub("/+$", "")
  local collection = path:match("[^/]+$")
  local parent, id = location:match("([^/]+)/([^/]+)$")
  if not id or parent ~= collection then return nil end
  return template.unescape(id)
end

local function is_id(value) return (type(value) == "string" and value ~= "") or type(value) == "number" end

local function find_id(answer, record, resource, operation, path)
  local own = record[resource.description.id]
  if is_id(own) then return own end
  for _, source in ipairs(operation.id or {}) do
    local id
    if source == "location" then id = location_id(answer, path) else id = answers.at(answer.body, source) end
    if is_id(id) then return id end
  end
end

-- Makes a record of what the vendor sent: secrets closed, `id` gained, parents there as the record itself names them.
local function as_record(resource, body, id, parents)
  local record = fields.read(resource.description.shape.reader, body)
  record.id = id
  for _, name in ipairs(resource.description.shape.paths) do
    if record[name] == nil then record[name] = parents[name] end
  end
  return record
end

local function record_in(resource, operation, answer, context, path, parents, known_id)
  local body = find(answer, operation.record, "object")
  if not body then return nil, answers.unusable(answer, context, "the answer has no record") end
  local id = find_id(answer, body, resource, operation, path) or known_id
  if id == nil then return nil, answers.unusable(answer, context, "the answer has no id") end
  return as_record(resource, body, id, parents)
end

local function parts_of(id, parents)
  local parts = {}
  for name, value in pairs(parents or {}) do parts[name] = value end
  parts.id = id
  return parts
end

local function check_self(self, name, level)
  if getmetatable(self) == nil or not self.description or not self.state then
    error("call it with a colon: client.RESOURCE:" .. name .. "(…)", level + 1)
  end
end

local function check_table(value, what, optional)
  if type(value) ~= "table" and not (optional and value == nil) then
    error(what .. " must be a table, not " .. type(value), 3)
  end
end

---@class luaprov.Resource
local Resource = {}

-- get, once its arguments are known to be good.
local function read(resource, operation, id, parents)
  local path, faults = call.path(resource.state, operation, parts_of(id, parents))
  if not path then return nil, invalid(resource, "get", faults) end
  local answer, err, context = call.send(resource.state, {
    resource = resource.description.name, operation = operation, path = path,
  })
  if not answer then return nil, err end
  return record_in(resource, operation, answer, context, path, parents, nil)
end

-- What a call has done is done, whether or not it can be read back: the record then holds what is known, and the error
-- of the reading comes second.
local function read_back(resource, id, parents, sent, opened)
  local operation = operation_of(resource, "get")
  local record, err
  if operation then record, err = read(resource, operation, id, parents) end
  if record then return record end
  return as_record(resource, secret.seal(sent, opened), id, parents), err
end

--- Creates a record.
---@param input table fields by the vendor's names; a parent in the path goes among them
---@return table|nil record
---@return luaprov.Error|nil err with a record: what was created could not be read back
function Resource:create(input)
  check_self(self, "create", 2)
  check_table(input, "create's fields")
  local operation, err = operation_of(self, "create")
  if not operation then return nil, err end
  local checked = fields.check(self.description.shape, input, { operation = "create" })
  local path, faults = call.path(self.state, operation, checked.parents)
  for _, fault in ipairs(faults or {}) do
    local there
    for _, other in ipairs(checked.faults) do there = there or other.path == fault.path end
    if not there then checked.faults[#checked.faults + 1] = fault end
  end
  if #checked.faults > 0 then return nil, invalid(self, "create", checked.faults) end
  local answer, context
  answer, err, context = call.send(self.state, {
    resource = self.description.name, operation = operation, path = path,
    body = checked.wire, opened = checked.opened,
  })
  if not answer then return nil, err end
  if operation.returns ~= "nothing" then
    return record_in(self, operation, answer, context, path, checked.parents)
  end
  local id = find_id(answer, {}, self, operation, path)
  if id == nil then return nil, answers.unusable(answer, context, "the answer has no id") end
  return read_back(self, id, checked.parents, checked.wire, checked.opened)
end

--- Reads a record.
---@param id string|integer
---@param parents table|nil the parents in the path by the record's names for them; a record will do
---@return table|nil record
---@return luaprov.Error|nil err
function Resource:get(id, parents)
  check_self(self, "get", 2)
  check_table(parents, "get's parents", true)
  local operation, err = operation_of(self, "get")
  if not operation then return nil, err end
  return read(self, operation, id, parents or {})
end

local function names_in(operation)
  local set = {}
  for _, name in ipairs(operation.path.names) do set[name] = true end
  return set
end

--- Changes a record.
---@param id string|integer
---@param input table the fields that change, and the parents in the path; luaprov.null empties a field
---@return table|nil record as it is afterwards
---@return luaprov.Error|nil err with a record: the change was made and could not be read back
function Resource:update(id, input)
  check_self(self, "update", 2)
  check_table(input, "update's fields")
  local operation, err = operation_of(self, "update")
  if not operation then return nil, err end
  local shape, in_path = self.description.shape, names_in(operation)
  local parents = {}
  for _, name in ipairs(shape.paths) do
    if in_path[name] then parents[name] = rawget(input, name) end
  end
  local path, path_faults = call.path(self.state, operation, parts_of(id, parents))
  local record
  if path and (fields.needs_record(shape, input) or operation.sends == "whole") then
    record, err = self:get(id, parents)
    if not record then
      -- Whatever became of the reading, nothing has been changed.
      err.operation, err.outcome = "update", "not_sent"
      err.message = "the record cannot be read first: " .. err.message
      return nil, err
    end
  end
  local checked = fields.check(shape, input, { operation = "update", in_path = in_path, record = record })
  for _, fault in ipairs(path_faults or {}) do table.insert(checked.faults, 1, fault) end
  if #checked.faults == 0 and next(checked.wire) == nil then
    checked.faults[1] = { path = "", message = "there is nothing to change" }
  end
  if #checked.faults > 0 then return nil, invalid(self, "update", checked.faults) end
  local whole = operation.sends == "whole" and fields.writable(shape, record, checked.opened) or nil
  local body, content_type = changes.body(operation.sends, checked.wire, whole)
  local answer, context
  answer, err, context = call.send(self.state, {
    resource = self.description.name, operation = operation, path = path,
    body = body, content_type = content_type, opened = checked.opened,
  })
  if not answer then return nil, err end
  if operation.returns ~= "nothing" then
    return record_in(self, operation, answer, context, path, checked.parents, id)
  end
  return read_back(self, id, checked.parents, checked.wire, checked.opened)
end

--- Removes a record.
---@param id string|integer
---@param parents table|nil as for get
---@return boolean|nil done
---@return luaprov.Error|nil err
function Resource:delete(id, parents)
  check_self(self, "delete", 2)
  check_table(parents, "delete's parents", true)
  local operation, err = operation_of(self, "delete")
  if not operation then return nil, err end
  local path, faults = call.path(self.state, operation, parts_of(id, parents))
  if not path then return nil, invalid(self, "delete", faults) end
  local answer
  answer, err = call.send(self.state, { resource = self.description.name, operation = operation, path = path })
  if not answer then return nil, err end
  return true
end

-- The query text of list's filters, and the parents among them.
local function read_query(resource, operation, query)
  local in_path, faults, parts, parents = names_in(operation), {}, {}, {}
  local allowed, names = {}, {}
  for _, name in ipairs(operation.query or {}) do
    allowed[name] = true
    names[#names + 1] = name
  end
  for name in pairs(in_path) do
    if not resource.state.is_setting[name] then names[#names + 1] = name end
  end
  for _, name in ipairs(fields.keys(query)) do
    local value = query[name]
    if in_path[name] then
      parents[name] = value
    elseif not allowed[name] then
      faults[#faults + 1] = { path = tostring(name), message = "is unknown" .. near.hint(tostring(name), names) }
    elseif type(value) ~= "string" and type(value) ~= "number" and type(value) ~= "boolean" then
      faults[#faults + 1] = { path = name, message = "must be text, a number or a boolean" }
    else
      local text = type(value) == "number" and digits(value) or tostring(value)
      parts[#parts + 1] = template.escape(name) .. "=" .. template.escape(text)
    end
  end
  table.sort(parts)
  return table.concat(parts, "&"), parents, faults
end

-- A function that returns the records of the next page, nil after the last, or nil and an error.
local function walk_pages(resource, query)
  local operation, err = operation_of(resource, "list")
  if not operation then return nil, err end
  local filter, parents, faults = read_query(resource, operation, query)
  local path, path_faults = call.path(resource.state, operation, parents)
  for _, fault in ipairs(path_faults or {}) do faults[#faults + 1] = fault end
  if #faults > 0 then return nil, invalid(resource, "list", faults) end
  local walk, more = pages.start(operation.pages), true
  return function()
    if not more then return nil end
    local page_query = pages.query(walk)
    local both = page_query and filter ~= "" and filter .. "&" .. page_query or page_query or filter
    local answer, failed, context = call.send(resource.state, {
      resource = resource.description.name, operation = operation, path = path, query = both,
    })
    if not answer then return nil, failed end
    local items = find(answer, operation.items, "array")
    if not items then return nil, answers.unusable(answer, context, "the answer has no list") end
    local records = {}
    for i, item in ipairs(items) do
      local own = type(item) == "table" and item[resource.description.id]
      if not is_id(own) then
        return nil, answers.unusable(answer, context, "item " .. i .. " has no id")
      end
      records[i] = as_record(resource, item, own, parents)
    end
    local total = operation.pages and operation.pages.total and answers.at(answer.body, operation.pages.total[1])
    local fresh
    fresh, more = pages.take(walk, records, tonumber(total))
    if not fresh then return nil, answers.unusable(answer, context, more) end
    return fresh
  end
end

--- Every record, from all pages.
---@param query table|nil the vendor's filters, and the parents in the path
---@return table[]|nil records
---@return luaprov.Error|nil err
function Resource:list(query)
  check_self(self, "list", 2)
  check_table(query, "list's query", true)
  local next_page, err = walk_pages(self, query or {})
  if not next_page then return nil, err end
  local records = json.array {}
  while true do
    local page
    page, err = next_page()
    if err then return nil, err end
    if not page then return records end
    for _, record in ipairs(page) do records[#records + 1] = record end
  end
end

--- Walks through every record, page by page: `for record, err in client.hubs:each() do`.
--- When a page cannot be had, the last turn gets `false, err`: a walk that broke never looks like one that ended.
---@param query table|nil as for list
---@return function iterator
function Resource:each(query)
  check_self(self, "each", 2)
  check_table(query, "each's query", true)
  local next_page, err = walk_pages(self, query or {})
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

local resource_mt = { __name = "luaprov.resource" }

function resource_mt.__index(self, name)
  if Resource[name] then return Resource[name] end
  local names = {}
  for operation in pairs(Resource) do names[#names + 1] = operation end
  local description = rawget(self, "description")
  error((description and description.name or "a resource") .. " has no operation '" .. tostring(name) .. "'"
    .. near.hint(tostring(name), names), 2)
end

local client_mt = { __name = "luaprov.client" }

function client_mt.__index(self, name)
  local state = rawget(self, 1)
  local names = {}
  for _, resource in ipairs(state.provider.resources) do names[#names + 1] = resource.name end
  error(state.provider.name .. " has no resource '" .. tostring(name) .. "'" .. near.hint(tostring(name), names), 2)
end

function client_mt.__tostring(self)
  local state = rawget(self, 1)
  return "luaprov client of " .. state.provider.name .. " at " .. state.base_url
end

--- @param provider table description
--- @param given table options
--- @return table|nil client
--- @return luaprov.Error|nil err
function M.new(provider, given)
  local state, err = options.read(provider, given)
  if not state then return nil, err end
  local client = { state }
  for _, resource in ipairs(provider.resources) do
    client[resource.name] = setmetatable({ description = resource, state = state }, resource_mt)
  end
  return setmetatable(client, client_mt)
end

return M
