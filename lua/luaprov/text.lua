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

return M
