--- From the steps of a plan to what is done, and what each waits for.
---
--- An action: op ("create", "update", "delete" or "forget"), step, needs (list of actions). A replaced record has two.
---   create, update   after those of what the record needs
---   delete           after all that needed the record is gone, or has been changed to need it no more
---   any that makes   after what has the key now that it takes, where the vendor keeps keys unique
---   replaced         deleted before it is made, or the other way round (step.first)
--- `graph.run(plan.actions, actions.needs(plan.actions))` gives them out.
local graph = require "luaprov.stack.graph"

local M = {}

local MAKES = { create = "create", update = "update", replace = "create" }
local ENDS = { delete = "delete", replace = "delete", forget = "forget" }

local function add(list, op, step)
  local action = { op = op, step = step, needs = {} }
  list[#list + 1] = action
  return action
end

local function after(action, other)
  if other and other ~= action then action.needs[#action.needs + 1] = other end
end

local CIRCLES = 100 -- that are undone one by one

-- The first action of a circle that waits for nothing but a key there.
local function for_key(cycle, added)
  for i, action in ipairs(cycle) do
    if added[action] and action.needs[#action.needs] == (cycle[i + 1] or cycle[1]) then return action end
  end
end

-- What is made under another name, and could keep its record, has been told so.
local function note_stuck(plan, step)
  local old = plan.step[step.takes_key_of]
  if step.action == "create" and old.action == "delete" then return end
  table.insert(plan.notes, { address = step.address,
    message = ("takes the key of %s, which has to wait for it: the vendor keeps keys unique, and refuses that; apply "
      .. "another key for one of them first"):format(old.address) })
end

-- Where the vendor keeps keys unique, a record goes, or gets another key, before another one takes its key; unless what
-- needs the new one has to be changed before the old one can go: then the vendor says what it thinks of it.
local function free_keys(plan, list, makes, ends)
  local added = {}
  for _, action in ipairs(list) do
    local step = action.step
    local old = step.description and step.description.unique and step.takes_key_of
    local before = old and makes[step.address] == action and (ends[old] or makes[old])
    if before then
      after(action, before)
      added[action] = true
    end
  end
  local circles = 0
  while next(added) do
    local order, cycle = graph.order(list, M.needs(list))
    if order then return end
    circles = circles + 1
    local action = circles < CIRCLES and for_key(cycle, added)
    for other in pairs(action and { [action] = true } or added) do
      table.remove(other.needs)
      added[other] = nil
      note_stuck(plan, other.step)
    end
  end
end

-- What goes waits for those that needed it.
local function order_ends(rows, makes, ends)
  for _, row in ipairs(rows.list) do
    local make, gone = makes[row.address], ends[row.address]
    if make or gone then
      for _, other in ipairs(rows.needs(row)) do
        local its_end = ends[other.address]
        if its_end then
          local step = its_end.step
          if gone then after(its_end, gone)
          -- A record that is deleted to be made anew cannot wait for those that are to name the new one.
          elseif not (step.action == "replace" and step.first == "delete") then after(its_end, make) end
        end
      end
    end
  end
end

--- @param plan table steps, step; gains notes
--- @param rows table index of rows.lua
--- @return table[] actions
function M.of(plan, rows)
  local list, makes, ends = {}, {}, {}
  for _, step in ipairs(plan.steps) do
    if MAKES[step.action] then makes[step.address] = add(list, MAKES[step.action], step) end
    if ENDS[step.action] then ends[step.address] = add(list, ENDS[step.action], step) end
  end
  for _, step in ipairs(plan.steps) do
    local make, gone = makes[step.address], ends[step.address]
    if make then
      for _, address in ipairs(step.record.needs) do after(make, makes[address]) end
    end
    if make and gone then
      if step.first == "create" then after(gone, make) else after(make, gone) end
    end
  end
  if next(ends) ~= nil then order_ends(rows, makes, ends) end
  free_keys(plan, list, makes, ends)
  return list
end

--- @param list table[] actions
--- @return table needs for graph
function M.needs(list)
  local needs = {}
  for _, action in ipairs(list) do needs[action] = action.needs end
  return needs
end

return M
