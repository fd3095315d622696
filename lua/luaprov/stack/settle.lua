--- What became of the calls that an earlier run had begun and whose end nobody noted. Each is settled by what its
--- intent says: the account, the key, what was sent, and what was there before.
---
---   an update         is made again if it has to be: what is secret in it counts as not known
---   a delete          the same; but what the state has under no address any more is deleted now, and what it has
---                     under another one by now stays
---   a create          is looked for (policy/settle.lua): ours is what is new since, no other address's, and equal in
---                     all that can be compared; what it took the place of is deleted then
---
--- What others name still (leftover.lua) is deleted when they do no more: `later`.
---
--- What cannot be told stays open, and is shown with the two commands that end it.
local adopt = require "luaprov.stack.adopt"
local compares = require "luaprov.policy.compare"
local core = require "luaprov.core"
local errors = require "luaprov.errors"
local freed = require "luaprov.stack.freed"
local guards = require "luaprov.stack.guard"
local identity = require "luaprov.provider.identity"
local intents = require "luaprov.stack.intent"
local journals = require "luaprov.stack.journal"
local json = require "luaprov.json"
local leftovers = require "luaprov.stack.leftover"
local orphan = require "luaprov.stack.orphan"
local output = require "luaprov.stack.output"
local owners = require "luaprov.stack.owners"
local perform = require "luaprov.stack.perform"
local reference = require "luaprov.stack.reference"
local rows = require "luaprov.stack.row"
local rows_of = require "luaprov.stack.rows"
local runtime = require "luaprov.runtime"
local settle = require "luaprov.policy.settle"
local settling = require "luaprov.provider.settling"

local M = {}

local AT_ONCE = 8   -- intents that are settled at once
local PATIENCE = 60 -- seconds for looking, beyond the time after which nothing can appear any more

-- ---- whose it is ----

-- The account of the manifest that an intent belongs to, whatever it is called now; or, by its name, the one of which
-- somebody says that it is the same.
local function account_of(run, intent)
  local found, named
  for _, account in ipairs(run.manifest.accounts) do
    local about, has_name = run.accounts[account.alias], account.alias == intent.address:match "^[^.]+"
    if about and account.provider.name == intent.provider then
      local is_it = about.base_url == intent.base_url and about.account == intent.account
        or has_name and run.same[account.alias]
      if is_it and (not found or has_name) then found = account end
      named = named or has_name and account.alias
    end
  end
  if not found then
    return nil, ("the manifest uses no account of %s with the credentials that it was begun with (at %s)%s"):format(
      intent.provider, tostring(intent.base_url),
      named and "; --same-account " .. named .. " says that today's are those of the same" or "")
  end
  if not found.provider.resource[intent.resource] then
    return nil, intent.provider .. " has no resource " .. intent.resource .. " any more"
  end
  intent.account_now = run.accounts[found.alias]
  intent.description = found.provider.resource[intent.resource]
  return found
end

-- A node for what is declared no more.
local function node_of(run, intent, account)
  local node = run.manifest.record[intent.address]
  if node and node.resource == intent.resource then return node, true end
  return { address = intent.address, provider = intent.provider, resource = intent.resource,
           description = account.provider.resource[intent.resource] }, false
end

-- The fields as they are declared today, if that is what was sent.
local function declared(run, intent, node)
  local fields, left = reference.fill(node.fields, run.lookup)
  if left == 0 and intents.hash(run.store, fields) == intent.hash then return fields end
end

local function same_id(a, b) return compares.id(a) == compares.id(b) end

-- Whether a row's record is the one that an intent is about.
local function is_of(intent, row) return rows_of.is(intent.description, row, intent.record_id, intent.parents) end

-- What a record of an intent's collection is told from all others by.
local function name_of(intent, id) return identity.of(intent.description, intent.account_now, id, intent.parents) end

-- The rows that have a record of an intent's collection: those whose own it is, and those whose own was gone before it
-- was begun, so that whoever has its id is another one.
local function rows_with(run, intent, id)
  local list, gone = {}, {}
  local now = intent.account_now
  local is_other = intent.account ~= now.account or intent.base_url ~= now.base_url
  local accounts = { now, is_other and intent or nil }
  for _, about in ipairs(accounts) do
    for _, row in ipairs(run.owners:of(intent.provider, intent.description, about, id, intent.parents)) do
      if run.gone[row] then gone[#gone + 1] = row
      elseif intent.operation == "create" and freed.is(run.freed, row, intent) then gone[#gone + 1] = row
      else list[#list + 1] = row end
    end
  end
  return list, gone
end

-- The address that has a record, among those of the state; not the intent's own.
local function owner_of(run, intent, id)
  for _, row in ipairs((rows_with(run, intent, id))) do
    if row.address ~= intent.address then return row.address end
  end
end

-- ---- creates ----

-- What was there before, or has an address; it is asked for ids as policy/settle.lua knows them.
local function known_ids(run, intent)
  local noted = {}
  for _, id in ipairs(intent.noted) do noted[compares.id(id)] = true end
  return setmetatable({}, { __index = function(_, id)
    return noted[id] or (rows_with(run, intent, id))[1] ~= nil
  end })
end

-- The record that it was to replace: from now on the state has another one in its place, and that it has to go is said
-- by an intent of its own.
local function replaced_by(run, intent, record)
  local row, id = run.by_address[intent.address], intent.record_id
  if id == nil or not row or not same_id(row.id, id) then return nil end
  if rows_of.is(intent.description, row, record.id, intent.parents) then return nil end
  local gone = intents.delete(row, { base_url = row.base_url, account = row.account })
  gone.id = run.store:next_id()
  return gone
end

-- What a record takes the place of in the state, which the vendor has no more.
local function remove_gone(run, intent, record, items)
  local _, gone = rows_with(run, intent, record.id)
  for _, row in ipairs(gone) do
    run.gone[row] = true
    if row.address ~= intent.address and run.by_address[row.address] == row then
      run.by_address[row.address] = nil
      items[#items + 1] = { remove = row.address }
    end
  end
end

-- Its record is in the state from now on.
local function take_over(run, intent, account, record, outcome)
  local claim = name_of(intent, record.id)
  local other = run.claimed[claim] or owner_of(run, intent, record.id)
  if other and other ~= intent.address then return nil, "the record that it may have made is that of " .. other end
  run.claimed[claim] = intent.address
  local node, is_declared = node_of(run, intent, account)
  local fields = is_declared and declared(run, intent, node) or nil
  local notes, reached = {}, {}
  if is_declared then notes, reached = output.write(node, record) end
  local row = rows.of(node, fields, record, run.accounts[account.alias])
  if notes[1] then output.owe(node, row.secrets, reached) end
  row.parents = row.parents or intent.parents
  local gone, items = replaced_by(run, intent, record), { { record = row } }
  items[2] = gone and { intent = gone }
  remove_gone(run, intent, record, items)
  local ok, err = run.journal:finish(intent, outcome, { id = record.id }, items)
  if not ok then return nil, err end
  run.by_address[row.address] = row
  run.owners:add(row)
  if run.leftovers then run.leftovers:add(row) end
  return { id = record.id, verdict = outcome, notes = notes, gone = gone }
end

local function settle_create(run, intent, account)
  local resource = account.client[intent.resource]
  local pages, get = settling.looks(resource, intent.parents or {})
  if not pages or not intent.noted then return nil, "the provider has no list, or no key, to look it up" end
  local over_at = core.now() + math.max(0, intent.left or 0) + resource.description.settles_in
  local record, verdict, candidates, err = settle.find {
    resource = resource.description, wanted = intent.fields or {}, pages = pages, get = get,
    note = { known = known_ids(run, intent) }, unique = resource.description.unique, over_at = over_at,
    ends = over_at + PATIENCE,
  }
  if record then return take_over(run, intent, account, record, "found") end
  local is_absent = verdict == "held" or verdict == "not there"
  if not is_absent and not orphan.is_one(account, resource, intent.parents or {}, err) then
    for _, candidate in ipairs(candidates) do run.in_doubt[name_of(intent, candidate.id)] = intent.address end
    return nil, verdict, candidates
  end
  local ok
  ok, err = run.journal:finish(intent, "absent")
  if not ok then return nil, err.message end
  return { verdict = "absent" }
end

-- ---- what may be made again ----

local function settle_update(run, intent)
  local row, items = run.by_address[intent.address], {}
  if row and is_of(intent, row) then
    items[1] = { record = perform.in_doubt(rows_of.open(row), intent.fields or {}) }
  end
  local ok, err = run.journal:finish(intent, "unknown", nil, items)
  if not ok then return nil, err.message end
  return { verdict = "again" }
end

local DELETED = { done = "deleted", unknown = "again", kept = "kept" } -- outcome -> verdict

-- Who names a record that is to be deleted.
local function named_by(run, intent)
  run.leftovers = run.leftovers or leftovers.index(run.rows, run.manifest)
  return run.leftovers:named_by(run.by_address, intent)
end

local function settle_delete(run, intent, account)
  local row, outcome = run.by_address[intent.address], "unknown"
  local other = owner_of(run, intent, intent.record_id)
  local in_doubt = run.in_doubt[name_of(intent, intent.record_id)]
  if other then
    -- Somebody has taken it over since.
    outcome = "kept"
  elseif in_doubt then
    return nil, "its id may be that of the record of " .. in_doubt .. " by now"
  elseif not row or not is_of(intent, row) then
    if not run.is_later and named_by(run, intent) then return { later = true } end
    local about = { resource = intent.resource, id = intent.record_id, parents = intent.parents }
    local done, why = perform.remove(account, about)
    if not done then return nil, why.message end
    outcome = "done"
  end
  local ok, err = run.journal:finish(intent, outcome)
  if not ok then return nil, err.message end
  return { verdict = DELETED[outcome], id = intent.record_id }
end

local SETTLE = { create = settle_create, update = settle_update, delete = settle_delete }

-- ---- the whole ----

local function settle_one(run, intent)
  local account, why = account_of(run, intent)
  local settled, candidates
  if account then settled, why, candidates = SETTLE[intent.operation](run, intent, account) end
  if settled and settled.later then
    table.insert(run.result.later, intent)
    return
  end
  if type(why) == "table" then why = why.message end
  local entry = { address = intent.address, op = intent.operation, intent = intent, why = why, candidates = candidates }
  if settled then
    entry.id, entry.verdict, entry.notes = settled.id, settled.verdict, settled.notes
    table.insert(run.result.settled, entry)
  else
    table.insert(run.result.left, entry)
  end
  run.on_event { what = settled and "settled" or "left", op = entry.op, address = entry.address, id = entry.id,
                 verdict = entry.verdict, why = why, candidates = candidates }
  if settled and settled.gone then table.insert(run.ends, settled.gone) end
end

local function leave(run, intent, why)
  table.insert(run.result.left, { address = intent.address, op = intent.operation, intent = intent, why = why })
end

local function new_run(args, list, guard)
  local run = {
    manifest = args.manifest, store = args.store, accounts = args.accounts, journal = journals.new(args.store),
    guard = guard, rows = {}, by_address = {}, result = { settled = {}, left = {}, later = {} },
    claimed = {}, ends = {}, in_doubt = {}, gone = {},
    owners = owners.new(args.rows), freed = freed.new(args.store, list),
    on_event = args.on_event or function() end, same = {},
  }
  for _, alias in ipairs(args.same_accounts or {}) do run.same[alias] = true end
  for i, row in ipairs(args.rows) do
    run.rows[i], run.by_address[row.address] = row, row
  end
  function run.lookup(address, path) return rows_of.at(run.by_address[address], path) end
  return run
end

local function settle_all(args, list, is_later)
  if not list[1] then return { settled = {}, left = {}, later = {} } end
  local guard = guards.new(args.lease, args.manifest)
  local run = new_run(args, list, guard)
  run.is_later = is_later
  local ok, raised = pcall(function()
    -- A vendor may use the id again of what it has deleted: nothing goes before it is known what was made.
    local makes = {}
    for _, intent in ipairs(list) do table.insert(intent.operation == "delete" and run.ends or makes, intent) end
    for _, part in ipairs { makes, run.ends } do
      local _, stopped = runtime.map(part, function(intent) settle_one(run, intent) end, { concurrency = AT_ONCE })
      -- Of what nobody came to nothing is known either.
      for index, why in pairs(stopped) do leave(run, part[index], why.message) end
    end
  end)
  guard:stop()
  if not ok then error(raised, 0) end
  local broken = run.journal.broken or guard.broken
  if broken then return nil, broken end
  run.result.last = guard.last
  return run.result
end

--- Settles all that an earlier run has left open. The lease must be held: whoever had it before can send nothing that
--- could still be acted on.
--- @param args table manifest, store, lease, accounts (account.all), rows (of the state), same_accounts (aliases whose
---   credentials or base URL are others than before, of the same account), on_event (function event: what ("settled"
---   or "left"), op, address, id, verdict, why, candidates)
--- @return table|nil result settled (list of { address, op, id, verdict ("found", "absent", "again", "deleted",
---   "kept"), notes (texts) }), left (list of { address, op, intent, why, candidates (records) }) and later (intents:
---   deletes for `later`), last (seconds of core.now(): until when something that was sent may be acted on); the
---   state's rows are others then
--- @return luaprov.StoreError|nil err
function M.open(args)
  local open, err = args.store:open_intents()
  if not open then return nil, err end
  return settle_all(args, open)
end

--- Deletes what had to stay until nothing named it: when all that was planned has been done.
--- @param args table as for `open`, the rows as they are now
--- @param list table[] intents: `later` of what `open` returned
--- @return table|nil result as that of `open`, with nothing for later
--- @return luaprov.StoreError|nil err
function M.later(args, list) return settle_all(args, list, true) end

--- The error of an address of which something is left, for `blocked` of apply.
--- @param entry table of result.left
--- @return luaprov.Error
function M.left(entry)
  return errors.new {
    kind = "unavailable", outcome = "unknown", provider = entry.intent.provider, resource = entry.intent.resource,
    operation = entry.op, candidates = entry.candidates,
    message = "what became of an earlier " .. entry.op .. " is not known: " .. tostring(entry.why),
  }
end

-- The record that somebody names: as the vendor has it, where it can be read.
local function known_record(resource, intent, id)
  local record, err = adopt.record(resource, id, intent.parents)
  if record or err then return record, err end
  -- A vendor whose ids are numbers has no text in their place.
  local is_number = resource.description.ids == "number" and tostring(id):find "^%d+$"
  record = { id = is_number and json.decode(id) or id }
  for name, value in pairs(intent.fields or {}) do record[name] = value end
  return record
end

local function by_hand(run, intent, id)
  if id == nil then return run.journal:finish(intent, "absent", { by = "hand" }) end
  if intent.operation ~= "create" then
    return nil, errors.new { kind = "invalid", outcome = "not_sent",
      message = "only what became of a create can be adopted; end this one with --absent" }
  end
  local account, why = account_of(run, intent)
  if not account then return nil, errors.new { kind = "invalid", outcome = "not_sent", message = why } end
  local record, err = known_record(account.client[intent.resource], intent, id)
  if not record then return nil, err end
  local taken, why_not = take_over(run, intent, account, record, "adopted")
  if not taken then return nil, why_not end
  return true, nil, taken.notes
end

--- Ends what is left of an address, as somebody who has looked says.
--- @param args table as for `open`; address, id (nil: it is not there)
--- @return boolean|nil done
--- @return luaprov.Error|luaprov.StoreError|nil err
--- @return string[]|nil notes what of its outputs was not written
function M.by_hand(args)
  local open, err = args.store:open_intents()
  if not open then return nil, err end
  local run = new_run(args, open)
  for _, intent in ipairs(open) do
    if intent.address == args.address then return by_hand(run, intent, args.id) end
  end
  return nil, errors.new { kind = "invalid", outcome = "not_sent",
    message = "nothing is open of " .. args.address }
end

return M
