--- A record whose parent is gone: where the vendor has no such collection any more there is nothing in it, and nothing
--- can be made in it.
local collections = require "luaprov.stack.collection"
local compare = require "luaprov.policy.compare"

local M = {}

local NONE = {}

-- Whether a list has no record with an id; nil where it cannot be read. A record may slip to a page that was read
-- already, when others are removed meanwhile.
local function is_not_listed(resource, list, id, parents)
  local query = collections.query(resource, list, parents)
  if not query then return nil end
  for _ = 1, list.pages and 2 or 1 do
    for record, err in resource:each(query) do
      if err then return nil end
      if compare.id(record.id) == compare.id(id) then return false end
    end
  end
  return true
end

-- Whether the vendor has no such record, by all that it has to say of it.
local function is_gone(resource, id, parents)
  local get, list = collections.operation(resource, "get"), collections.operation(resource, "list")
  if not get and not list then return false end
  if get and collections.get(resource, id, parents) ~= false then return false end
  -- Who finds nothing at all answers so to a get.
  return not list or is_not_listed(resource, list, id, parents) == true
end

--- Whether the parent of a record in whose collection the vendor says "not found" is gone.
--- @param account table of the manifest
--- @param resource luaprov.Resource
--- @param parents table name -> id, in the path of its list
--- @param err luaprov.Error|nil why the list could not be read
--- @return boolean
function M.is_one(account, resource, parents, err)
  if not err or err.kind ~= "not_found" or err.outcome ~= "refused" then return false end
  local list = collections.operation(resource, "list")
  for _, name in ipairs(list and collections.names(resource, list) or NONE) do
    local field, id = resource.description.shape.by_name[name], parents[name]
    local above = field and field.parent and collections.resource(account.client, field.parent)
    if above and id ~= nil and is_gone(above, id, parents) then return true end
  end
  return false
end

return M
