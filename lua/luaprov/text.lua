--- Text that came from elsewhere: whether it is UTF-8, and what of it can be shown.
local M = {}

-- RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF. Each pattern is one character of two to four bytes.
local FORMS = {
  "^[\194-\223][\128-\191]",
  "^\224[\160-\191][\128-\191]", "^[\225-\236][\128-\191][\128-\191]", "^\237[\128-\159][\128-\191]",
  "^[\238-\239][\128-\191][\128-\191]",
  "^\240[\144-\191][\128-\191][\128-\191]", "^[\241-\243][\128-\191][\128-\191][\128-\191]",
  "^\244[\128-\143][\128-\191][\128-\191]",
}

-- The last byte of the character at `at`, or nil when there is none.
local function character(text, at)
  for _, form in ipairs(FORMS) do
    local _, last = text:find(form, at)
    if last then return last end
  end
end

--- @param text string
--- @return boolean
function M.is_utf8(text)
  local at = text:find("[\128-\255]")
  while at do
    local last = character(text, at)
    if not last then return false end
    at = text:find("[\128-\255]", last + 1)
  end
  return true
end

--- The beginning of a text as one line that a terminal can show: white space and control characters become spaces, what
--- is no UTF-8 becomes "?".
--- @param text string
--- @param limit integer bytes
--- @return string
function M.one_line(text, limit)
  local cut = #text > limit
  -- Three more: a character that begins within the limit is judged whole.
  text = text:sub(1, limit + 3):gsub("[%c%s]+", " "):gsub("^ ", "")
  local out, at = {}, 1
  while at <= #text and at <= limit do
    local special = text:find("[\128-\255]", at)
    if not special or special > limit then
      out[#out + 1] = text:sub(at, limit)
      break
    end
    out[#out + 1] = text:sub(at, special - 1)
    local last = character(text, special)
    -- U+0080 to U+009F are control characters, too.
    local shown = last and not text:find("^\194[\128-\159]", special) and text:sub(special, last)
    if last and last > limit then break end
    out[#out + 1] = shown or "?"
    at = (last or special) + 1
  end
  return table.concat(out) .. (cut and "…" or "")
end

local function escaped_byte(c) return ("\\x%02x"):format(c:byte()) end

-- The code point of a character of two or three bytes.
local function escaped_character(c)
  local a, b, d = c:byte(1, 3)
  return ("\\u%04x"):format(d and (a % 16) * 4096 + (b % 64) * 64 + d % 64 or (a % 32) * 64 + b % 64)
end

local NAMES = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

--- Escapes C1 controls, and the marks that turn the direction of writing: in JSON text it stays the same JSON.
--- @param text string
--- @return string
function M.escape_unseen(text)
  if not text:find("[\127-\255]") then return text end
  return (text:gsub("\127", "\\u007f"):gsub("\194[\128-\159]", escaped_character)
    :gsub("\226\128[\142\143\168-\174]", escaped_character):gsub("\226\129[\166-\169]", escaped_character))
end

--- A text whose bytes that are no UTF-8 are spelled out: "\\xff".
--- @param text string
--- @return string
function M.as_utf8(text)
  local out, at = {}, 1
  local special = text:find("[\128-\255]")
  while special do
    local last = character(text, special)
    out[#out + 1] = text:sub(at, special - 1)
    out[#out + 1] = last and text:sub(special, last) or escaped_byte(text:sub(special, special))
    at = (last or special) + 1
    special = text:find("[\128-\255]", at)
  end
  return table.concat(out) .. text:sub(at)
end

--- A text without anything that a terminal would obey.
--- @param text string
--- @return string
function M.plain(text)
  return (M.escape_unseen(text):gsub("%c", function(c) return NAMES[c] or escaped_byte(c) end))
end

return M
