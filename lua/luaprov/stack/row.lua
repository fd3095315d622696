--- A record as the state has it.
local collections = require "luaprov.stack.collection"
local keys = require "luaprov.stack.key"
local remember = require "luaprov.stack.remember"

local M = {}

--- @param node table of the manifest: address, provider, resource, needs, protect
--- @param record table as the client returned it
--- @param about table base_url, account
--- @param known table fields and secrets (see remember.lua), key, parents
--- @return table row for Store:commit
function M.new(node, record, about, known)
  return {
    address = node.address, provider = node.provider, resource = node.resource, id = record.id,
    base_url = about.base_url, account = about.account, key = known.key, parents = known.parents,
    fields = known.fields, secrets = known.secrets,
    depends_on = node.needs and node.needs[1] and node.needs or nil, protect = node.protect,
  }
end

--- The row of what was sent, or found as it was sent.
--- @param node table of the manifest, with its description
--- @param fields table|nil what was sent, or is declared and equal; nil: what was sent is declared no more
--- @param record table as the client returned it
--- @param about table base_url, account
--- @param before table|nil secrets of the row that there was
--- @param key string|nil of the fields, where it is known
--- @return table row for Store:commit
function M.of(node, fields, record, about, before, key)
  local description, wanted = node.description, fields or record
  local shown, secrets = remember.of(description, fields, record, before)
  local parents = description.shape.paths[1] and collections.parents(description, wanted) or nil
  return M.new(node, record, about, {
    fields = shown, secrets = secrets, key = key or keys.of(description, wanted),
    parents = parents and next(parents) ~= nil and parents or nil,
  })
end

return M
