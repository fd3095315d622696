--- An intent: what the journal says of a call before it leaves. Whoever finds it open later goes by what it says, not
--- by what the manifest says then.
local checks = require "luaprov.provider.fields"
local core = require "luaprov.core"
local hidden = require "luaprov.stack.hidden"
local keys = require "luaprov.stack.key"
local json = require "luaprov.json"
local tables = require "luaprov.tables"

local M = {}

--- What tells later whether a manifest declares the same still; secrets are part of it, and cannot be read from it.
--- @param store luaprov.Store
--- @param fields table with nothing deferred in it
--- @return string
function M.hash(store, fields) return store:hash(hidden.text(fields) or "") end

-- What is sent as JSON, without its secrets, wherever their values stand; or nil and why it has no JSON form.
local function sent_of(checked)
  local sent = checks.wire(checked)
  if next(checked.parents) ~= nil then
    sent = tables.shallow(sent)
    for name, value in pairs(checked.parents) do sent[name] = value end
  end
  return core.json.encode_open(sent, checked.opened)
end

local function new(operation, node, about, within)
  return {
    address = node.address, provider = node.provider, resource = node.resource, operation = operation,
    base_url = about.base_url, account = about.account, within = within,
  }
end

--- @param node table of the manifest
--- @param about table base_url, account
--- @param within number seconds in which one try can be acted on
--- @param what table checked (what is sent), fields (as declared, filled), noted (a list of ids; nil: there is no way
---   to look), store, replaces (the id of the record that goes when this one is there)
--- @return table|nil intent
--- @return string|nil why not
function M.create(node, about, within, what)
  local parents, sent, why = what.checked.parents, sent_of(what.checked)
  if not sent then return nil, why end
  return {
    address = node.address, provider = node.provider, resource = node.resource, operation = "create",
    base_url = about.base_url, account = about.account, within = within,
    key = keys.of(node.description, what.fields), parents = next(parents) and parents or nil,
    fields = sent, noted = what.noted,
    hash = M.hash(what.store, what.fields), record_id = what.replaces,
    id = nil, -- it gains one
  }
end

--- @param paths string[] what is changed: of what is secret in it nobody knows afterwards what the vendor has
--- @return table intent
function M.update(node, about, within, row, paths)
  local intent = new("update", node, about, within)
  intent.record_id, intent.parents, intent.fields = row.id, row.parents, json.array(paths)
  return intent
end

--- @return table intent
function M.delete(row, about, within)
  local intent = new("delete", row, about, within)
  intent.record_id, intent.parents, intent.key = row.id, row.parents, row.key
  return intent
end

return M
