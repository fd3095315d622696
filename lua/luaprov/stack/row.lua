--- A record as the state has it.
local keys = require "luaprov.stack.key"
local remember = require "luaprov.stack.remember"

local M = {}

--- What of a record's fields says in which collection it is.
--- @param description table of a resource
--- @param fields table
--- @return table|nil parents nil: there are none
function M.parents(description, fields)
  local parents
  for _, name in ipairs(description.shape.paths) do
    if fields[name] ~= nil then
      parents = parents or {}
      parents[name] = fields[name]
    end
  end
  return parents
end

--- @param node table of the manifest: address, provider, resource, description, needs, protect
--- @param fields table|nil what was sent, or is declared and equal; nil: it was imported
--- @param record table as the client returned it
--- @param about table base_url, account
--- @return table row for Store:commit
function M.of(node, fields, record, about)
  local known, secrets = remember.of(node.description, fields, record)
  local wanted = fields or record
  return {
    address = node.address, provider = node.provider, resource = node.resource, id = record.id,
    base_url = about.base_url, account = about.account, key = keys.of(node.description, wanted),
    parents = M.parents(node.description, wanted), fields = known, secrets = secrets,
    depends_on = node.needs and node.needs[1] and node.needs or nil, protect = node.protect,
  }
end

return M
