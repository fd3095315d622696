--- How many columns of a terminal a text takes: Unicode Standard Annex 11, in short. East Asian characters and most
--- emoji take two, marks that combine with the character before them none.
local M = {}

local WIDE = {
  { 0x1100, 0x115F }, { 0x2E80, 0x303E }, { 0x3041, 0x33FF }, { 0x3400, 0x4DBF }, { 0x4E00, 0xA4CF },
  { 0xA960, 0xA97F }, { 0xAC00, 0xD7A3 }, { 0xF900, 0xFAFF }, { 0xFE30, 0xFE6F }, { 0xFF00, 0xFF60 },
  { 0xFFE0, 0xFFE6 }, { 0x1F300, 0x1F64F }, { 0x1F680, 0x1F6FF }, { 0x1F900, 0x1FAFF }, { 0x20000, 0x3FFFD },
}
local NONE = { { 0x300, 0x36F }, { 0x200B, 0x200D }, { 0x20D0, 0x20FF }, { 0xFE00, 0xFE0F } }

local function within(ranges, point)
  for _, range in ipairs(ranges) do
    if point >= range[1] and point <= range[2] then return true end
  end
  return false
end

local FIRST = { [2] = 0xC0, [3] = 0xE0, [4] = 0xF0 }

-- Of one character, all its bytes.
local function of_character(c)
  if #c == 1 or not FIRST[#c] then return 1 end
  local point = c:byte() - FIRST[#c]
  for i = 2, #c do point = point * 64 + c:byte(i) - 128 end
  return within(WIDE, point) and 2 or within(NONE, point) and 0 or 1
end

--- Every character of a text, with its columns.
local function characters(text)
  local next_character = text:gmatch("[%z\1-\127\192-\255][\128-\191]*")
  return function()
    local c = next_character()
    if c then return c, of_character(c) end
  end
end

--- @param text string UTF-8
--- @return integer columns
function M.of(text)
  if not text:find("[\128-\255]") then return #text end
  local columns = 0
  for _, own in characters(text) do columns = columns + own end
  return columns
end

--- A text that takes no more than some columns; one that is cut ends in `…`.
--- @param text string UTF-8
--- @param most integer
--- @return string
function M.cut(text, most)
  if M.of(text) <= most then return text end
  local columns, kept = 1, {}
  for c, own in characters(text) do
    columns = columns + own
    if columns > most then break end
    kept[#kept + 1] = c
  end
  return table.concat(kept) .. "…"
end

return M
