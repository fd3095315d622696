--- From a manifest to what it says: settle, look, plan, show, ask, do. What `apply` and `destroy` have in common.
local applies = require "luaprov.stack.apply"
local ask = require "luaprov.cli.stack.ask"
local json = require "luaprov.json"
local keep = require "luaprov.cli.stack.keep"
local open = require "luaprov.cli.stack.open"
local output = require "luaprov.cli.output"
local plan_file = require "luaprov.stack.plan_file"
local planning = require "luaprov.cli.stack.planning"
local progress = require "luaprov.cli.stack.progress"
local say = require "luaprov.cli.stack.say"
local settles = require "luaprov.stack.settle"
local stops = require "luaprov.cli.stack.stop"

local M = {}

local INTERRUPTED = 130
local KEPT = 90 * 86400 -- seconds for which the journal has what is settled

-- Prints something while calls are on their way. A reader that has gone ends nothing: what was begun is to be ended.
local function tell(work, event)
  if work.unread then return end
  local ok, err = pcall(function()
    say.event(work.out, event)
    work.out.flush()
  end)
  if ok then return end
  if not output.is_broken(err) then error(err, 0) end
  work.unread = err
end

local function settled_by(work, seen, how, intents)
  -- What it makes again must not be cut off.
  work.sending = true
  local result, err = work.stop:during(function()
    return how({
      manifest = work.manifest, store = work.store, lease = work.lease, accounts = seen.accounts, rows = seen.rows,
      same_accounts = work.args.same_accounts,
      on_event = function(event)
        if event.what == "settled" then tell(work, event) end
      end,
    }, intents)
  end, work.stopping)
  if not result then return nil, say.error(work.out, err) end
  work.sending = false
  if result.left[1] then work.left_until = math.max(work.left_until or 0, result.last or 0) end
  return result
end

-- Ends every open intent that can be ended; nil and a code where the state cannot be written any more.
local function settle(work)
  local out = work.out
  local seen, code = planning.state(work, work.about)
  if not seen then return nil, code end
  if not seen.intents[1] then return seen end
  if not out.json then
    out:line("looking what became of " .. say.counted(#seen.intents, "call") .. " of an earlier run")
    out.flush()
  end
  local result
  result, code = settled_by(work, seen, settles.open)
  if not result then return nil, code end
  local lost = {}
  for _, entry in ipairs(result.settled) do
    for _, message in ipairs(entry.notes or {}) do
      tell(work, { what = "note", address = entry.address, message = message })
    end
    if entry.notes and entry.notes[1] then lost[#lost + 1] = entry.address end
  end
  say.left(out, result.left)
  seen, code = planning.state(work, work.about)
  if not seen then return nil, code end
  seen.blocked, seen.intents, seen.later, seen.lost = {}, {}, result.later, lost
  for _, entry in ipairs(result.left) do seen.blocked[entry.address] = settles.left(entry) end
  return seen
end

-- Why a plan may not be applied; it is printed by now.
local function refusal(plan, saved, same_accounts)
  if plan.faults[1] then return "the plan has faults: nothing was sent" end
  if saved then
    local same, err = plan_file.check(saved, plan, same_accounts)
    if not same then return err.message end
  end
  if plan.allow_delete then
    return ("%s would go: --allow-delete %d allows it; nothing was sent"):format(say.counted(plan.deletes, "record"),
      plan.allow_delete)
  end
end

local function names(entries)
  local list = json.array {}
  for i, entry in ipairs(entries) do
    list[i] = type(entry) == "table" and { address = entry.address, op = entry.op } or entry
  end
  return list
end

local function summarize(work, result)
  local parts, out = {}, work.out
  local function add(number, words)
    if number > 0 then parts[#parts + 1] = ("%d %s"):format(number, words) end
  end
  for _, op in ipairs { "create", "update", "delete", "forget" } do add(work.did[op] or 0, say.PAST[op]) end
  add(#result.failed, "failed")
  add(#result.unknown, "not known")
  add(#result.skipped, "not tried")
  add(#result.lost, "without its output")
  say.either(out, {
    type = "summary", phase = "apply", done = result.done, failed = names(result.failed),
    unknown = names(result.unknown), skipped = names(result.skipped), lost = names(result.lost),
    stopped = work.stop.asked,
  }, #parts > 0 and table.concat(parts, ", ") or "nothing was done")
end

-- What was seen at the vendors, or is declared otherwise now, and needs nothing to be done is known from now on.
local function remember(work, seen, plan)
  local changed, drifted, items = {}, {}, {}
  for _, drift in ipairs(plan.drift) do drifted[drift.address] = not plan.step[drift.address] end
  for _, row in ipairs(seen.readdressed) do changed[row.address] = not plan.step[row.address] and row or nil end
  for _, item in ipairs(seen.observed and keep.items(work.manifest, seen.rows, seen.observed,
    function(row) return drifted[row.address] end) or {}) do
    changed[item.record.address] = item.record
  end
  for i, row in ipairs(seen.rows) do
    local address, record = row.address, changed[row.address] or row
    local node = not plan.step[address] and work.manifest.record[address]
    changed[address] = keep.declared(record, node, seen.accounts[address:match("^[^.]+")]) or changed[address]
    if changed[address] then
      items[#items + 1] = { record = changed[address] }
      seen.rows[i] = changed[address]
    end
  end
  return keep.write(work.store, items)
end

-- Of what an earlier call has to be settled first nothing was tried.
local function without_blocked(result, blocked)
  local unknown = {}
  for _, entry in ipairs(result.unknown) do
    if blocked[entry.address] then table.insert(result.skipped, entry.address) else unknown[#unknown + 1] = entry end
  end
  result.unknown = unknown
  return result
end

local function perform(work, seen, plan)
  local line = progress.new(work.args, "done", work.manifest, { total = #plan.actions, least = plan.seconds })
  local ended, blocked = 0, seen.blocked or {}
  work.did, work.sending = {}, true
  local function on_event(event)
    if event.what == "begin" then return end
    if event.what == "unknown" and blocked[event.address] then
      event = { what = "skipped", op = event.op, address = event.address, message = "an earlier call comes first" }
    end
    line:clear()
    -- After a Ctrl-C they are all that did not begin: their number says it.
    if event.what ~= "skipped" or work.out.json or not work.stop.asked then tell(work, event) end
    if event.what == "done" then work.did[event.op] = (work.did[event.op] or 0) + 1 end
    if event.what ~= "note" then ended = ended + 1 end
    line:at(ended, #plan.actions)
  end
  local ok, result = pcall(work.stop.during, work.stop, function()
    return applies.run {
      plan = plan, manifest = work.manifest, store = work.store, lease = work.lease, accounts = seen.accounts,
      rows = seen.rows, parallel = work.args.parallel, blocked = blocked, on_event = on_event,
      stop = work.stop:wanted(),
    }
  end, function()
    line:clear()
    work.stopping()
  end)
  line:done()
  if not ok then error(result, 0) end
  result = without_blocked(result, blocked)
  work.sending, work.over_at = applies.may_act(result), result.last
  return result
end

-- The journal tells for a while what was done; it is not to grow for ever. What it loses nothing hangs on.
local function shorten(work, result)
  if result.done > 0 and not result.broken then work.store:prune(KEPT) end
end

local function finish(work, result)
  if not work.unread then summarize(work, result) end
  if result.broken then
    say.error(work.out, result.broken)
    return 1
  end
  if work.stop.asked then return INTERRUPTED end
  if #result.failed + #result.unknown + #result.skipped + #result.lost > 0 then return 1 end
  if work.unread then error(work.unread, 0) end
  return 0
end

-- What was replaced by an earlier run and had to stay until all that named it was changed, as it is now.
local function end_later(work, later)
  if not later or not later[1] or work.about.targets[1] then return 0 end
  local seen, code = planning.state(work, work.about)
  if not seen then return code end
  local result
  result, code = settled_by(work, seen, settles.later, later)
  if not result then return code end
  say.left(work.out, result.left)
  return result.left[1] and 1 or 0
end

-- All is not done while nobody knows what became of an earlier call, whether or not today's plan has to do with it; nor
-- when what a vendor shows once is lost with an earlier run.
local function end_all(work, seen)
  local code = end_later(work, seen.later)
  return (next(seen.blocked or {}) ~= nil or (seen.lost or {})[1]) and 1 or code
end

-- What is to be written when there is nothing to do at the vendors.
local function end_quietly(work, seen, plan)
  local ok, err = work.lease:renew()
  if ok then ok, err = remember(work, seen, plan) end
  if not ok then return say.error(work.out, err) end
  return end_all(work, seen)
end

local function go_on(work, seen, plan, about)
  if not about.saved and not work.args.yes and not ask.yes(about.question) then
    return say.no(work.out, "nothing was sent")
  end
  local ok, err = work.lease:renew()
  if not ok then
    work.out:note "nothing was sent: the state was given to somebody else meanwhile"
    return say.error(work.out, err)
  end
  ok, err = remember(work, seen, plan)
  if not ok then return say.error(work.out, err) end
  local result = perform(work, seen, plan)
  for _, address in ipairs(seen.lost or {}) do table.insert(result.lost, address) end
  shorten(work, result)
  local code = finish(work, result)
  return code == 0 and end_all(work, seen) or code
end

local function run(work, about)
  local args, out = work.args, work.out
  local seen, code = settle(work)
  if not seen then return code end
  if work.stop.asked then return INTERRUPTED end
  if about.saved or not args.no_refresh then
    local ok
    ok, code = planning.look(work, seen, not about.saved)
    if not ok then return code end
  end
  local plan
  plan, code = planning.make(work, seen, about)
  if not plan then return code end
  planning.print(work, plan)
  local why = refusal(plan, about.saved, args.same_accounts)
  if why then return say.no(out, why) end
  if not plan.steps[1] then return end_quietly(work, seen, plan) end
  return go_on(work, seen, plan, about)
end

--- @param args table of the command line
--- @param out luaprov.Output
--- @param about table question; destroy; targets (else those of the command line); saved (a plan of plan_file.decode,
---   which is to be the same)
--- @return integer code the exit code
function M.run(args, out, about)
  out.json = args.json
  if not args.yes and not about.saved and not ask.can() then
    return out:wrong "asks before anything is sent, and there is nobody to ask: say --yes"
  end
  about.targets, about.warns = about.targets or args.targets, about.saved or not args.yes
  local work, code = open.work(args, out, {
    create = not about.destroy, spare = about.destroy or about.targets[1] ~= nil,
  })
  if not work then return code end
  if not work.store then return open.no_state(args, out) end
  work.stop, work.about = stops.new(), about
  function work.stopping()
    out:note "Ctrl-C: what is on its way is let end, and nothing new begins; another Ctrl-C ends this at once"
  end
  return work:leased(function() return run(work, about) end)
end

return M
