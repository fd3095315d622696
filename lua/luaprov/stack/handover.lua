--- Keys that go from one record of a plan to another: the first is deleted, or has another key then, and the second is
--- made with its key, or given it. Where a vendor keeps keys unique, the first has to come first.
local collections = require "luaprov.stack.collection"
local keys = require "luaprov.stack.key"
local policy = require "luaprov.policy.compare"
local word = require "luaprov.shell_word"

local M = {}

-- A key as it is told from that of another parent's record.
local function key_of(step, key, first, second)
  local parts, parents = { step.alias, step.resource, key }, collections.parents(step.description, first, second)
  for _, name in ipairs(step.description.shape.paths) do
    parts[#parts + 1] = parents[name] ~= nil and policy.id(parents[name]) or "?"
  end
  return table.concat(parts, "\0")
end

-- The key that a step's record has from then on; nil: it is known later, or there is none.
local function new_key(step)
  local key = step.fields and keys.of(step.description, step.fields)
  return key and key_of(step, key, step.fields)
end

-- The key that it has now: the state's, unless somebody has given it another at the vendor.
local function old_key(step)
  local row, there = step.row, step.there
  if not row or not there then return nil end
  local key = row.key
  for _, name in ipairs(step.description.key or {}) do
    if there[name] ~= nil and there[name] ~= row.fields[name] then key = keys.of(step.description, there) end
  end
  return key and key_of(step, key, row.parents, row.fields)
end

-- Whether a step's record has its key no more then.
local function lets_go(step, old)
  if step.action == "delete" then return true end
  if step.action ~= "update" and step.action ~= "replace" then return false end
  local new = new_key(step)
  return new ~= nil and new ~= old
end

-- The steps whose record has a key now and not then, by that key.
local function freed_by(plan)
  local freed = {}
  for _, step in ipairs(plan.steps) do
    local old = step.description and old_key(step)
    if old and lets_go(step, old) then freed[old] = step end
  end
  return freed
end

local TAKES = { create = true, update = true, replace = true }

-- A record that is declared under another name is, to a plan, another one: one goes, and one of the same key is made.
local function note_renamed(plan, step, old)
  table.insert(plan.notes, { address = step.address,
    message = ("has the key of %s, which goes: luaprov state mv %s %s keeps it under this address"):format(
      old.address, word(old.address), word(step.address)) })
end

-- Of records that are to exchange their keys, one after the other in a ring, none can be the first: none waits.
local function break_ring(plan, first)
  local names, step = {}, first
  repeat
    names[#names + 1] = step.address
    local before = plan.step[step.takes_key_of]
    step.takes_key_of, before.key_goes_to = nil, nil
    step = before
  until step == first
  if not first.description.unique then return end
  table.insert(plan.notes, { address = first.address,
    message = ("exchanges its key with %s: the vendor keeps keys unique, and refuses that; apply another key for one "
      .. "of them first"):format(table.concat(names, ", ", 2)) })
end

local function break_rings(plan)
  local state = {}
  for _, step in ipairs(plan.steps) do
    local at = step
    while at and not state[at] do
      state[at] = step
      at = at.takes_key_of and plan.step[at.takes_key_of]
    end
    if at and state[at] == step and at.takes_key_of then break_ring(plan, at) end
  end
end

--- @param plan table whose steps gain `takes_key_of` (an address) and `key_goes_to` (that one's step); gains notes
function M.find(plan)
  local freed = freed_by(plan)
  if next(freed) == nil then return end
  for _, step in ipairs(plan.steps) do
    local key = TAKES[step.action] and new_key(step)
    local old = key and freed[key]
    if old and old ~= step then
      step.takes_key_of, old.key_goes_to = old.address, step.address
      if step.action == "create" and old.action == "delete" then note_renamed(plan, step, old) end
    end
  end
  break_rings(plan)
end

return M
