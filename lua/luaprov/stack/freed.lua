--- Records that the state has and the vendor has no more: whoever is answered with the id of one has a new record, for
--- a vendor may use a number again. What a run knew of it before its first create is written down, for whoever has to
--- find out what became of that.
local json = require "luaprov.json"
local rows_of = require "luaprov.stack.rows"

local M = {}

-- A place of its own in the journal of a run, whose intents are counted from 1.
local function id_of(fence) return fence .. "-0" end

--- Writes down which of a plan's records are gone at the vendors.
--- @param run table plan, store, journal
--- @return boolean|nil done
--- @return luaprov.StoreError|luaprov.Error|nil err
function M.write(run)
  local gone, creates, first = json.array {}, false, nil
  for _, step in ipairs(run.plan.steps) do
    creates = creates or step.action == "create" or step.action == "replace"
    if (step.action == "forget" or step.action == "create") and step.row and step.row.id ~= nil then
      gone[#gone + 1], first = step.address, first or step
    end
  end
  if not creates or not first then return true end
  local id = id_of(run.store:next_id():match "^%d+")
  return run.journal:commit {
    { intent = { id = id, address = first.address, provider = first.provider, resource = first.resource,
                 operation = "look", noted = gone } },
    { settled = id, outcome = "gone" },
  }
end

--- What the runs knew whose intents are open.
--- @param store luaprov.Store
--- @param intents table[] all that are open
--- @return table freed
function M.new(store, intents)
  local self = { store = store, looks = {}, deletes = {} }
  for _, intent in ipairs(intents) do
    if intent.operation == "delete" then
      self.deletes[intent.address] = self.deletes[intent.address] or {}
      table.insert(self.deletes[intent.address], intent)
    end
  end
  return self
end

local function look_of(self, fence)
  local look = self.looks[fence]
  if look then return look end
  local found = self.store:intent(id_of(("%d"):format(fence)))
  look = { gone = {}, at = found and found.written }
  for _, address in ipairs(found and found.noted or {}) do look.gone[address] = true end
  self.looks[fence] = look
  return look
end

--- Whether the record of a row was gone, or about to go, when a run began a create: what has its id then is another.
--- @param freed table
--- @param row table of the state
--- @param intent table the create, with the description of its resource
--- @return boolean
function M.is(freed, row, intent)
  for _, delete in ipairs(freed.deletes[row.address] or {}) do
    if rows_of.is(intent.description, row, delete.record_id, delete.parents) then return true end
  end
  local look = look_of(freed, intent.fence)
  -- One that was made since has a row that was written since.
  return look.gone[row.address] ~= nil and row.updated ~= nil and row.updated <= look.at
end

return M
