--- From an answer to records: where they are in it, their ids, and what luaprov adds.
local answers = require "luaprov.provider.answer"
local compare = require "luaprov.policy.compare"
local core = require "luaprov.core"
local origins = require "luaprov.provider.origins"
local redact = require "luaprov.provider.redact"
local read = require("luaprov.provider.reader").read
local uri = require "luaprov.uri"

local M = {}

local ARRAY = core.json.array_mt

--- What stands at the first of several body paths that has a table there.
--- @param answer table of luaprov.provider.answer
--- @param paths table[] lists of keys
--- @param wanted string "object" or "array"
--- @return table|nil
function M.find(answer, paths, wanted)
  for i = 1, #paths do
    local keys, value = paths[i], answer.body
    if keys[1] then value = answers.at(value, keys) end
    if type(value) == "table" and (getmetatable(value) == ARRAY) == (wanted == "array") then return value end
  end
end

-- The id that a Location header ends with, if it names a record of the collection that was asked, at one of the
-- provider's own origins.
local function location_id(answer, path, resource)
  local location = (answer.headers.location or ""):gsub("[?#].*$", ""):gsub("/+$", "")
  if not origins.own(location, resource.state.origins) then return nil end
  local collection = path:match("[^/]+$")
  local parent, id = location:match("([^/]+)/([^/]+)$")
  if not id or parent ~= collection then return nil end
  return uri.unescape(id)
end

local function is_id(value) return (type(value) == "string" and value ~= "") or type(value) == "number" end

--- Whether a value can be an id.
M.is_id = is_id

--- The id in an answer: the record's own, else where the operation says that it is.
--- @param answer table of luaprov.provider.answer
--- @param record table may be empty
--- @param resource luaprov.Resource
--- @param operation table description
--- @param path string that the call went to
--- @return string|number|nil
function M.id(answer, record, resource, operation, path)
  local own = record[resource.description.id]
  if is_id(own) then return own end
  for _, source in ipairs(operation.id or {}) do
    local id
    if source == "location" then id = location_id(answer, path, resource) else id = answers.at(answer.body, source) end
    if is_id(id) then return id end
  end
end

--- What to say of an answer that has none.
--- @return string
function M.no_id(answer, context, resource, operation)
  local location = answer.headers.location
  for _, source in ipairs(location and operation.id or {}) do
    if source == "location" and not origins.own(location, resource.state.origins) then
      return "the answer has no id: its Location is not the provider's own, "
        .. redact.line(uri.shown(location), context)
    end
  end
  return "the answer has no id"
end

local function make(resource, body, id, parents)
  local record = read(resource.description.shape, body)
  record.id = id
  local paths = resource.description.shape.paths
  for i = 1, #paths do
    local name = paths[i]
    if record[name] == nil then record[name] = parents[name] end
  end
  return record
end

--- Makes a record of what the vendor sent: secrets closed, `id` gained, parents there as the record itself names them.
M.make = make

--- The record in an answer.
--- @param asked string|integer|nil the id of the record that was asked for
--- @param body table|nil the record as `find` found it
--- @return table|nil record
--- @return luaprov.Error|nil err
function M.from(resource, operation, answer, context, path, parents, asked, body)
  body = body or M.find(answer, operation.record, "object")
  if not body then return nil, answers.unusable(answer, context, "the answer has no record") end
  local id = M.id(answer, body, resource, operation, path)
  if id == nil then return nil, answers.unusable(answer, context, M.no_id(answer, context, resource, operation)) end
  if asked ~= nil and asked ~= id and compare.id(asked) ~= compare.id(id) then
    return nil, answers.unusable(answer, context, "the answer is another record")
  end
  return make(resource, body, id, parents)
end

return M
