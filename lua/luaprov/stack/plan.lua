--- From what is wanted, what the state knows and what the vendors have to the steps between.
---
---   local plan, err = plan.make { manifest = …, rows = {…}, observed = {…} }
---
--- rows: list of { address, provider, resource, id, fields, secrets, key, parents, base_url, account }, and, where they
---   are known, depends_on (list of addresses) and protect. `provider` is the provider's name, the alias is in the
---   address. fields and secrets are those of remember.lua, as tables or as JSON texts; key is that of key.lua.
--- observed: address -> record, or false: the vendor does not have it any more. nil: nobody looked, the state counts.
--- destroy: true: nothing is wanted. targets: addresses, or what target.lua takes for some: only these, with what they
---   need, and with what cannot stay when they go.
--- accounts: alias -> base_url, account of today's clients; rows of another base_url or account are a fault, and those
---   of an account that is not among them are not judged. Without it base_url is that of the manifest's client, and
---   accounts are not compared.
---
--- A plan:
---   steps      list; first what is declared, in the manifest's order, then what is to go
---   step       the same by address
---   drift      list of { address, changes, gone }: what was changed at the vendors since
---   notes      list of { address, message }
---   counts     create, update, replace, delete, forget, unchanged, drift
---   deletes    how many records go (delete and replace); allow_delete: this number, where it has to be allowed (more
---              than 10, or more than 30 % of the rows; never with destroy)
---   actions    what apply does, see actions.lua: list of { op, step, needs }
---   accounts   list of { alias, calls, seconds }; calls, seconds: of all, side by side (seconds: nil without limits)
---   faults     list of { address, line, message }: a plan with any is not applied
---   observed   as it was given: what the vendors have shown
--- A step:
---   action     create, update, replace, delete or forget (the state's row alone; the vendor has it no more)
---   address, alias, provider, resource, description; record (of the manifest, or nil); row (of the state, or nil)
---   there      the record that the vendor has, or what the state has in its place (nil for create)
---   changes    list (compare.lua); for create all fields
---   why        list of texts, of a replace: which fixed fields
---   first      "delete" or "create", of a replace
---   takes_key_of  address of a record that has the key now that this one has then; that one's step has key_goes_to
---   rivals     ids of records of others that have the key of one that is to be made (nil: nobody has looked)
---   doubts     see doubt.lua
---   fields     the wanted fields, with what is known filled in; `deferred`: how many values are known later
local actions = require "luaprov.stack.actions"
local compare = require "luaprov.stack.compare"
local doubt = require "luaprov.stack.doubt"
local errors = require "luaprov.errors"
local estimate = require "luaprov.stack.estimate"
local handover = require "luaprov.stack.handover"
local keys = require "luaprov.stack.key"
local near = require "luaprov.near"
local rows_of = require "luaprov.stack.rows"
local reference = require "luaprov.stack.reference"
local target = require "luaprov.stack.target"
local word = require "luaprov.shell_word"

local M = {}

local MANY, PART = 10, 0.3 -- deletes that have to be allowed: more than so many, or than this part of all

local EMPTIED = 3 -- records of an account that are all gone are told of together

local NONE = {}

local function fault(plan, address, message, line)
  plan.faults[#plan.faults + 1] = { address = address, message = message, line = line }
end

-- What a record is to become stands in ctx.fate: "later" (it is made anew), "update", or nil.
local function lookup_in(ctx)
  return function(address, path)
    if ctx.fate[address] == "later" then return nil end
    local row = ctx.rows.by_address[address]
    if not row then return nil end
    if #path == 1 and path[1] == "id" then return row.id end
    return reference.at(ctx.observed[address] or rows_of.open(row).fields, path)
  end
end

local function pending_in(ctx)
  return function(deferred)
    local found = false
    -- It may stand deep in a list. A secret that is not known was shown once: only a new record has another.
    reference.each(deferred, function(part, value)
      local fate = ctx.fate[part.address]
      found = found or fate == "later" or fate == "update" and not reference.is_secret(value)
    end)
    return found
  end
end

local function step_for(action, node, row, there)
  return {
    action = action, address = node.address, alias = node.alias, provider = node.provider, resource = node.resource,
    description = node.description, record = node, row = row, there = there,
  }
end

local function why_replaced(changes, description)
  local why = {}
  for _, change in ipairs(changes) do
    if change.fixed and change.secret ~= "unknown" then
      why[#why + 1] = change.path .. (change.fixed == "ignored" and " is ignored by the vendor after create"
        or " is fixed")
    end
  end
  if #why == 0 and not description.operations.update then why[1] = "the provider has no update" end
  return why
end

-- What the vendor keeps secret and has fixed cannot be compared; making it anew for that would be worse.
local function without_guesses(plan, node, changes)
  for _, change in ipairs(changes) do
    -- It is made anew in any case.
    if change.fixed and change.secret ~= "unknown" then return changes end
  end
  local kept = {}
  for _, change in ipairs(changes) do
    if change.secret == "unknown" and (change.fixed or not node.description.operations.update) then
      plan.notes[#plan.notes + 1] = { address = node.address, message = change.path
        .. " cannot be compared: nobody knows what the vendor has, and it is fixed" }
    else
      kept[#kept + 1] = change
    end
  end
  return kept
end

-- Where the key stays the vendor would refuse the second; what needs a record that goes first, goes before it.
local function replaced_first(ctx, node, row, fields)
  for _, address in ipairs(node.needs) do
    local other = ctx.plan.step[address]
    if other and other.action == "replace" and other.first == "delete" then return "delete" end
  end
  if not node.description.key then return "delete" end
  local new = keys.symbolic(node.description, fields) -- with what is known later in it, it is another in any case
  if not new then return "delete" end
  local old = row.key or keys.of(node.description, ctx.observed[node.address] or row.fields)
  return old ~= nil and keys.of(node.description, fields) ~= old and "create" or "delete"
end

local function put(ctx, step)
  ctx.plan.steps[#ctx.plan.steps + 1] = step
  ctx.made[step.address] = step
  ctx.plan.step[step.address] = step
end

local function plan_create(ctx, node, row, gone)
  local fields, left = node.fields, 0
  if node.deferred then fields, left = reference.fill(node.fields, ctx.lookup) end
  local step = step_for("create", node, row)
  step.fields, step.deferred, step.gone = fields, left, gone
  step.changes = compare.changes(node.description, fields)
  ctx.fate[node.address] = "later"
  return put(ctx, step)
end

local function plan_record(ctx, node)
  local plan, row = ctx.plan, ctx.rows.by_address[node.address]
  local observed = ctx.observed[node.address]
  if not row or observed == false then return plan_create(ctx, node, rows_of.open(row), row and true) end
  local fields, left = node.fields, 0
  if node.deferred then fields, left = reference.fill(node.fields, ctx.lookup) end
  local known, secrets = rows_of.parts(row)
  local there = observed or known
  local changes = compare.changes(node.description, fields, there,
    { ignore = node.ignore, secrets = secrets, pending = left > 0 and ctx.pending or nil })
  if changes[1] then changes = without_guesses(plan, node, changes) end
  if not changes[1] then
    plan.counts.unchanged = plan.counts.unchanged + 1
    return
  end
  row = rows_of.open(row)
  local why = why_replaced(changes, node.description)
  local step = step_for(why[1] and "replace" or "update", node, row, there)
  step.changes, step.fields, step.deferred = changes, fields, left
  ctx.fate[node.address] = why[1] and "later" or "update"
  if why[1] then
    step.why, step.first = why, replaced_first(ctx, node, row, fields)
    if step.deferred > 0 or node.deferred then
      -- What refers to itself anew is settled by what it needs.
      step.fields, step.deferred = reference.fill(node.fields, ctx.lookup)
    end
  end
  put(ctx, step)
end

local function note_drift(ctx, row, description, node)
  local observed = ctx.observed[row.address]
  if observed == nil then return end
  local drift = { address = row.address, gone = observed == false, changes = NONE }
  if observed then
    row = rows_of.open(row)
    drift.changes = compare.drift(description, row.fields, observed,
      { ignore = node and node.ignore, secrets = row.secrets, wanted = node and node.fields })
  end
  if drift.gone or drift.changes[1] then
    ctx.plan.drift[#ctx.plan.drift + 1] = drift
    ctx.plan.counts.drift = ctx.plan.counts.drift + 1
  end
end

-- A vendor that has nothing of what it had may be another account's, or answer for a while as if it had nothing.
local function note_emptied(ctx)
  local rows, gone = {}, {}
  for _, row in ipairs(ctx.rows.list) do
    local alias = row.address:match("^[^.]+")
    rows[alias] = (rows[alias] or 0) + 1
    if ctx.observed[row.address] == false then gone[alias] = (gone[alias] or 0) + 1 end
  end
  for _, account in ipairs(ctx.manifest.accounts) do
    local count = rows[account.alias]
    if count and count >= EMPTIED and gone[account.alias] == count then
      table.insert(ctx.plan.notes, { address = account.alias,
        message = ("the vendor has none of its %d records any more: is it the right account?"):format(count) })
    end
  end
end

local function plan_removal(ctx, row)
  row = rows_of.open(row)
  local alias = row.address:match("^[^.]+")
  local account = ctx.manifest.account[alias]
  local description = account and account.provider.resource[row.resource]
  local gone = ctx.observed[row.address] == false
  return {
    action = gone and "forget" or "delete", address = row.address, alias = alias, provider = row.provider,
    resource = row.resource, description = description, row = row, record = nil,
    there = ctx.observed[row.address] or row.fields, changes = NONE,
  }
end

-- ---- what forbids a step ----

-- What there is to do about a record that the provider cannot delete.
local function kept_how(plan, step)
  local forget = "forget it (luaprov state rm " .. word(step.address) .. "), and it stays at the vendor"
  if step.key_goes_to and plan.step[step.key_goes_to].action == "create" then
    return ("it looks renamed: luaprov state mv %s %s keeps it; or %s"):format(word(step.address),
      word(step.key_goes_to), forget)
  end
  return (plan.destroy and "" or "declare it again to keep it, or ") .. forget
end

local function forbid_unable(plan, step)
  local operations, what = step.description.operations, step.provider .. " has no "
  if step.action == "delete" and not operations.delete then
    fault(plan, step.address, what .. "delete for " .. step.resource .. ": " .. kept_how(plan, step))
    return true
  elseif step.action == "replace" and not operations.delete then
    fault(plan, step.address, what .. "delete for " .. step.resource .. ", so it cannot be replaced ("
      .. table.concat(step.why, ", ") .. "): give it back what it had, ignore the field, or declare it under another "
      .. "name and forget this one (luaprov state rm " .. word(step.address) .. ")", step.record.line)
    return true
  end
end

local function forbid(plan, step)
  local protected = step.row and step.row.protect
  if step.record and step.record.protect ~= nil then protected = step.record.protect end
  if step.action ~= "delete" and step.action ~= "replace" then return end
  if not step.description then
    return fault(plan, step.address, "the manifest uses no account '" .. step.alias .. "' with " .. step.provider .. " "
      .. step.resource .. ": keep its use until its records are gone, or forget them (luaprov state rm)")
  end
  if forbid_unable(plan, step) then return end
  if protected then
    fault(plan, step.address, "is protected and would be " .. step.action .. "d"
      .. (step.why and " (" .. table.concat(step.why, ", ") .. ")" or "")
      .. (step.record and "" or ": declare it again, with protect = false, before it goes"),
      step.record and step.record.line)
  end
end

-- ---- the whole ----

local function check_rows(ctx, accounts)
  local told = {}
  for _, row in ipairs(ctx.rows.list) do
    local alias = row.address:match("^[^.]+")
    local account, today = ctx.manifest.account[alias], accounts and accounts[alias]
    local base_url = today and today.base_url or account and account.state and account.state.base_url
    local message
    if accounts and account and not today then
      message = nil -- nothing is done with them
    elseif account and account.provider.name ~= row.provider then
      message = "the state has records of " .. row.provider .. " under '" .. alias .. "', and the manifest uses "
        .. account.provider.name .. " there"
    elseif base_url and row.base_url and base_url ~= row.base_url then
      message = "the state's records of '" .. alias .. "' are at " .. row.base_url .. ", and the client is at "
        .. base_url .. " (--same-account " .. alias .. " says that it is the same account there)"
    elseif today and today.account and row.account and today.account ~= row.account then
      message = "the state's records of '" .. alias .. "' belong to another account than today's credentials"
        .. " (--same-account " .. alias .. " says that it is the same)"
    end
    if message and not told[message] then
      told[message] = true
      fault(ctx.plan, row.address, message, account and account.line)
    end
  end
end

local function count(plan, total, destroy)
  for _, step in ipairs(plan.steps) do
    plan.counts[step.action] = plan.counts[step.action] + 1
    if step.action == "delete" or step.action == "replace" then plan.deletes = plan.deletes + 1 end
  end
  if not destroy and (plan.deletes > MANY or plan.deletes > total * PART) then plan.allow_delete = plan.deletes end
end

local function no_such_target(name, ctx)
  local names, begins = {}, false
  for _, list in ipairs { ctx.manifest.records, ctx.rows.list } do
    for _, item in ipairs(list) do
      begins = begins or target.goes_on(item.address, name)
      if #names < 500 then names[#names + 1] = item.address end
    end
  end
  return errors.new { kind = "invalid", outcome = "not_sent",
                      message = "--target: there is no record " .. name .. (begins and (" ("
                        .. name .. ". means those whose names go on after it)") or near.hint(name, names, 5)) }
end

--- @param args table manifest, rows, observed, destroy, targets, accounts
--- @return table|nil plan
--- @return luaprov.Error|nil err only of a target that is not there
function M.make(args)
  local plan = {
    steps = {}, step = {}, drift = {}, notes = {}, faults = {}, deletes = 0, destroy = args.destroy,
    targets = args.targets, manifest = args.manifest, observed = args.observed,
    counts = { create = 0, update = 0, replace = 0, delete = 0, forget = 0, unchanged = 0, drift = 0 },
  }
  local ctx = { plan = plan, manifest = args.manifest, rows = rows_of.index(args.rows or NONE, args.manifest),
                observed = args.observed or NONE, fate = {}, made = {} }
  ctx.lookup, ctx.pending = lookup_in(ctx), pending_in(ctx)
  check_rows(ctx, args.accounts)
  local wanted = args.destroy and NONE or args.manifest.record
  if not args.destroy then
    for _, address in ipairs(args.manifest.order) do plan_record(ctx, wanted[address]) end
    table.sort(plan.steps, function(a, b) return a.record.sequence < b.record.sequence end)
  end
  for _, row in ipairs(ctx.rows.list) do
    local account = args.manifest.account[row.address:match("^[^.]+")]
    local description = account and account.provider.resource[row.resource]
    if description then note_drift(ctx, row, description, args.manifest.record[row.address]) end
    if not wanted[row.address] then
      local step = plan_removal(ctx, row)
      step.record = args.destroy and args.manifest.record[row.address] or nil
      put(ctx, step)
    end
  end
  note_emptied(ctx)
  if args.targets then
    local unknown = target.select(plan, ctx.rows, args.targets)
    if unknown then return nil, no_such_target(unknown, ctx) end
  end
  handover.find(plan)
  doubt.find(plan)
  for _, step in ipairs(plan.steps) do forbid(plan, step) end
  count(plan, #ctx.rows.list, args.destroy)
  plan.actions = actions.of(plan, ctx.rows)
  estimate.add(plan)
  return plan
end

--- Whether there is anything to do.
function M.is_empty(plan) return plan.steps[1] == nil end

return M
