--- What became of a create that may or may not have been carried out.
---
--- A record that looks like the one we wanted is not ours for that: it may have been there before, be somebody else's,
--- or appear only later. Ours is what is *new since*, claimed by no other call, and equal in every field that can be
--- compared. And that it is not there counts only when the vendor can no longer act on the request and would list what
--- it made.
---
--- What no client can tell is a record that somebody else, in another process, has made since the note with the same
--- key and the same fields: it is taken for ours when our request was not acted on. A note is up to five minutes old
--- when a call begins with it, and older where the list is long: see `notes`.
local compare = require "luaprov.policy.compare"
local core = require "luaprov.core"
local notes = require "luaprov.policy.notes"
local runtime = require "luaprov.runtime"

local M = {}

local FIRST_LOOK, LONGEST_LOOK = 0.2, 5 -- seconds between looks
local MOST_READ = 20                    -- candidates that are read one by one

local function field_of(shape, name)
  local field = shape.by_name[name]
  for _, by in ipairs(field and {} or shape.by) do field = field or by.union[name] end
  return field
end

-- ---- looking ----

-- The longest texts that a vendor has shown in a field: it cuts none that are shorter, in bytes or in characters.
local function measure(longest, name, there)
  local bytes, characters = compare.length(there)
  local most = longest[name]
  if not most then longest[name] = { bytes, characters }
  else most[1], most[2] = math.max(most[1], bytes), math.max(most[2], characters) end
end

local function may_be_cut(most, there)
  local bytes, characters = compare.length(there)
  return bytes >= most[1] or characters >= most[2]
end

-- Whether a record may have the key of what was sent, and whether it shows that it has. Of a key may be shown the
-- beginning only: in a list, whose records can be read whole, any; else one that is as long as any other.
local function has_key(resource, wanted, record, longest, is_listed)
  local shown = true
  for _, name in ipairs(resource.key) do
    local sent, there = wanted[name], record[name]
    if sent ~= nil then
      measure(longest, name, there)
      local field = field_of(resource.shape, name)
      if not compare.alike(field, sent, there) and not (compare.begins(field, sent, there)
          and (is_listed or may_be_cut(longest[name], there))) then
        return false
      end
      shown = shown and there ~= nil and compare.equal(sent, there)
    end
  end
  return true, shown
end

-- One walk through the list. Returns what it saw: fresh (records that could be ours), exact (those that are equal in
-- every comparable field), held (a record has the key that had it before), passing (until when one that could be ours
-- may be one that was removed, whose id it has), pages; or nil and an error.
local function look(search, ends)
  local seen, fresh, longest, began = { fresh = {}, exact = {} }, {}, {}, core.now()
  local known = search.note and search.note.known or {}
  local pages, err = search.pages(function(record)
    local may, shown = has_key(search.resource, search.wanted, record, longest, true)
    if not may then return end
    if not known[notes.id(record.id)] then fresh[#fresh + 1] = record else seen.held = seen.held or shown end
  end, ends)
  if not pages then return nil, err end
  seen.pages = pages
  local read = search.note and search.get and #fresh <= MOST_READ
  for _, record in ipairs(fresh) do
    -- A list may show a part of the record only.
    local whole = record
    if read then
      whole, err = search.get(record, ends)
      if err then return nil, err end
    end
    -- What is gone meanwhile is nobody's.
    local may, shown = false, false
    if whole then may, shown = has_key(search.resource, search.wanted, whole, longest) end
    if may then
      seen.fresh[#seen.fresh + 1] = whole
      local passing = search.collection and notes.passing(search.collection, notes.id(record.id), began)
      if passing then seen.passing = math.max(passing, seen.passing or 0)
      elseif shown and compare.equal(search.wanted, whole) then seen.exact[#seen.exact + 1] = whole end
    end
  end
  -- Nothing that was read is known to be equal where not all could be read.
  if search.get and not read then seen.exact = {} end
  return seen
end

-- Errors of a list that another look would meet again.
local FINAL = { cancelled = true, unauthorized = true, forbidden = true, not_found = true, payment_required = true,
                invalid = true, unsupported = true, tls = true }

-- What a look says: a record and "ours", or nil and a verdict; nothing while it may still change.
local function judge(search, seen, is_over)
  if not search.note then
    return nil, seen.fresh[1] and "nobody noted what was there before" or "it may appear yet"
  elseif seen.passing then
    return nil
  elseif #seen.exact == 1 then
    return seen.exact[1], "ours"
  elseif #seen.exact > 1 then
    return nil, "several new records are equal to it"
  elseif search.unique and seen.held and not seen.fresh[1] then
    return nil, "held"
  elseif is_over then
    if seen.fresh[1] then return nil, "a new record has its key, and not all that was sent is known to stand in it" end
    return nil, seen.held and "held" or "not there"
  end
end

--- Looks for the record of a create whose outcome is unknown.
--- @param search table resource (description), wanted (what was sent, with the parents; secrets are secrets), pages
---   (function each, ends -> how many pages; or nil, err), get (function record, ends -> the whole record, false when
---   it is gone; or nil, err; or no function: a list shows all), note (what was there before; nil: nobody looked),
---   collection (where it would be, see notes), unique (whether a record that was there before with its key keeps it
---   out), over_at (when the vendor can no longer act, and would list what it made), ends (of the whole call)
--- @return table|nil record ours
--- @return string verdict "ours", "not there" (and so safe to make again), "held" (the same, and a record that was
---   there before has its key), or what is in the way
--- @return table candidates records
--- @return luaprov.Error|nil err why the list could not be read
function M.find(search)
  local pause, candidates, absent = FIRST_LOOK, {}, 0
  local ends = math.min(search.ends, runtime.deadline_now() or math.huge)
  while true do
    local began = core.now()
    if began >= ends then return nil, "there is no time to look for it", candidates end
    local is_over = began >= search.over_at
    local seen, err = look(search, ends)
    local record, verdict
    if seen then
      candidates = seen.fresh
      record, verdict = judge(search, seen, is_over)
      -- A record may slip from a page to one that was read already, when others are removed meanwhile.
      local doubtful = seen.pages > 1 and (verdict == "not there" or verdict == "held" and not search.unique)
      absent = doubtful and absent + 1 or 0
      if absent == 1 then verdict, pause = nil, 0 end
    elseif runtime.cancelled() then
      verdict = "cancelled while it was looked for"
    elseif is_over or FINAL[err.kind] or not search.note then
      verdict = "the list cannot be read: " .. err.message
    end
    if verdict then return record, verdict, candidates, err end
    local now = core.now()
    -- A long list is not read without a break.
    local at, over_at = now + math.max(pause, now - began), math.max(search.over_at, seen and seen.passing or 0)
    if absent == 0 then at = math.min(at, math.max(now, over_at)) end
    if at > ends then
      return nil, seen and ("it may appear for another %.0f s, and there is no time to wait")
        :format(math.max(1, over_at - now)) or "the list cannot be read: " .. err.message, candidates
    end
    pause = math.max(FIRST_LOOK, math.min(pause * 2, LONGEST_LOOK))
    runtime.event():wait(at)
  end
end

return M
