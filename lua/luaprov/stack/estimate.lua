--- How many calls a plan makes, and how long they take at least at the vendors' declared limits.
---
--- Counted is what is certain beforehand: each change, the list before the first create of a collection, and what is
--- read before and after a change. Tokens, pages beyond the first and repeated calls are not.
local equal = require "luaprov.stack.equal"
local fields = require "luaprov.provider.fields"
local compare = require "luaprov.stack.compare"
local reference = require "luaprov.stack.reference"

local M = {}

-- The operation, in one of its ways where a setting chooses.
local function operation_of(account, description, name)
  local operation = description.operations[name]
  if operation and operation.setting then
    local settings = account.state and account.state.settings or {}
    return operation.cases[settings[operation.setting]] or select(2, next(operation.cases))
  end
  return operation
end

local function parents_text(step)
  local parts = {}
  for i, name in ipairs(step.description.shape.paths) do
    local value = step.fields[name]
    parts[i] = reference.is(value) and reference.shown(value) or equal.text(value)
  end
  return table.concat(parts, "\0")
end

local counters = {}

function counters.create(account, step, seen)
  local operation = operation_of(account, step.description, "create")
  local calls = 1
  if operation and operation.returns == "nothing" then calls = calls + 1 end
  if step.description.key and step.description.operations.list then
    local collection = step.alias .. "\0" .. step.resource .. "\0" .. parents_text(step)
    if not seen[collection] then
      seen[collection] = true
      calls = calls + 1
    end
  end
  return calls
end

function counters.update(account, step)
  local operation, calls = operation_of(account, step.description, "update"), 1
  if not operation then return calls end
  local input = compare.input(step)
  if operation.sends == "whole" or fields.needs_record(step.description.shape, input) then calls = calls + 1 end
  if operation.returns == "nothing" or step.description.operations.get then calls = calls + 1 end
  return calls
end

function counters.delete() return 1 end
function counters.forget() return 0 end

--- The least seconds that `calls` take: each window lets so many go, and then the next must begin.
--- @param limits table of a provider
--- @param calls integer
--- @return number|nil seconds nil: the provider file declares no limits
function M.seconds(limits, calls)
  if not limits[1] then return nil end
  local seconds = 0
  for _, window in ipairs(limits) do
    seconds = math.max(seconds, math.floor((calls - 1) / window[1]) * window.per)
  end
  return math.max(seconds, 0)
end

--- Adds accounts, calls and seconds to a plan.
function M.add(plan)
  local calls, seen = {}, {}
  for _, action in ipairs(plan.actions) do
    local step = action.step
    local account = plan.manifest.account[step.alias]
    if account and step.description then
      calls[step.alias] = (calls[step.alias] or 0) + counters[action.op](account, step, seen)
    end
  end
  plan.accounts, plan.calls = {}, 0
  for _, account in ipairs(plan.manifest.accounts) do
    local number = calls[account.alias]
    if number and number > 0 then
      local seconds = M.seconds(account.provider.limits, number)
      plan.accounts[#plan.accounts + 1] = { alias = account.alias, calls = number, seconds = seconds }
      plan.calls = plan.calls + number
      if seconds then plan.seconds = math.max(plan.seconds or 0, seconds) end
    end
  end
end

return M
