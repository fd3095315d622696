--- What a new record took the place of, and is to be deleted though the state has it under no address any more. As long
--- as others name it as theirs they come first: a vendor may delete them with it.
local compares = require "luaprov.policy.compare"
local rows_of = require "luaprov.stack.rows"

local M = {}

-- Fields of a resource that name a record of another.
local function parents_of(description, resource)
  local names = {}
  for _, field in ipairs(description and description.shape.fields or {}) do
    if field.parent == resource then names[#names + 1] = field.name end
  end
  return names
end

--- The address of a record that names another one as its parent.
--- @param rows table address -> row of the state
--- @param manifest table
--- @param intent table the delete of the other one
--- @return string|nil address
function M.named_by(rows, manifest, intent)
  local alias, id, names_of = intent.address:match "^[^.]+", compares.id(intent.record_id), {}
  local account = manifest.account[alias]
  for address, row in pairs(rows) do
    if account and address:match "^[^.]+" == alias then
      local names = names_of[row.resource]
      if not names then
        names = parents_of(account.provider.resource[row.resource], intent.resource)
        names_of[row.resource] = names
      end
      local fields = names[1] and rows_of.parts(row) or {}
      for _, name in ipairs(names) do
        local there = fields[name]
        if there == nil and row.parents then there = row.parents[name] end
        if there ~= nil and compares.id(there) == id then return address end
      end
    end
  end
end

return M
