--- Whether a record can be what was sent.
---
--- Three answers are told apart: it is equal (in all that can be compared), it is alike (the vendor may have spelled it
--- otherwise), and it is another. What is only alike is never taken for ours, nor for proof that ours is not there.
local digits = require "luaprov.digits"
local json = require "luaprov.json"
local secret = require "luaprov.secret"

local M = {}

local EXACT = 2 ^ 53 -- beyond it two numbers may be one
local CUT = 32       -- bytes: a text that is as long may be cut, whatever else the vendor shows

local function text(value)
  if type(value) == "number" then return digits(value) end
  return tostring(value)
end

M.text = text

local TRUTH = { ["true"] = true, ["false"] = false, ["1"] = true, ["0"] = false }

local function same_number(a, b)
  if type(a) ~= "number" and type(b) ~= "number" then return false end
  local left, right = tonumber(a), tonumber(b)
  return left ~= nil and left == right and math.abs(left) < EXACT
end

-- RFC 9562, 4: hexadecimal digits in either case.
local UUID = "^" .. ("%x"):rep(8) .. ("%-%x%x%x%x"):rep(3) .. "%-" .. ("%x"):rep(12) .. "$"

--- An id as ids are compared: a number and its digits are one, and so is a GUID in either case. Other ids that differ
--- in case are two.
--- @param id string|number
--- @return string
function M.id(id)
  local plain = text(id)
  return #plain == 36 and plain:find(UUID) and plain:lower() or plain
end

local function same_uuid(a, b)
  return type(a) == "string" and type(b) == "string" and #a == 36 and M.id(a) == M.id(b)
end

-- One value under two spellings: 5 and "5.0", true and "1", a GUID in another case.
local function same(sent, there)
  if text(sent) == text(there) or same_number(sent, there) or same_uuid(sent, there) then return true end
  local is_truth = type(sent) == "boolean" or type(there) == "boolean" or sent == "true" or sent == "false"
  return is_truth and TRUTH[text(sent)] ~= nil and TRUTH[text(sent)] == TRUTH[text(there)]
end

-- ---- secrets, of which a vendor may show a part, or nothing ----

local WORDS = { hidden = true, redacted = true, masked = true, secret = true, encrypted = true, protected = true,
                removed = true, ["true"] = true, set = true }

-- Where what stands for the hidden part begins and ends.
local function mask_in(shown)
  local first, last
  for _, mark in ipairs { "%*%*+", "\226\128\162+", "[xX][xX][xX]+", "##+", "%.%.%.", "\226\128\166" } do
    local from, to = shown:find(mark)
    if from and (not first or from < first) then first = from end
    -- A bullet's bytes repeat as a whole only.
    while from do
      last = math.max(last or 0, to)
      from, to = shown:find(mark, to + 1)
    end
  end
  return first, last
end

local function opened(value)
  if not secret.is(value) then return value end
  return (value:reveal()) or ""
end

-- Whether a secret may be what the vendor shows of it: all, the ends of it around a mask, its beginning or end alone,
-- or a word in its place.
local function same_secret(sent, shown)
  if type(sent) == "table" or type(shown) == "table" then return false end
  sent, shown = text(sent), text(shown)
  if shown == "" then return true end
  if sent == shown or WORDS[shown:lower():gsub("^[%[<(]+", ""):gsub("[%]>)]+$", "")] then return true end
  local first, last = mask_in(shown)
  if first then
    local head, tail = shown:sub(1, first - 1), shown:sub(last + 1)
    return #head + #tail <= #sent and sent:sub(1, #head) == head and (tail == "" or sent:sub(-#tail) == tail)
  end
  return #shown >= 3 and #shown <= 8 and #shown < #sent and (sent:sub(1, #shown) == shown or sent:sub(-#shown) == shown)
end

-- ---- equal ----

local equal

-- As it was sent, else in any order: a vendor may sort what is a set to it.
local function equal_lists(sent, there)
  if #sent ~= #there then return false end
  local taken = {}
  for i = 1, #sent do
    local found
    for j = 0, #there do
      local at = j == 0 and i or j
      if not found and not taken[at] and equal(sent[i], there[at]) then found = at end
    end
    if not found then return false end
    taken[found] = true
  end
  return true
end

function equal(sent, there)
  if there == nil then return true end
  if secret.is(sent) or secret.is(there) then
    return there == json.null or sent == json.null or same_secret(opened(sent), opened(there))
  end
  if sent == json.null or there == json.null then
    return sent == there or sent == "" or there == ""
  end
  if type(sent) ~= "table" then return type(there) ~= "table" and same(sent, there) end
  if type(there) ~= "table" then return false end
  if json.is_array(sent) or json.is_array(there) then
    return (json.is_array(sent) or next(sent) == nil) and (json.is_array(there) or next(there) == nil)
      and equal_lists(sent, there)
  end
  for name, value in pairs(sent) do
    if not equal(value, there[name]) then return false end
  end
  return true
end

--- Whether what was sent stands in a record, in all that can be compared. What the record does not show cannot be, and
--- what the vendor adds does not matter; of a secret counts what the vendor shows of it.
--- @param sent any what was sent: a table of fields, or a value
--- @param there any the same of a record
--- @return boolean
function M.equal(sent, there) return equal(sent, there) end

-- ---- alike ----

--- A value without what a vendor may change of it: case, spaces, punctuation.
--- @param value any
--- @return string
function M.fold(value)
  value = opened(value)
  if type(value) == "table" then return json.encode(value) or "" end
  local plain = text(value):lower()
  local folded = plain:gsub("[^%w\128-\255]", "")
  return folded ~= "" and folded or plain
end

--- Whether a field of a record may be what was sent, spelled, cut or hidden by the vendor.
--- @param field table|nil of the provider file
--- @param sent any
--- @param there any
--- @return boolean
function M.alike(field, sent, there)
  if there == nil or there == json.null or secret.is(there) or equal(sent, there) then return true end
  sent = opened(sent)
  if type(sent) == "table" or type(there) == "table" then return type(sent) == type(there) end
  local known = field and field.type == "choice"
  for _, value in ipairs(known and field.value_list or {}) do
    if text(value) == text(there) then return false end
  end
  -- A choice in a spelling that nobody knows may be any of them.
  if known then return true end
  if same_number(tonumber(sent) or sent, tonumber(there) or there) then return true end
  local a, b = M.fold(sent), M.fold(there)
  return a == b or #b >= CUT and a:sub(1, #b) == b
end

--- Whether a field of a record shows the beginning of what was sent: of a text that a list cuts, or of another one.
--- @param field table|nil of the provider file
--- @param sent any
--- @param there any
--- @return boolean
function M.begins(field, sent, there)
  sent = opened(sent)
  if type(there) ~= "string" or there == "" or type(sent) == "table" or field and field.type == "choice" then
    return false
  end
  local a, b = M.fold(sent), M.fold((there:gsub("\226\128\166$", ""))) -- an ellipsis
  return #b < #a and a:sub(1, #b) == b
end

--- How long a text is, in bytes and in characters.
--- @param value any
--- @return integer bytes
--- @return integer characters
function M.length(value)
  if type(value) ~= "string" then return 0, 0 end
  return #value, select(2, value:gsub("[^\128-\191]", ""))
end

return M
