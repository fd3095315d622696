--- What of a vendor's answer an error may show: nothing that was sent as a secret, no member that the provider file
--- calls secret, and not too much.
---
--- A context has `secrets` (the values of the secrets that were sent), `secret_names` (of members, in lower case),
--- `provider`, and `spellings` (see secret.scrubber; nil: nothing is kept). A function `complete` adds what is missing.
local digits = require "luaprov.digits"
local json = require "luaprov.json"
local secret = require "luaprov.secret"
local texts = require "luaprov.text"

local M = {}

local EXCERPT = 160 -- bytes of an answer that an error shows
local WINDOW = 4096 -- bytes of an answer that are looked at for it
local DETAILS = 64 * 1024 -- bytes of the largest answer that err.details holds

-- The spellings of many secrets are made once a call, and only for a call that fails.
local function scrubber(context)
  if context.complete then context.complete(context) end
  if context.scrubbed ~= #context.secrets then
    context.scrub = secret.scrubber(context.secrets, context.spellings)
    context.scrubbed = #context.secrets
  end
  return context.scrub
end

-- The names of the vendor's own codes of errors, which may be those of secret fields. As a number a code is none.
local function codes_of(context)
  local names = {}
  for _, form in ipairs(context.provider.errors) do
    if form.code then names[form.code[1][#form.code[1]]] = true end
  end
  return names
end

-- Where the value that begins at `at` ends, or the text if it is cut. Quotes may have backslashes before them: JSON
-- within a JSON string. As many stand before the closing quote; a quote of the value itself has twice as many and one
-- more, and a backslash of its own is so many that come in pairs.
local function end_of_value(text, at)
  local depth = text:match('^(\\*)"', at)
  if depth then
    local quote = at + #depth + 1
    while true do
      local first, last = text:find('\\*"', quote)
      if not first then return #text end
      if (last - first) % (2 * #depth + 2) == #depth then return last end
      quote = last + 1
    end
  end
  local open = text:sub(at, at)
  if open == "[" or open == "{" then
    local _, last = text:find(open == "[" and "^%b[]" or "^%b{}", at)
    return last or #text
  end
  return (text:find("[,}%]%s]", at) or #text + 1) - 1
end

-- The values of members that the provider file calls secret, in any case, in a text that may be half a JSON document.
local function mask_members(text, names, codes)
  for name in pairs(names) do
    local spelled = name:gsub("%W", "%%%0"):gsub("%a", function(c) return "[" .. c:lower() .. c:upper() .. "]" end)
    local at = 1
    while true do
      local open, last = text:find('"' .. spelled .. '\\*"%s*:%s*', at)
      if not open then break end
      local stop = end_of_value(text, last + 1)
      if codes[name] and text:find("^%d", last + 1) then
        at = stop + 1
      else
        text = text:sub(1, last) .. '"<secret>"' .. text:sub(stop + 1)
        at = last + 11
      end
    end
  end
  return text
end

local function utf8_of(code)
  if code < 0x80 then return string.char(code) end
  if code < 0x800 then return string.char(192 + math.floor(code / 64), 128 + code % 64) end
  return string.char(224 + math.floor(code / 4096), 128 + math.floor(code / 64) % 64, 128 + code % 64)
end

-- JSON may spell any character \uXXXX, and so hide a secret.
local function without_escapes(text)
  text = text:gsub("\\+u([dD][89abAB]%x%x)\\+u([dD][c-fC-F]%x%x)", function(high, low)
    local code = 0x10000 + (tonumber(high, 16) - 0xd800) * 0x400 + tonumber(low, 16) - 0xdc00
    return string.char(240 + math.floor(code / 262144), 128 + math.floor(code / 4096) % 64,
      128 + math.floor(code / 64) % 64, 128 + code % 64)
  end)
  return (text:gsub("\\+u(%x%x%x%x)", function(hex)
    local code = tonumber(hex, 16)
    if code == 0x22 or code == 0x5c then return "\\" .. string.char(code) end
    if code < 0x20 or (code >= 0xd800 and code < 0xe000) then return nil end
    return utf8_of(code)
  end))
end

--- The vendor's own words as one line.
--- @param text string
--- @param context table
--- @param limit integer|nil bytes
--- @return string
function M.line(text, context, limit)
  return texts.one_line(scrubber(context)(text), limit or EXCERPT)
end

--- The beginning of the vendor's own words: not half a secret is in it.
--- @param text string
--- @param context table
--- @param limit integer bytes
--- @return string
function M.head(text, context, limit)
  if #text <= limit then return text end
  return scrubber(context)(text:sub(1, limit), true)
end

--- The beginning of a body as one line.
--- @param body string
--- @param context table
--- @param cut boolean|nil whether its end was lost on the way
--- @return string
function M.excerpt(body, context, cut)
  -- From the first thing that can be seen; a little before it, where a secret may begin with blanks.
  local first = math.max(1, (body:find("%S") or 1) - 32)
  local more = #body >= first + WINDOW
  local text = without_escapes(body:sub(first, first + WINDOW - 1))
  text = mask_members(scrubber(context)(text, cut or more), context.secret_names, codes_of(context))
  return texts.one_line(text, EXCERPT) .. (more and #text <= EXCERPT and "…" or "")
end

local function cleaned(value, context, codes, hidden)
  if type(value) ~= "table" then
    if hidden and value ~= json.null then
      return secret.new(type(value) == "number" and digits(value) or tostring(value))
    end
    if type(value) ~= "string" then return value end
    value = scrubber(context)(value)
    return value:find('"', 1, true) and mask_members(value, context.secret_names, codes) or value
  end
  local copy = setmetatable({}, getmetatable(value))
  for key, inner in pairs(value) do
    if type(key) == "string" then key = scrubber(context)(key) end
    local is_code = codes[key] and type(inner) == "number"
    copy[key] = cleaned(inner, context, codes, hidden or not is_code and context.secret_names[tostring(key):lower()])
  end
  return copy
end

--- A decoded body for err.details: secret members become secrets, strings lose what they echo.
--- @param body any
--- @param size integer bytes that it came in
--- @param context table
--- @return table|nil
function M.details(body, size, context)
  if type(body) ~= "table" or size > DETAILS then return nil end
  return cleaned(body, context, codes_of(context), false)
end

return M
