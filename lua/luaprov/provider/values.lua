--- Checks one value against a field: text, secret, url, integer, boolean, choice.
local core = require "luaprov.core"
local digits = require "luaprov.digits"
local json = require "luaprov.json"
local near = require "luaprov.near"
local secret = require "luaprov.secret"

local M = {}

--- What a value is, for a message; never the value itself: it may be a secret that strayed into the wrong field.
function M.described(value)
  if value == json.null then return "null" end
  if secret.is(value) then return "a secret" end
  local kind = type(value)
  return (kind == "boolean" or kind == "nil") and tostring(value) or "a " .. kind
end

-- How many characters a text has; nil where it is not UTF-8.
local characters = core.json.characters

local function named_values(field)
  local names = {}
  for i, value in ipairs(field.value_list) do
    local label = field.values[value]
    names[i] = tostring(value) .. (type(label) == "string" and label ~= tostring(value) and " (" .. label .. ")" or "")
  end
  return table.concat(names, ", ")
end

local math_type = math.type

--- A whole number of any size that the runtime holds exactly, or nil.
function M.whole(value)
  if type(value) ~= "number" or value % 1 ~= 0 then return nil end
  if math_type and math_type(value) == "float" then value = math.tointeger(value) end
  return value
end

-- One function a type: value -> wire value, or nil, what is wrong, and which problem that is (as in problems.lua). None
-- of them quotes the value: it may be a secret that strayed into the wrong field.
local checks = {}

--- How many there are of something.
--- @param n number
--- @param unit string|nil the word for several
function M.counted(n, unit)
  if not unit then return digits(n) end
  return digits(n) .. " " .. (n == 1 and unit:gsub("s$", "") or unit)
end

local function check_length(field, value, n, unit)
  if field.min and n < field.min then
    return nil, n == 0 and "is empty" or "is shorter than " .. M.counted(field.min, unit), "range"
  end
  if field.max and n > field.max then return nil, "is longer than " .. M.counted(field.max, unit), "range" end
  return value
end

local function fits(field, text)
  local ok, found = pcall(string.find, text, field.pattern)
  return ok and found
end

local function misfit(field)
  return field.about and "must be " .. field.about or "does not match " .. field.pattern
end

local function check_text(field, text)
  local count = characters(text)
  if not count then return nil, "is not UTF-8", "value" end
  if field.pattern and not fits(field, text) then return nil, misfit(field), "value" end
  if not (field.min or field.max) then return text end
  return check_length(field, text, count, "characters")
end

function checks.text(field, value, opened)
  if type(value) ~= "string" then
    if secret.is(value) then return checks.secret(field, value, opened) end
    return nil, "must be text, not " .. M.described(value), "type"
  end
  return check_text(field, value)
end

function checks.secret(field, value, opened)
  local text = value
  if secret.is(value) then
    local why
    text, why = value:reveal()
    if not text then return nil, "cannot be opened: " .. why, "value" end
  elseif type(value) ~= "string" then
    return nil, "must be a secret or text, not " .. M.described(value), "type"
  end
  opened[#opened + 1] = text
  return check_text(field, text)
end

local SLASH = ("/"):byte()

-- What is wrong with a URL that we call ourselves, beyond what no URL may have.
local function uncallable(authority, url)
  if url:find("[\128-\255]") then return "has a byte that is not ASCII: write it escaped, as in %C3%BC" end
  local rest = authority:match("^%[[%x:.]+%](.*)$") or authority:match("^[^%[%]:]+(.*)$")
  local port = rest and tonumber(rest:match("^:(%d+)$"))
  if not rest or rest ~= "" and not (port and port > 0 and port < 65536) then
    return "has no host, or a port that is none"
  end
end

-- Anything but blanks, control bytes, ? and #; what is most of a URL comes first, and classes like %c are slow.
local PRINTED = "^[@-~$->!\"\128-\255]*$"

local function host_of(url)
  local host = type(url) == "string" and url:match("^https?://([^/]+)")
  return host and not host:find("@", 1, true) and url:find(PRINTED) and host
end

function checks.url(field, value)
  local host = host_of(value)
  if not host then
    return nil, "must be a URL (http or https, without user name, query and fragment)", "value"
  end
  local why = field.called and uncallable(host, value)
  if why then return nil, why, "value" end
  return value:byte(-1) == SLASH and value:match("^(.-)/+$") or value
end

function checks.integer(field, value)
  local n = M.whole(value)
  if field.sent_as == "string" and type(value) == "string" then
    if not value:find("^%-?%d+$") then return nil, "must be a whole number", "type" end
    n = tonumber(value)
  elseif n == nil then
    return nil, "must be a whole number" .. (type(value) ~= "number" and ", not " .. M.described(value) or ""), "type"
  end
  if field.min and n < field.min then return nil, "is less than " .. field.min, "range" end
  if field.max and n > field.max then return nil, "is more than " .. field.max, "range" end
  if field.sent_as ~= "string" then return n end
  return type(value) == "string" and value or digits(value)
end

function checks.boolean(field, value)
  if field.sent_as == "string" then
    if value == "true" or value == "false" then return value end
    if type(value) == "boolean" then return tostring(value) end
  elseif type(value) == "boolean" then
    return value
  end
  return nil, "must be true or false, not " .. M.described(value), "type"
end

-- What somebody who wrote `value` may have meant: a value of the choice, by its label, by the vendor's number for it,
-- or by a slip of the keys.
local function meant(field, value)
  if type(value) == "table" then return nil end
  local text = tostring(M.whole(value) or value)
  if field.codes and field.codes[text] ~= nil then return tostring(field.codes[text]) end
  local names = {}
  for i, candidate in ipairs(field.value_list) do
    local label = field.values[candidate]
    if type(label) == "string" and label:lower() == text:lower() then return tostring(candidate) end
    names[i] = tostring(candidate)
  end
  return near.match(text, names)
end

function checks.choice(field, value)
  if type(value) == "string" and field.values[value] ~= nil then return value end
  local text = type(value) ~= "table" and tostring(M.whole(value) or value)
  for _, candidate in ipairs(field.value_list) do
    -- 1000 is "1000" to whoever writes it: there is nothing else that it could be.
    if text == tostring(candidate) then return field.sent_as == "string" and text or candidate end
  end
  local nearest = meant(field, value)
  return nil, "must be one of " .. named_values(field) .. (nearest and " (did you mean '" .. nearest .. "'?)" or ""),
    "value"
end

--- Checks one value that is no list and no group.
--- @param field table
--- @param value any
--- @param opened string[] gains the values of the secrets that are opened
--- @param marks table|nil secrets -> true that only stand for others: there is nothing to check
--- @return any wire nil when something is wrong
--- @return string|nil why
--- @return string|nil problem type, value or range
function M.check(field, value, opened, marks)
  if marks and marks[value] then return (value:reveal()) end
  return checks[field.type](field, value, opened)
end

--- Checks how long something is.
--- @return any value nil when it is too short or too long
--- @return string|nil why
M.check_length = check_length

return M
