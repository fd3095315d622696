--- A plan for people, and for programs. Secrets are not in it: changes have none (compare.lua).
---
---   render.text(plan, emit, { color = false })   emit(line), without a line end
---   render.json(plan, emit)                      emit(text), one JSON object each:
---     { type = "drift", address, gone, changes }, { type = "note", address, message },
---     { type = "step", action, address, id, changes, why, first }, { type = "fault", address, line, message } and last
---     { type = "summary", declared, counts, calls, seconds, deletes, allow_delete, accounts }
---     a change: path, old, new, later (the name of what is known at apply), secret, fixed, unseen
local digits = require "luaprov.digits"
local json = require "luaprov.json"
local json_line = require "luaprov.json_line"
local reference = require "luaprov.stack.reference"
local secret = require "luaprov.secret"
local texts = require "luaprov.text"

local M = {}

local MOST = 120 -- bytes of a value

local COLORS = {
  create = "32", update = "33", replace = "35", delete = "31", forget = "90", drift = "36", fault = "31",
}
local SIGNS = { create = "+", update = "~", replace = "±", delete = "-", forget = "." }

-- What is known later by its name; JSON knows no other tables.
local function named(value)
  if reference.is(value) then return reference.shown(value) end
  if type(value) ~= "table" or secret.is(value) then return value end
  local copy = setmetatable({}, getmetatable(value))
  for key, inner in pairs(value) do copy[key] = named(inner) end
  return copy
end

local function cut(text)
  if #text <= MOST then return text end
  local at = MOST
  -- Not within a character.
  while at > 0 and text:byte(at + 1) >= 128 and text:byte(at + 1) < 192 do at = at - 1 end
  return text:sub(1, at) .. "…"
end

local function shown(value)
  if value == nil then return "(nothing)" end
  if reference.is(value) then return texts.plain(reference.shown(value)) .. " (known at apply)" end
  local later = false
  reference.each(value, function() later = true end)
  return cut(texts.escape_unseen(json.encode(named(value)) or "?")) .. (later and " (partly known at apply)" or "")
end

local function change_text(change, creating)
  local fixed = change.fixed and not creating and "   (fixed)" or ""
  if change.secret == "unknown" then return "(secret, not known what the vendor has: it is sent)" .. fixed end
  if change.secret then return (creating and "(secret)" or "(secret, changed)") .. fixed end
  if creating then return shown(change.new) end
  return (change.unseen and "(not shown by the vendor)" or shown(change.old)) .. " → " .. shown(change.new) .. fixed
end

local function painter(options)
  if not (options and options.color) then return function(_, text) return text end end
  return function(what, text) return "\27[" .. COLORS[what] .. "m" .. text .. "\27[0m" end
end

local function width(text) return #text - select(2, text:gsub("[\128-\191]", "")) end

local function emit_changes(changes, creating, emit)
  local widest = 0
  for _, change in ipairs(changes) do widest = math.max(widest, math.min(width(change.path), 40)) end
  for _, change in ipairs(changes) do
    local path = texts.plain(change.path)
    emit("      " .. path .. (" "):rep(widest - width(path)) .. "  " .. change_text(change, creating))
  end
end

local function step_line(step)
  local line = SIGNS[step.action] .. " " .. step.action .. " " .. texts.plain(step.address)
  local id = step.row and step.row.id
  if id ~= nil then
    line = line .. " (id " .. texts.plain(type(id) == "number" and digits(id) or tostring(id)) .. ")"
  end
  if step.gone then line = line .. ": the vendor has it no more" end
  if step.action == "forget" then line = line .. ": the vendor has it no more" end
  if step.why then
    line = line .. ": " .. texts.plain(table.concat(step.why, ", ")) .. "; "
      .. (step.first == "create" and "made before the old one goes" or "deleted first")
  end
  return line
end

--- "12 s", "3 min 20 s", "2 h 5 min"
--- @param seconds number
function M.duration(seconds)
  seconds = math.ceil(seconds)
  local minutes, hours = math.floor(seconds / 60), math.floor(seconds / 3600)
  if hours > 0 then return ("%d h %d min"):format(hours, minutes - hours * 60) end
  if minutes > 0 then return ("%d min %d s"):format(minutes, seconds - minutes * 60) end
  return ("%d s"):format(seconds)
end

local function calls_line(plan)
  local line = ("%d call%s"):format(plan.calls, plan.calls == 1 and "" or "s")
  if plan.seconds and plan.seconds > 0 then
    line = line .. ", at least " .. M.duration(plan.seconds) .. " at the vendors' limits"
  end
  local parts = {}
  for i, account in ipairs(plan.accounts) do
    parts[i] = account.alias .. " " .. ("%d"):format(account.calls)
      .. (account.seconds and (account.seconds > 0 and ", " .. M.duration(account.seconds) or "")
        or ", no limits declared")
  end
  return line .. (#parts > 0 and " (" .. table.concat(parts, "; ") .. ")" or "")
end

--- One line: what a plan comes to.
function M.summary(plan)
  local counts, parts = plan.counts, {}
  for _, action in ipairs { "create", "update", "replace", "delete", "forget" } do
    if counts[action] > 0 then parts[#parts + 1] = ("%d to %s"):format(counts[action], action) end
  end
  -- With a fault nobody may have compared anything.
  if not parts[1] and plan.faults[1] then return "no plan can be made" end
  local line = #parts > 0 and table.concat(parts, ", ") or "no changes"
  line = line .. ("; %d unchanged"):format(counts.unchanged)
  if counts.drift > 0 then line = line .. (", %d changed at the vendors"):format(counts.drift) end
  -- Perhaps it is not the one that was meant.
  if not plan.destroy and not plan.manifest.records[1] then line = line .. "; the manifest declares nothing" end
  return line
end

local function emit_drift(plan, emit, paint)
  for _, drift in ipairs(plan.drift) do
    local what = drift.gone and "is gone at the vendor" or "changed at the vendor"
    emit(paint("drift", "! " .. texts.plain(drift.address) .. " " .. what))
    emit_changes(drift.changes, false, emit)
  end
end

--- @param fault table address, line, message
--- @param plan table
function M.fault(fault, plan)
  local where = plan.manifest.file .. (fault.line and ":" .. ("%d"):format(fault.line) or "") .. ": "
  return texts.plain(where .. fault.address .. ": " .. fault.message)
end

--- @param plan table
--- @param emit function line
--- @param options table|nil color
function M.text(plan, emit, options)
  local paint = painter(options)
  emit_drift(plan, emit, paint)
  if #plan.drift > 0 then emit "" end
  for _, step in ipairs(plan.steps) do
    emit(paint(step.action, step_line(step)))
    emit_changes(step.changes, step.action == "create", emit)
  end
  if #plan.steps > 0 then emit "" end
  for _, note in ipairs(plan.notes) do emit("note: " .. texts.plain(note.address .. ": " .. note.message)) end
  emit(M.summary(plan))
  if plan.calls > 0 then emit(calls_line(plan)) end
  if plan.allow_delete then
    emit(("%d record%s would go: that wants --allow-delete %d"):format(plan.deletes, plan.deletes == 1 and "" or "s",
      plan.allow_delete))
  end
  for _, fault in ipairs(plan.faults) do emit(paint("fault", M.fault(fault, plan))) end
end

local function change_object(change, creating)
  local later = change.later and not change.secret
  local object = { path = change.path, old = named(change.old), secret = change.secret, unseen = change.unseen,
                   fixed = change.fixed and not creating or nil }
  object[later and "later" or "new"] = named(change.new)
  return object
end

local function change_objects(changes, creating)
  local list = json.array {}
  for i, change in ipairs(changes) do list[i] = change_object(change, creating) end
  return list
end

local function object_emitter(emit)
  return function(value) emit(assert(json_line.encode(value))) end
end

local function drift_objects(plan, object)
  for _, drift in ipairs(plan.drift) do
    object { type = "drift", address = drift.address, gone = drift.gone, changes = change_objects(drift.changes) }
  end
end

--- Only what was changed at the vendors.
--- @param plan table
--- @param emit function line, or text of JSON
--- @param options table|nil color, json
function M.drift(plan, emit, options)
  if options and options.json then drift_objects(plan, object_emitter(emit))
  else emit_drift(plan, emit, painter(options)) end
end

--- @param plan table
--- @param emit function text
function M.json(plan, emit)
  local object = object_emitter(emit)
  drift_objects(plan, object)
  for _, note in ipairs(plan.notes) do object { type = "note", address = note.address, message = note.message } end
  for _, step in ipairs(plan.steps) do
    object { type = "step", action = step.action, address = step.address, id = step.row and step.row.id,
             changes = change_objects(step.changes, step.action == "create"),
             why = step.why and json.array(step.why), first = step.first, gone = step.gone }
  end
  for _, fault in ipairs(plan.faults) do
    object { type = "fault", address = fault.address, line = fault.line, message = fault.message }
  end
  object { type = "summary", declared = #plan.manifest.records, counts = plan.counts, calls = plan.calls,
           seconds = plan.seconds, deletes = plan.deletes, allow_delete = plan.allow_delete,
           accounts = json.array(plan.accounts) }
end

return M
