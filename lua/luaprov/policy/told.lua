--- What the vendor's own headers say of an account's limits: how many calls are left, and until when.
---
--- It goes before what we reckon ourselves, because others may use the same account. An answer is old when it comes,
--- and answers overtake each other: within one window the smallest number that was told is the latest, and whatever is
--- on its way may or may not be in it.
local date = require "luaprov.date"

local M = {}

-- What a template's header says, by the names of its placeholders.
local function pattern_of(parts)
  local pattern, names = "", {}
  for _, part in ipairs(parts) do
    if type(part) == "string" then
      pattern = pattern .. part:gsub("%p", "%%%0")
    elseif part.name then
      pattern = pattern .. "(%d+)"
      names[#names + 1] = part.name
    end
  end
  return { pattern = "^%s*" .. pattern .. "%s*$", names = names }
end

--- How a provider's headers are read.
--- @param limits table a provider's
--- @return table|nil reader nil: they say nothing that helps
function M.reader(limits)
  local headers, said = {}, {}
  for name, parts in pairs(limits.headers or {}) do
    headers[name:lower()] = pattern_of(parts)
    for _, what in ipairs(parts.names) do said[what] = true end
  end
  if not said.remaining or not (said.reset or said.reset_at) then return nil end
  local reader = { headers = headers, seconds = {} }
  for _, window in ipairs(limits) do reader.seconds[window[1]] = window.per end
  return reader
end

local function read(reader, headers)
  local said = {}
  for name, form in pairs(reader.headers) do
    local values = headers[name] and { headers[name]:match(form.pattern) } or {}
    for i, what in ipairs(form.names) do said[what] = tonumber(values[i]) end
  end
  return said
end

--- Notes what an answer says.
--- @param told table what was told before, by the number of calls of the window that it is about
--- @param reader table
--- @param headers table of an answer, names in lower case
--- @param sent number when its request was sent, seconds of core.now()
--- @param now number
--- @return boolean whether it says anything
function M.hear(told, reader, headers, sent, now)
  local said = read(reader, headers)
  local left = said.reset_at and said.reset_at - date.now(headers) or said.reset
  if not said.remaining or not left then return false end
  -- Whole seconds: one that is cut off to 0 is not over yet. And no window ends later than it is long.
  local seconds = reader.seconds[said.limit]
  local ends = now + math.min(math.max(left, 1), seconds or math.huge)
  local key = seconds and said.limit or 0
  local before = told[key]
  if before and now >= before.ends and sent <= before.sent then return true end -- of a window that is over
  if not before or now >= before.ends or said.remaining > before.remaining and sent > before.heard then
    told[key] = { remaining = said.remaining, ends = ends, heard = now, sent = sent, lost = 0 }
    return true
  end
  if said.remaining < before.remaining then before.remaining, before.heard = said.remaining, now end
  before.ends, before.sent = math.min(before.ends, ends), math.max(before.sent, sent)
  return true
end

--- Notes a call that the vendor may have counted, and of which nothing was heard.
function M.lose(told)
  for _, window in pairs(told) do window.lost = window.lost + 1 end
end

--- Until when what was told lets nothing be sent.
--- @param told table
--- @param in_flight integer calls that are on their way: they may be counted already, or not yet
--- @param now number
--- @return number seconds of core.now(); 0: it does not stand in the way
function M.until_when(told, in_flight, now)
  local at = 0
  for _, window in pairs(told) do
    if now < window.ends and window.remaining - in_flight - window.lost <= 0 then at = math.max(at, window.ends) end
  end
  return at
end

--- @return boolean whether all that was told is over
function M.is_over(told, now)
  for _, window in pairs(told) do
    if now < window.ends then return false end
  end
  return true
end

return M
