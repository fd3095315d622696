--- From the manifest, the state and what the vendors have to a plan, for the commands that make one.
---
---   local about = { destroy = false, targets = {} }
---   local seen, code = planning.state(work, about)   rows, accounts, intents, readdressed
---   local ok, code = planning.look(work, seen)       adds observed; what could not be seen is told
---   local plan, code = planning.make(work, seen, about)
local accounts_of = require "luaprov.stack.account"
local core = require "luaprov.core"
local manifests = require "luaprov.stack.manifest"
local near = require "luaprov.near"
local observe = require "luaprov.stack.observe"
local options = require "luaprov.cli.stack.options"
local plans = require "luaprov.stack.plan"
local progress = require "luaprov.cli.stack.progress"
local render = require "luaprov.stack.render"
local rows_of = require "luaprov.stack.rows"
local say = require "luaprov.cli.stack.say"
local tables = require "luaprov.tables"
local touched = require "luaprov.stack.touched"
local warnings = require "luaprov.cli.stack.warnings"

local M = {}

local MANY = 8 -- accounts

-- The credentials of an account, or its place, are others, and somebody says that it is the same: so its rows are ours.
local function claim_rows(work, rows, accounts)
  local changed = {}
  for _, alias in ipairs(work.args.same_accounts or {}) do
    local today = accounts[alias]
    if not today then
      return nil, work.out:wrong("--same-account: the manifest uses no account '" .. alias .. "'"
        .. near.hint(alias, tables.keys(accounts)))
    end
    for _, row in ipairs(rows) do
      local is_other = row.account ~= today.account or row.base_url ~= today.base_url
      if is_other and row.address:match("^[^.]+") == alias then
        row.account, row.base_url = today.account, today.base_url
        changed[#changed + 1] = rows_of.open(row)
      end
    end
  end
  return changed
end

--- What the state says.
--- @param work luaprov.Work
--- @param about table destroy (true: only what the state has is touched), targets
--- @return table|nil seen rows, accounts (those that are touched; nil: there is no state), partly (true: not all of
---   them are), intents, readdressed (rows that have another account now)
--- @return integer|nil code the exit code
function M.state(work, about)
  local rows, err = work:rows(true)
  local intents
  if rows then intents, err = work:intents() end
  if not intents then return nil, say.error(work.out, err) end
  local accounts = work.store and accounts_of.all(work.manifest, work.store)
  local seen = { rows = rows, intents = intents, accounts = accounts }
  local changed, code = claim_rows(work, rows, accounts or {})
  if not changed then return nil, code end
  seen.readdressed = changed
  local aliases = touched.of(work.manifest, seen, about)
  err = manifests.wanting(work.manifest, aliases)
  if err then return nil, say.error(work.out, err) end
  for _, account in ipairs(accounts and work.manifest.accounts or {}) do
    if not aliases[account.alias] then accounts[account.alias], seen.partly = nil, true end
  end
  return seen
end

-- Looking at many records may take longer than the lease lasts: whoever waits for it is not to have it meanwhile. That
-- it is lost is told when something is to be written.
local function keep_lease(lease)
  if lease and lease.ends - core.now() < lease.seconds / 2 then lease:renew() end
end

-- The rows of the accounts that are touched; those of an account that the manifest does not use have their own fault.
local function touched_rows(work, seen)
  if not seen.partly then return seen.rows end
  local rows = {}
  for _, row in ipairs(seen.rows) do
    local alias = row.address:match("^[^.]+")
    if seen.accounts[alias] or not work.manifest.account[alias] then rows[#rows + 1] = row end
  end
  return rows
end

-- The accounts that have nothing to do with what could not be looked at: what is targeted there is done without it. Of
-- many nobody writes a command.
local function rest_of(work, seen, failed)
  local rest, broken, accounts = {}, {}, work.manifest.accounts
  for address in pairs(failed) do broken[address:match("^[^.]+")] = true end
  local is_saved = work.about and work.about.saved
  local can = work.args.targets and not work.args.targets[1] and not is_saved and #accounts <= MANY
  for _, account in ipairs(can and accounts or {}) do
    local clear = seen.accounts and seen.accounts[account.alias] ~= nil
    for alias in pairs(clear and touched.of(work.manifest, seen, { targets = { account.alias } }) or {}) do
      clear = clear and not broken[alias]
    end
    if clear then rest[#rest + 1] = account.alias end
  end
  return rest
end

--- Asks the vendors for what the state knows.
--- @param work luaprov.Work
--- @param seen table rows; gains observed and unseen
--- @param can_skip boolean|nil the command can do without
--- @return boolean|nil whole
--- @return integer|nil code the exit code, when something could not be seen
function M.look(work, seen, can_skip)
  local line = progress.new(work.args, "looked at", work.manifest)
  local failed
  seen.observed, failed, seen.unseen = observe.rows {
    manifest = work.manifest, rows = touched_rows(work, seen), accounts = seen.accounts,
    concurrency = work.args.parallel,
    on_progress = function(done, total)
      line:at(done, total)
      keep_lease(work.lease)
    end,
  }
  line:done()
  if next(failed) == nil then return true end
  return nil, say.unseen(work.out, work.manifest, failed, can_skip, rest_of(work, seen, failed))
end

local function add_notes(plan, seen)
  for _, intent in ipairs(seen.intents) do
    plan.notes[#plan.notes + 1] = {
      address = intent.address, message = ("an earlier %s has no known end: apply settles it first")
        :format(intent.operation),
    }
  end
  for _, address in ipairs(tables.keys(seen.blocked or {})) do
    if plan.step[address] then
      plan.notes[#plan.notes + 1] = { address = address, message = "is left alone until its earlier call is settled" }
    end
  end
  -- What is wrong with an account as a whole is a fault, and told once.
  for _, address in ipairs(tables.keys(not plan.faults[1] and seen.unseen or {})) do
    plan.notes[#plan.notes + 1] = { address = address, message = "nobody could look: " .. seen.unseen[address] }
  end
end

--- @param work luaprov.Work
--- @param seen table
--- @param about table destroy, targets, warns (true: somebody reads the plan, and what it would make may be there)
--- @return table|nil plan
--- @return integer|nil code the exit code
function M.make(work, seen, about)
  local targets = about.targets
  local plan, err = plans.make {
    manifest = work.manifest, rows = seen.rows, observed = seen.observed, accounts = seen.accounts,
    destroy = about.destroy, targets = targets and targets[1] and targets or nil,
  }
  if not plan then return nil, work.out:wrong(err.message) end
  add_notes(plan, seen)
  if not about.destroy then warnings.outputs(plan, seen) end
  if about.warns and seen.observed then warnings.foreign(work, plan, seen) end
  local allowed = work.args.allow_delete
  -- What is to go wholly goes wholly, unless somebody has said how much may.
  if about.destroy and allowed and plan.deletes > allowed then plan.allow_delete = plan.deletes end
  if allowed and plan.allow_delete and allowed >= plan.allow_delete then plan.allow_delete = nil end
  return plan
end

--- Prints a plan.
function M.print(work, plan)
  local out = work.out
  local function emit(text) out:line(text) end
  if out.json then render.json(plan, emit) else render.text(plan, emit, { color = options.color(work.args, 1) }) end
  out.flush()
end

return M
