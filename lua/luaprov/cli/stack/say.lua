--- What the commands of a stack say: errors, and what comes of each record.
local digits = require "luaprov.digits"
local errors = require "luaprov.errors"
local json = require "luaprov.json"
local output = require "luaprov.cli.output"
local tables = require "luaprov.tables"
local shell_word = require "luaprov.shell_word"

local M = {}

--- An error of whatever part: of a store, of a call, of a plan.
--- @param out luaprov.Output
--- @param err any
--- @return integer code the exit code
function M.error(out, err)
  if errors.is(err) then
    if out.asked or err.provider then return out:error(err, out.asked) end
    -- What luaprov itself found wrong.
    out:note(err.message)
    return 1
  end
  if not out.asked then
    out:note(tostring(err))
    return 1
  end
  local object = { kind = "failed", message = tostring(err) }
  if type(err) == "table" then
    for _, name in ipairs { "kind", "holder", "since", "ends" } do object[name] = err[name] or object[name] end
  end
  io.stderr:write(output.encode(object), "\n")
  return 1
end

--- "1 record", "2 records"
function M.counted(number, word) return ("%d %s%s"):format(number, word, number == 1 and "" or "s") end

--- Why nothing was done.
--- @param out luaprov.Output
--- @param message string
--- @return integer code the exit code
function M.no(out, message)
  return M.error(out, errors.new { kind = "invalid", outcome = "not_sent", message = message })
end

--- An id for people.
function M.id(id) return output.plain(type(id) == "number" and digits(id) or tostring(id)) end

local PAST = { create = "created", update = "updated", delete = "deleted", forget = "forgotten" }
M.PAST = PAST

--- The commands that end what nobody but a person can find out.
--- @param out luaprov.Output
--- @param entry table address, op
function M.settle_by_hand(out, entry)
  local command = "luaprov settle " .. shell_word(entry.address)
  out:note("look at the vendor, and say it: "
    .. (entry.op == "create" and command .. " --adopt ID, or " or "") .. command .. " --absent")
end

local lines = {}

function lines.done(out, event)
  local shown = event.id ~= nil and event.op == "create" and " (id " .. M.id(event.id) .. ")" or ""
  out:line((PAST[event.op] or event.op) .. " " .. output.plain(event.address) .. shown)
end

local function why(event) return tostring(event.err or event.message or "") end

function lines.failed(out, event) out:note(event.address .. ": " .. event.op .. " failed: " .. why(event)) end

function lines.unknown(out, event)
  local by_hand = type(event.err) == "table" and event.err.by_hand
  out:note(event.address .. ": nobody knows what became of the " .. event.op .. ": " .. why(event)
    .. (by_hand and "" or "; the next apply settles it"))
  if by_hand then M.settle_by_hand(out, event) end
end

function lines.skipped(out, event)
  out:line(("not tried %s: %s"):format(output.plain(event.address), event.message or "what it needs was not done"))
end

function lines.note(out, event)
  out:line("note: " .. (event.address and output.plain(event.address) .. ": " or "") .. output.plain(why(event)))
end

local VERDICTS = {
  found = "was done, and its record is found", absent = "was not done", deleted = "is done now",
  kept = "is given up: its record has another address now",
  again = "may have been done: what is missing of it is planned again",
}

function lines.settled(out, event)
  out:line(("settled %s: an earlier %s %s%s"):format(output.plain(event.address), event.op,
    VERDICTS[event.verdict] or tostring(event.verdict), event.id ~= nil and " (id " .. M.id(event.id) .. ")" or ""))
end

local function error_object(err)
  if type(err) ~= "table" then return err and { message = tostring(err) } end
  local object = {}
  for _, name in ipairs { "kind", "message", "outcome", "status", "codes", "trace_id", "retry_after" } do
    object[name] = err[name]
  end
  -- A list, or nothing: an empty table would be an object.
  object.codes = object.codes and object.codes[1] and object.codes or nil
  return object
end

--- What became of one record.
--- @param out luaprov.Output
--- @param event table as apply.run tells it
function M.event(out, event)
  if not out.json then
    if lines[event.what] then lines[event.what](out, event) end
    return
  end
  out:value { type = "event", what = event.what, op = event.op, address = event.address, id = event.id,
              verdict = event.verdict, message = event.message, error = error_object(event.err) }
end

local SHOWN = 20

--- Where an account's credentials come from, for people: " (VARIABLE)", or nothing where the manifest has them.
function M.variables(manifest, alias)
  local state = manifest.account[alias] and manifest.account[alias].state
  local names = state and table.concat(state.variables, ", ") or ""
  return names ~= "" and " (" .. names .. ")" or ""
end

-- What is to be done about it.
local function unseen_hint(manifest, failed, can_skip, rest)
  local refused = {}
  for address, err in pairs(failed) do
    local alias = address:match("^[^.]+")
    if type(err) == "table" and err.kind == "unauthorized" then
      refused[alias .. M.variables(manifest, alias)] = true
    end
  end
  local aliases, ways, cause = table.concat(tables.keys(refused), ", "), {}, ""
  if aliases ~= "" then
    cause = ": the vendor refuses the credentials of " .. aliases
  elseif can_skip then
    ways[1] = "--no-refresh takes what the state says"
  end
  if rest[1] then ways[#ways + 1] = "--target " .. table.concat(rest, " --target ") .. " does without it" end
  return cause .. (ways[1] and " (" .. table.concat(ways, "; ") .. ")" or "")
end

--- What could not be looked at.
--- @param out luaprov.Output
--- @param manifest table
--- @param failed table address -> error
--- @param can_skip boolean|nil the command need not look
--- @param rest string[] accounts of which it could do all without what could not be looked at
--- @return integer code the exit code
function M.unseen(out, manifest, failed, can_skip, rest)
  local addresses = tables.keys(failed)
  for i, address in ipairs(addresses) do
    if out.json then
      out:value { type = "event", what = "unseen", address = address, error = error_object(failed[address]) }
    elseif i <= SHOWN then
      out:note(address .. ": cannot be looked at: " .. tostring(failed[address]))
    end
  end
  if not out.json and #addresses > SHOWN then out:note(("… and %d more"):format(#addresses - SHOWN)) end
  out:note("not everything could be looked at, so nothing was done" .. unseen_hint(manifest, failed, can_skip, rest))
  return 1
end

--- What an earlier run has begun, and nobody knows the end of.
--- @param out luaprov.Output
--- @param left table[] of settle.open
function M.left(out, left)
  for _, entry in ipairs(left) do
    local ids = {}
    for i, record in ipairs(entry.candidates or {}) do ids[i] = M.id(record.id) end
    if out.json then
      out:value { type = "event", what = "left", address = entry.address, op = entry.op, message = entry.why,
                  candidates = entry.candidates and json.array(entry.candidates) }
    else
      out:note(("%s: nobody knows what became of an earlier %s: %s%s"):format(entry.address, entry.op,
        tostring(entry.why), ids[1] and " (it may be " .. table.concat(ids, ", ") .. ")" or ""))
      M.settle_by_hand(out, entry)
    end
  end
end

--- An object as a line of JSON, or a text for people.
function M.either(out, object, text)
  if out.json then out:value(object) else out:line(text) end
end

return M
