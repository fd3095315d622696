--- What luaprov has to say of a call that a fault struck, and whether that is so.
---
--- Two judgements, of which neither asks the client. What was reported must be what the vendor has: that is the
--- promise. And it must be as much as can be known: a client that says "unknown" of everything keeps the promise, too.
local answer = require "luaprov.provider.answer"
local errors = require "luaprov.errors"

local M = {}

local READS = { get = true, list = true }

local function set(...)
  local of = {}
  for _, word in ipairs { ... } do of[word] = true end
  return of
end

local DONE, NOT_DONE, UNKNOWN = set "done", set "not done", set "unknown"
local DONE_OR_UNKNOWN, ANY = set("done", "unknown"), set("done", "unknown", "not done")

-- Whether an answer is one without a record in its body: then a body that is none may do.
local function needs_no_body(cell)
  if cell.name == "delete" or cell.operation.returns == "nothing" then return true end
  for _, source in ipairs(cell.name == "create" and cell.operation.id or {}) do
    if source == "location" then return true end
  end
  return false
end

-- A create that may have been carried out, and is not simply made again.
local function of_create(cell)
  local row, resource = cell.row, cell.resource
  local can_look = cell.settle and resource.key and resource.operations.list
  local acts_late = row.fault.fault == "late"
  if cell.strikes == "once" then
    if can_look then return DONE end
    if not resource.unique then return UNKNOWN end
    -- It is made again, and the vendor refuses the second: whose the first is cannot be known.
    return acts_late and DONE_OR_UNKNOWN or row.acts and UNKNOWN or DONE
  end
  if can_look then return row.acts and DONE or NOT_DONE end
  return UNKNOWN
end

-- Whether the provider file may make of an error in its own words one that no other try would change.
local function may_be_final(cell)
  local fault, forms = cell.row.fault, cell.provider.errors
  if not fault.message then return false end
  for _, form in ipairs(forms) do
    if form.read then return true end
  end
  local form = forms[math.min(fault.form or 1, #forms)]
  return form ~= nil and form.kind ~= nil
end

--- What may be reported of a cell.
--- @param cell table row, resource and operation (descriptions), name (of the operation), strikes ("once" or "always"),
---   settle, renews (whether another token may be had)
--- @return table set of "done", "not done", "unknown"
function M.reports(cell)
  local row, once = cell.row, cell.strikes == "once"
  local means = row.means
  if row.body and needs_no_body(cell) then return DONE_OR_UNKNOWN end
  if means == "nothing" then return DONE end
  if means == "refused" then return NOT_DONE end
  if means == "unauthorized" then return once and cell.renews and DONE or NOT_DONE end
  if means == "not_sent" or means == "later" then return once and DONE or NOT_DONE end
  if means == "either" then
    if not once then return set("not done", "unknown") end
    return cell.name == "create" and not cell.settle and not cell.resource.unique and DONE_OR_UNKNOWN or DONE
  end
  if cell.name == "create" then return of_create(cell) end
  if once and may_be_final(cell) then return READS[cell.name] and ANY or DONE_OR_UNKNOWN end
  if once and not row.final then return DONE end
  -- The second try is told that it is gone.
  if row.headed and cell.name == "delete" then return DONE_OR_UNKNOWN end
  return READS[cell.name] and set("unknown", "not done") or UNKNOWN
end

--- Every kind of error that is right: the fault's, or what the provider file makes of an error in its form.
--- @param cell table
--- @return table|nil set; nil: any
function M.kinds(cell)
  local row = cell.row
  local kinds = set((rawget(table, "unpack") or rawget(_G, "unpack"))(row.kinds))
  if row.fault.fault == "status" then
    for _, form in ipairs(cell.provider.errors) do
      if form.read then return nil end
      if form.kind then kinds[form.kind] = true end
      for _, kind in pairs(form.says or {}) do kinds[kind] = true end
    end
  end
  -- The second of two equal ones is refused, and that is what there is to say in the end; by its status alone, where no
  -- more arrives.
  if cell.name == "create" and cell.resource.unique then
    kinds.conflict = true
    local exists = cell.resource.when.exists
    if row.headed or row.body then kinds[errors.kind_of_status(exists and exists.status or 409)] = true end
  end
  return kinds
end

-- What the vendor must have, by what was reported.
local FOUND = {
  create = { done = set "one", ["not done"] = set "none", unknown = set("one", "none") },
  update = { done = set "changed", ["not done"] = set "unchanged", unknown = set("changed", "unchanged") },
  delete = { done = set "gone", ["not done"] = set "there", unknown = set("gone", "there") },
  get = { done = set "unchanged", ["not done"] = set "unchanged", unknown = set "unchanged" },
}
FOUND.list = FOUND.get

local function listed(of)
  local words = {}
  for word in pairs(of) do words[#words + 1] = word end
  table.sort(words)
  return table.concat(words, " or ")
end

--- Judges a cell that has been run.
--- @param cell table as for `reports`, with reported, found, err, struck (how often the fault did), wrong (what was
---   returned is not what the vendor has; or nil)
--- @return string|nil why it does not hold
function M.judge(cell)
  local reported, err = cell.reported, cell.err
  if cell.struck == 0 then return "the fault did not strike" end
  if not FOUND[cell.name][reported][cell.found] then return "that is not so" end
  if reported == "done" and cell.wrong then return cell.wrong end
  local reports = M.reports(cell)
  if not reports[reported] then return "should be reported as " .. listed(reports) end
  -- That the right thing comes out all the same is the status' doing.
  if err and err.message:find(answer.READ_FAILED, 1, true) then return "the errors function failed" end
  local kinds = reported ~= "done" and M.kinds(cell)
  if kinds and not kinds[err.kind] then return "the kind should be " .. listed(kinds) end
end

return M
