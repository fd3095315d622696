--- A secret that a vendor shows once, and that another record is given. When the one is made anew, the other has the
--- old secret until it is changed, too. From before the one is made until then the state says of the other that nobody
--- knows what it has: so whatever ends us in between, the next plan changes it, and apply says so where it cannot.
local reference = require "luaprov.stack.reference"
local rows_of = require "luaprov.stack.rows"

local M = {}

local NONE = {}

local function note(plan, step, change)
  reference.each(reference.at(step.fields, change.keys), function(part)
    local made = plan.step[part.address]
    if made and (made.action == "create" or made.action == "replace") then
      made.doubts = made.doubts or {}
      made.doubts[step.address] = made.doubts[step.address] or {}
      table.insert(made.doubts[step.address], change.path)
    end
  end)
end

--- @param plan table whose steps that make a record gain `doubts`: address -> paths, of what is given its secrets
function M.find(plan)
  for _, step in ipairs(plan.steps) do
    for _, change in ipairs(step.action == "update" and step.changes or NONE) do
      if change.later and change.secret then note(plan, step, change) end
    end
  end
end

--- What is to be written before a record is made.
--- @param run table of apply.lua
--- @param step table of a plan
--- @param in_doubt function row, paths -> row
--- @return table[]|nil items for Store:commit
function M.items(run, step, in_doubt)
  local items = {}
  for address, paths in pairs(step.doubts or NONE) do
    local row = run.rows[address]
    if row then
      row = in_doubt(rows_of.open(row), paths)
      -- Of one that was imported nothing was kept before.
      for _, path in ipairs(paths) do row.secrets[path] = { secret = true } end
      step.doubted = step.doubted or {}
      step.doubted[address] = { before = run.rows[address], row = row }
      run.rows[address] = row
      items[#items + 1] = { record = row }
    end
  end
  return items[1] and items or nil
end

--- The same where the vendor has made none: what the others have is what they had.
--- @return table[]|nil items for Store:commit
function M.undo(run, step)
  local items = {}
  for address, one in pairs(step.doubted or NONE) do
    -- Else another one that it is given a secret of is made, too.
    if run.rows[address] == one.row then
      run.rows[address] = one.before
      items[#items + 1] = { record = one.before }
    end
  end
  return items[1] and items or nil
end

return M
