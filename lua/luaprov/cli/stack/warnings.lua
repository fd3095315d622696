--- What somebody should know of a plan before it is applied, and what no step of it says: as its notes, and as its
--- faults.
local adopt = require "luaprov.stack.adopt"
local compare = require "luaprov.policy.compare"
local json = require "luaprov.json"
local outputs = require "luaprov.stack.output"
local say = require "luaprov.cli.stack.say"
local tables = require "luaprov.tables"
local target = require "luaprov.stack.target"
local shell_word = require "luaprov.shell_word"

local M = {}

local SHOWN = 20 -- notes of a kind

local function add(plan, list, more)
  for i = 1, math.min(#list, SHOWN) do plan.notes[#plan.notes + 1] = list[i] end
  if #list > SHOWN then
    local last = list[SHOWN]
    last.message = ("%s; and %d more: %s"):format(last.message, #list - SHOWN, more)
  end
end

-- ---- records that are there already ----

local IDS = 5 -- in a message

local function message_of(item, is_unique)
  local ids, count = {}, #item.candidates
  for i = 1, math.min(count, IDS) do ids[i] = say.id(item.candidates[i].id) end
  if count > IDS then ids[IDS + 1] = "…" end
  return ("the vendor has %s with its key already (%s %s), and would %s: luaprov %s %s takes %s over"):format(
    count == 1 and "one" or count, count == 1 and "id" or "ids", table.concat(ids, ", "),
    is_unique and "refuse another" or "have both", count == 1 and "adopt" or "import",
    shell_word(item.address) .. (count == 1 and "" or " ID"), count == 1 and "it" or "one")
end

-- What the vendor has no more is made again: its row takes nothing.
local function rows_there(seen)
  local rows = {}
  for _, row in ipairs(seen.rows) do
    if seen.observed[row.address] ~= false then rows[#rows + 1] = row end
  end
  return rows
end

-- The ids of those that are there, in an order of their own.
local function ids_of(candidates)
  local ids = json.array {}
  for i, candidate in ipairs(candidates) do ids[i] = compare.id(candidate.id) end
  table.sort(ids)
  return ids
end

--- Notes of what is to be made and may be there already, as somebody else's. Asks for one list of each collection in
--- which something is to be made. The steps that it could ask about gain `rivals`: the ids of what is there.
--- @param work luaprov.Work
--- @param plan table
--- @param seen table rows, observed
function M.foreign(work, plan, seen)
  local addresses, failed, notes = {}, {}, {}
  for _, step in ipairs(plan.steps) do
    if step.action == "create" then addresses[#addresses + 1] = step.address end
  end
  if not addresses[1] or plan.faults[1] then return end
  local list, errors = adopt.candidates {
    manifest = work.manifest, rows = rows_there(seen), addresses = addresses, concurrency = work.args.parallel,
    accounts = seen.accounts, brief = true,
  }
  for _, item in ipairs(list) do
    plan.step[item.address].rivals = ids_of(item.candidates)
    if item.candidates[1] then
      local is_unique = plan.step[item.address].description.unique
      notes[#notes + 1] = { address = item.address, message = message_of(item, is_unique) }
    end
  end
  add(plan, notes, "luaprov adopt shows them")
  -- Of what cannot be listed nothing is known, now or later; apply says so where it counts.
  for _, address in ipairs(tables.keys(errors)) do
    local err, alias = errors[address], address:match("^[^.]+")
    if err.kind == "unauthorized" and not failed[alias] then
      failed[alias] = true
      plan.faults[#plan.faults + 1] = { address = alias, line = work.manifest.account[alias].line,
        message = "the vendor refuses the credentials" .. say.variables(work.manifest, alias) .. ": " .. tostring(err) }
    elseif err.kind ~= "invalid" and err.kind ~= "unsupported" and not failed[alias] then
      failed[alias] = true
      plan.notes[#plan.notes + 1] = { address = alias,
        message = "whether the vendor has what is to be made could not be looked at: " .. tostring(err) }
    end
  end
end

-- ---- outputs ----

local function is_meant(address, targets)
  for _, name in ipairs(targets or {}) do
    if target.is_meant(address, name) then return true end
  end
  return not (targets and targets[1])
end

local ONCE = "; where the vendor shows it only once, only a record that is made anew has one"

-- What is to be known of the outputs of a record that stays.
local function lacking(node, row)
  local list = {}
  local function note(text) list[#list + 1] = { address = node.address, message = text .. ONCE } end
  for _, output in ipairs(outputs.missing(node)) do
    note(("its output %s is not at %s: put a copy back"):format(output.path, output.target))
  end
  for _, output in ipairs(outputs.owed(node, row)) do
    note(("its output %s did not get to the command %s"):format(output.path, output.target[1]))
  end
  return list
end

-- What a vendor shows once is not asked for where it could not be kept.
local function unplaced(plan, step)
  for _, message in ipairs(outputs.unplaced(step.record)) do
    plan.faults[#plan.faults + 1] = { address = step.address, message = message, line = step.record.line }
  end
end

--- Notes of outputs whose file is not there any more, and of those that did not get to their command; faults of those
--- of records to be made that have no place to go.
--- @param plan table
--- @param seen table rows
function M.outputs(plan, seen)
  local notes, nodes, row_of = {}, {}, {}
  for _, node in ipairs(plan.manifest.records) do
    if node.outputs then nodes[#nodes + 1] = node end
  end
  for _, row in ipairs(nodes[1] and seen.rows or {}) do row_of[row.address] = row end
  for _, node in ipairs(nodes) do
    local step, row = plan.step[node.address], row_of[node.address]
    local is_made = step and (step.action == "create" or step.action == "replace")
    local stays = row and not is_made
    if is_made then unplaced(plan, step) end
    for _, note in ipairs(stays and is_meant(node.address, plan.targets) and lacking(node, row) or {}) do
      notes[#notes + 1] = note
    end
  end
  add(plan, notes, "none of them is at its place")
end

return M
