--- Does what a plan says: as much at once as the graph and the limits allow.
---
--- Before a changing call leaves, its intent is on the disk; after the answer, what came of it, together with what the
--- state then has. Whatever ends us in between, the next run finds the intent, and settle.lua finds out.
local actions = require "luaprov.stack.actions"
local core = require "luaprov.core"
local errors = require "luaprov.errors"
local freed = require "luaprov.stack.freed"
local graph = require "luaprov.stack.graph"
local guards = require "luaprov.stack.guard"
local journals = require "luaprov.stack.journal"
local noted = require "luaprov.stack.noted"
local perform = require "luaprov.stack.perform"
local reference = require "luaprov.stack.reference"
local rows_of = require "luaprov.stack.rows"
local runtime = require "luaprov.runtime"

local M = {}

M.PARALLEL = 64 -- actions at once; the vendors' limits are kept by the clients

local NONE = {}

local function nobody() end

-- What the state must not keep, as a secret, the vendor may have shown when it was looked at.
local function observed_in(run, address, path)
  local step, observed = run.plan.step[address], run.plan.observed
  if step and step.action ~= "update" or not observed then return nil end
  return reference.at(observed[address] or NONE, path)
end

local function lookup_in(run)
  return function(address, path)
    local made = run.made[address]
    local known
    if made then known = reference.at(made, path) else known = rows_of.at(run.rows[address], path) end
    if known == nil then return observed_in(run, address, path) end
    return known
  end
end

local function new_run(args, guard)
  local run = {
    manifest = args.manifest, plan = args.plan, store = args.store, accounts = args.accounts, guard = guard,
    now = core.now, seen = {},
    journal = journals.new(args.store), noted = noted.new(), rows = {}, ids = {}, made = {}, ending = {},
    needed = {}, -- the addresses of which others may want to know more than that they are there
    parallel = args.parallel or M.PARALLEL, blocked = args.blocked or NONE, changed = runtime.event(),
    written_later = 0, -- actions that have been done, and whose end is being written
    on_event = args.on_event or nobody, stop = args.stop or nobody,
    result = { done = 0, stopped = false, failed = {}, skipped = {}, unknown = {}, notes = {}, lost = {} },
  }
  for _, row in ipairs(args.rows) do
    local alias = row.address:match("^[^.]+")
    local account = run.manifest.account[alias]
    local description = account and account.provider.resource[row.resource]
    local step = { address = row.address, alias = alias, description = description }
    if row.id ~= nil then perform.remember_row(run, step, row) end
  end
  for _, node in ipairs(args.manifest.records) do
    for _, address in ipairs(node.needs) do run.needed[address] = true end
  end
  for _, step in ipairs(args.plan.steps) do
    -- The vendor has it no more.
    local is_gone = step.row and (step.action == "forget" or step.action == "create")
    if is_gone and step.row.id ~= nil then perform.forget_id(run, step) end
  end
  run.lookup = lookup_in(run)
  return run
end

local function tell(run, what, action, more)
  if run.on_event == nobody then return end
  local event = { what = what, op = action.op, address = action.step.address }
  for name, value in pairs(more or {}) do event[name] = value end
  -- What is raised here would end the task that tells of it, and leave all others waiting for it.
  local ok, why = pcall(run.on_event, event)
  if not ok and run.raised == nil then run.raised = { why = why } end
end

local function skip(run, action, why)
  run.seen[action] = true
  table.insert(run.result.skipped, action.step.address)
  tell(run, "skipped", action, why and { message = why })
end

local function failed(run, ready, action, what, err)
  table.insert(run.result[what], { address = action.step.address, op = action.op, err = err })
  tell(run, what, action, { err = err })
  for _, other in ipairs(ready:failed(action)) do skip(run, other) end
end

local function finish(run, ready, action, what, err, notes, record)
  for _, message in ipairs(notes or NONE) do
    table.insert(run.result.notes, { address = action.step.address, message = message })
    tell(run, "note", action, { message = message })
  end
  if notes and notes.lost then table.insert(run.result.lost, action.step.address) end
  if what ~= "done" then return failed(run, ready, action, what, err) end
  run.result.done = run.result.done + 1
  ready:done(action)
  if run.on_event == nobody then return end
  record = record or run.rows[action.step.address]
  tell(run, "done", action, { id = record and record.id })
end

local function is_over(run)
  run.result.broken = run.result.broken or run.journal.broken or run.guard.broken
  run.result.stopped = run.result.stopped or run.stop() and true or false
  return run.result.broken ~= nil or run.result.stopped or run.raised ~= nil
end

-- How many actions hold a place: those whose end is being written do not.
local function at_work(run, ready) return ready.running - run.written_later end

-- An action that begins now; nil where none can.
local function take(run, ready)
  while ready.left > 0 and at_work(run, ready) < run.parallel and not is_over(run) do
    local action = ready:next()
    if not action then return nil end
    run.seen[action] = true
    local why = run.blocked[action.step.address]
    if not why then
      tell(run, "begin", action)
      return action
    end
    failed(run, ready, action, "unknown", why)
  end
end

-- What became of an action whose end was being written.
local function ended(made, what, err, notes)
  local run, ready = made.run, made.ready
  run.written_later = run.written_later - 1
  finish(run, ready, made.action, what, err, notes, made.record)
  if ready.running == 0 or ready:has_next() then run.changed:set() end
end

-- One action after the other, as long as there are any.
local function work(run, ready, action)
  while action do
    local ok, what, err, notes, made = pcall(perform[action.op], run, action.step)
    if not ok then
      what, err = "unknown", errors.new { kind = "rejected", outcome = "unknown", message = tostring(what) }
    end
    if what == "later" then
      made.action, made.ready = action, ready
      run.written_later = run.written_later + 1
      perform.write_made(run, action.step, made, ended)
    else
      finish(run, ready, action, what, err, notes)
    end
    action = take(run, ready)
    -- What became ready with it is for others.
    if action and ready:has_next() and at_work(run, ready) < run.parallel then run.changed:set() end
  end
  run.changed:set()
end

-- Gives out what is ready, and waits for what is not.
local function give_out(run, ready)
  while ready.left > 0 do
    local action = take(run, ready)
    if action then
      runtime.spawn(work, run, ready, action)
    elseif ready.running == 0 then
      break -- what is left does not begin any more
    else
      run.changed:wait()
    end
  end
end

local function skip_the_rest(run, all)
  local result = run.result
  local broken = result.broken or run.journal.broken or run.guard.broken
  local why = broken and "the state is out of reach" or result.stopped and "it was stopped before" or nil
  for _, action in ipairs(all) do
    if not run.seen[action] then skip(run, action, why) end
  end
end

--- @param args table plan, manifest, store (whose lease is held), lease, accounts (account.all), rows (of the state),
---   parallel, blocked (address -> error: what of it has no known end), on_event (function event: what ("begin",
---   "done", "failed", "unknown", "skipped", "note"), op, address, id, err, message; what it raises is raised when all
---   that had begun has ended), stop (asked before each action:
---   whether nothing more is to begin)
--- @return table result done (how many actions), failed and unknown (lists of { address, op, err }), skipped (a list of
---   addresses), lost (the same, whose output was not written), notes ({ address, message } each), stopped, broken (why
---   nothing could be sent or written any more), last (seconds of core.now(): until when something that was sent may be
---   acted on)
function M.run(args)
  local plan = args.plan
  if plan.faults[1] then error("a plan with faults is not applied", 2) end
  local guard = guards.new(args.lease, args.manifest)
  local run = new_run(args, guard)
  local ok, err = xpcall(function()
    local written, why_not = freed.write(run)
    if not written then
      run.result.broken = why_not
      return
    end
    local ready = graph.run(plan.actions, actions.needs(plan.actions))
    give_out(run, ready)
    skip_the_rest(run, plan.actions)
  end, function(why) return type(why) == "string" and debug.traceback(why, 2) or why end)
  guard:stop()
  if not ok then error(err, 0) end
  if run.raised then error(run.raised.why, 0) end
  run.result.broken = run.result.broken or run.journal.broken or guard.broken
  run.result.last = guard.last
  return run.result
end

--- Whether something that was sent may be acted on still: what nobody knows the end of, a change that is made again by
--- the next run among it.
--- @param result table of `run`
function M.may_act(result)
  local is_open = result.broken ~= nil or result.unknown[1] ~= nil
  for _, entry in ipairs(result.failed) do is_open = is_open or entry.err.outcome == "unknown" end
  return is_open and core.now() < (result.last or math.huge)
end

return M
