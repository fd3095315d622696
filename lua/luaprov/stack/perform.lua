--- One action of a plan: its intent, its call, what came of it.
---
--- Each returns "done"; "failed" and an error: nothing was changed, or it is known what was; or "unknown" and an error:
--- nobody knows what became of it, and its intent stays open. Third come texts to be told besides.
local compare = require "luaprov.stack.compare"
local compares = require "luaprov.policy.compare"
local doubt = require "luaprov.stack.doubt"
local errors = require "luaprov.errors"
local identity = require "luaprov.provider.identity"
local intents = require "luaprov.stack.intent"
local json = require "luaprov.json"
local output = require "luaprov.stack.output"
local reference = require "luaprov.stack.reference"
local resources = require "luaprov.provider.resource"
local rows = require "luaprov.stack.row"
local rows_of = require "luaprov.stack.rows"
local runtime = require "luaprov.runtime"
local word = require "luaprov.shell_word"

local M = {}

local BEGINS = 3 -- times that an intent is written, while the lease is too short for it

local function failure(step, operation, kind, message, outcome)
  return errors.new { kind = kind, outcome = outcome or "not_sent", provider = step.provider, resource = step.resource,
                      operation = operation, message = message }
end

-- That what was known later is not known now, where it has to be.
local function unknown_in(step, operation, fields)
  local missing, once = {}, ""
  reference.each(fields, function(part, value)
    missing[#missing + 1] = part.address .. "." .. reference.path_text(part.path)
    if reference.is_secret(value) then once = " (what is shown once, only a record that is made anew has)" end
  end)
  return missing[1] and failure(step, operation, "invalid",
    "the vendor's answer has no " .. table.concat(missing, ", ") .. once)
end

-- The fields with all that was known later in them.
local function fill(run, step, operation)
  if not step.record.deferred then return step.record.fields end
  local fields, left = reference.fill(step.record.fields, run.lookup)
  if left == 0 then return fields end
  return nil, unknown_in(step, operation, fields)
end

-- The same of an update, and what it has to send. What nobody knows any more and is not changed is left out.
local function fill_update(run, step)
  local fields, left = reference.fill(step.record.fields, run.lookup)
  step.fields = fields
  local input = compare.input(step)
  local err = left > 0 and unknown_in(step, "update", input)
  if err then return nil, nil, err end
  if left > 0 then step.fields = compare.without_later(step.description, fields) end
  return step.fields, input
end

-- What may be sent now can be acted on for so long.
local function begin(run, account, intent, items)
  local ok, err
  for _ = 1, BEGINS do
    ok, err = run.guard:reach(run.now() + account.state.timeout)
    if ok then ok, err = run.journal:begin(intent, items) end
    -- What others wrote meanwhile took too long for the lease that there was.
    if ok or err.kind ~= "short" then break end
  end
  return ok, err
end

-- What came of a call that was not done.
local function ended(run, step, intent, err)
  if err.outcome == "unknown" then return "unknown", err end
  local ok, why = run.journal:finish(intent, err.outcome, { kind = err.kind }, doubt.undo(run, step))
  if not ok then return "unknown", why end
  return "failed", err
end

local NONE = {}

local function id_of(run, step, id, parents)
  return identity.of(step.description, run.accounts[step.alias] or NONE, id, parents)
end

-- The same of a record that the state knows.
local function id_of_row(run, step, row) return id_of(run, step, row.id, rows_of.parents(step.description, row)) end

-- A record that somebody else's is, or that another address has, is not ours, whatever the vendor answers.
local function taken(run, step, id, name, note)
  local other = run.ids[name]
  if other and other ~= step.address then return "it is the record of " .. other end
  if step.action == "replace" and step.first == "create" and name == id_of_row(run, step, step.row) then
    return "it is the record that it was to replace"
  end
  if note and note.known[id] then return "it was there before: take it over with luaprov adopt or luaprov import" end
end

-- A record that had the key before, has it still, and is no address's: perhaps one that a lost state knew.
local function other_of(run, step, note, id, parents)
  for _, other in ipairs(note.ids) do
    local its = compares.id(other)
    if note.known[its] and its ~= id and not run.ids[id_of(run, step, other, parents)] then return other end
  end
end

--- A row as it is when a run begins.
function M.remember_row(run, step, row)
  run.rows[step.address] = row
  -- Of what the provider file tells nothing any more nobody is answered with a record.
  if step.description then run.ids[id_of_row(run, step, row)] = step.address end
end

-- What a record is from now on, for those that need it.
local function remember_made(run, step, row, record)
  if not run.needed[step.address] then return end
  run.rows[step.address], run.made[step.address] = row, record
end

--- A record is there no more: whoever has its id later is another one.
function M.forget_id(run, step)
  local name = step.description and id_of_row(run, step, step.row)
  if run.ids[name or ""] == step.address then run.ids[name] = nil end
end

-- A vendor may have deleted and made before we hear of either: an id may be free by now.
local function await_end(run, name)
  while run.ending[name] and run.ending[name]:wait() do end -- luacheck: ignore 542
end

local function is_gone(run, step)
  M.forget_id(run, step)
  run.noted:remove(step.alias, step.description, step.row.parents, step.row.id)
end

-- What `write_made` has to be told.
local function written(made, ok, err)
  if not ok then return made.on_end(made, "unknown", err) end
  remember_made(made.run, made.step, made.row, made.record)
  return made.on_end(made, "done", nil, made.notes)
end

function M.create(run, step)
  local account, node = run.manifest.account[step.alias], step.record
  local resource = account.client[step.resource]
  local fields, err = fill(run, step, "create")
  if not fields then return "failed", err end
  local checked
  checked, err = resources.check(resource, fields)
  if not checked then return "failed", err end
  local is_ready, why_not = output.ready(node)
  if not is_ready then return "failed", failure(step, "create", "invalid", why_not) end
  local note, unlisted = run.noted:of(step.alias, resource, checked)
  if note == nil then
    return "failed", failure(step, "create", unlisted.kind,
      "what is there already cannot be listed first: " .. unlisted.message)
  end
  local about, is_first = run.accounts[step.alias], step.action == "replace" and step.first == "create"
  local intent, unsayable = intents.create(node, about, account.state.timeout, {
    checked = checked, fields = fields, noted = note and note.ids or nil, store = run.store,
    replaces = is_first and step.row.id or nil,
  })
  if not intent then return "failed", failure(step, "create", "invalid", unsayable) end
  local ok
  ok, err = begin(run, account, intent, doubt.items(run, step, M.in_doubt))
  if not ok then return "failed", err end
  local record
  record, err = resources.create(checked, note or nil)
  if not record and err.kind == "conflict" and err.outcome == "refused" then
    err.message = err.message .. "; luaprov adopt " .. word(step.address) .. " takes over one that is there"
  end
  -- Without a way to look no later run can tell either.
  if not record then err.by_hand = intent.noted == nil and err.outcome == "unknown" or nil end
  if not record then return ended(run, step, intent, err) end
  local id, name = compares.id(record.id), id_of(run, step, record.id, checked.parents)
  await_end(run, name)
  local why = taken(run, step, id, name, note)
  if why then
    ok, err = run.journal:finish(intent, "refused", { taken = record.id })
    if not ok then return "unknown", err end
    return "failed", failure(step, "create", "conflict",
      ("the vendor answered with %s, which is not a new one: %s"):format(compares.text(record.id), why), "refused")
  end
  -- Ours before anybody waits: whoever is answered with the same one meanwhile has none.
  if note then note.known[id] = true end
  run.ids[name] = step.address
  local notes, reached = output.write(node, record)
  -- Nobody will see it again.
  notes.lost = #notes > 0
  local other = note and other_of(run, step, note, id, checked.parents)
  if other then
    notes[#notes + 1] = ("the vendor had one with its key before (id %s), and has both now")
      :format(compares.text(other))
  end
  if err then notes[#notes + 1] = "created, and could not be read back: " .. err.message end
  local row = rows.of(node, fields, record, about, nil, intent.key)
  if notes.lost then output.owe(node, row.secrets, reached) end
  local items = { { record = row } }
  if is_first then
    -- From now on the state has the new one here: that the old one has to go is said by its intent alone.
    step.leftover = intents.delete(step.row, { base_url = step.row.base_url, account = step.row.account })
    step.leftover.id = run.store:next_id()
    items[2] = { intent = step.leftover }
  end
  return "later", nil, nil, {
    intent = intent, items = items, row = row, record = record, notes = notes,
    start = nil, action = nil, ready = nil, run = nil, step = nil, on_end = nil, -- room for what it gains
  }
end

--- Writes what came of a create that is done, and does not wait for it.
--- @param made table what `create` returned last
--- @param on_end function made, what, err, notes: called as soon as it is written; made.record is the record
function M.write_made(run, step, made, on_end)
  made.run, made.step, made.on_end = run, step, on_end
  run.journal:finish_later(made.intent, "done", { id = made.record.id }, made.items, written, made)
end

local function paths_of(step)
  local paths = {}
  for i, change in ipairs(step.changes) do paths[i] = change.path end
  return paths
end

-- Of an update that the vendor ignored the answer may look as if it had not been: it is read, if it is no reading.
local function read_again(resource, step, fields, record)
  local operations, read, err = step.description.operations, record, nil
  if operations.update.returns ~= "nothing" and operations.get then
    read, err = resource:get(step.row.id, step.row.parents)
  end
  if not read then return record, err end
  for _, change in ipairs(compare.changes(step.description, fields, read, { ignore = step.record.ignore })) do
    if not (change.secret or change.unseen) then
      return read, failure(step, "update", "rejected", ("the vendor says that it is done, and %s is as before (%s)")
        :format(change.path, change.old == nil and "nothing" or json.encode(change.old)), "refused")
    end
  end
  return read
end

-- Whether a record may have gone with another that it needs, which had to be deleted before it was made anew.
local function went_with(run, step)
  for _, address in ipairs(step.record.needs) do
    local other = run.plan.step[address]
    if other and other.action == "replace" and other.first == "delete" then return true end
  end
  return false
end

function M.update(run, step)
  local account, node = run.manifest.account[step.alias], step.record
  local resource = account.client[step.resource]
  local fields, input, err = fill_update(run, step)
  if not fields then return "failed", err end
  local about = run.accounts[step.alias]
  local intent = intents.update(node, about, account.state.timeout, step.row, paths_of(step))
  local ok
  ok, err = begin(run, account, intent)
  if not ok then return "failed", err end
  local record
  record, err = resource:update(step.row.id, input, step.row.parents)
  if not record then
    if err.kind == "not_found" and err.outcome ~= "unknown" and went_with(run, step) then
      ok, err = run.journal:finish(intent, err.outcome, { kind = err.kind }, { { remove = step.address } })
      if not ok then return "unknown", err end
      M.forget_id(run, step)
      run.rows[step.address] = nil
      return M.create(run, step)
    end
    if err.outcome ~= "unknown" then return ended(run, step, intent, err) end
    -- It may be made again: what is there is read first, and of secrets nobody knows.
    ok = run.journal:finish(intent, "unknown", { kind = err.kind },
      { { record = M.in_doubt(step.row, intent.fields) } })
    return ok and "failed" or "unknown", err
  end
  local notes, fault = {}, nil
  if err then notes[1] = "updated, and could not be read back: " .. err.message
  else record, fault = read_again(resource, step, fields, record) end
  local row = rows.of(node, fields, record, about, step.row.secrets)
  if not fault then
    local lacking, reached = output.write(node, record)
    output.pay(row.secrets, reached)
    for _, text in ipairs(lacking) do notes[#notes + 1] = text end
  end
  ok, err = run.journal:finish(intent, fault and "ignored" or "done", nil, { { record = row } })
  if not ok then return "unknown", err end
  run.rows[step.address], run.made[step.address] = row, record
  if fault then return "failed", fault end
  return "done", nil, notes
end

--- A row of which nobody knows whether what is secret in it was changed.
--- @param row table of the state
--- @param paths string[] what was to be changed
--- @return table row
function M.in_doubt(row, paths)
  local copy, doubtful = {}, {}
  for _, path in ipairs(paths) do doubtful[path] = true end
  for name, value in pairs(row) do copy[name] = value end
  copy.secrets = {}
  for path, entry in pairs(row.secrets or {}) do
    local within = doubtful[path]
    for other in pairs(doubtful) do within = within or path:sub(1, #other + 1) == other .. "." end
    if not within then copy.secrets[path] = entry
    elseif entry.secret then copy.secrets[path] = { secret = true } end
  end
  return copy
end

--- Deletes what a row of the state names.
--- @param account table of the manifest
--- @param row table resource, id, parents
--- @return boolean|nil done
--- @return luaprov.Error|nil err
function M.remove(account, row)
  local done, err = account.client[row.resource]:delete(row.id, row.parents)
  -- Whoever wants it gone has what he wants.
  if not done and err.kind == "not_found" and err.outcome == "refused" then return true end
  return done, err
end

local function delete(run, step)
  local account, row, intent = run.manifest.account[step.alias], step.row, step.leftover
  local ok, err
  if intent then
    ok, err = run.guard:reach(run.now() + account.state.timeout)
  else
    intent = intents.delete(row, { base_url = row.base_url, account = row.account }, account.state.timeout)
    ok, err = begin(run, account, intent)
  end
  -- The intent of what the state has no more under any address is all that tells of it.
  if not ok then return step.leftover and "unknown" or "failed", err end
  local done
  done, err = M.remove(account, row)
  if not done and step.leftover then return "unknown", err end
  if not done then
    ok = run.journal:finish(intent, err.outcome, { kind = err.kind })
    return ok and "failed" or "unknown", err
  end
  ok, err = run.journal:finish(intent, "done", nil, not step.leftover and { { remove = step.address } } or nil)
  if not ok then return "unknown", err end
  is_gone(run, step)
  if not step.leftover then run.rows[step.address] = nil end
  return "done"
end

function M.delete(run, step)
  local name, event = id_of_row(run, step, step.row), runtime.event()
  run.ending[name] = event
  local ok, what, err = pcall(delete, run, step)
  run.ending[name] = nil
  event:set()
  if not ok then error(what, 0) end
  return what, err
end

function M.forget(run, step)
  local ok, err = run.journal:commit { { remove = step.address } }
  if not ok then return "failed", err end
  run.rows[step.address] = nil
  return "done"
end

return M
