--- Readable names, each given once.
---
---   local names = slug.new(); names:take("hubs", { "Sales / EU" }) -> "sales-eu", then "sales-eu-2"
local digits = require "luaprov.digits"
local texts = require "luaprov.text"

local M = {}

local LONGEST = 60 -- bytes, before the number

local function cut(text)
  if #text <= LONGEST then return text end
  local at = LONGEST
  -- Not within a character.
  while at > 0 and text:byte(at + 1) >= 128 and text:byte(at + 1) < 192 do at = at - 1 end
  return text:sub(1, at)
end

--- A text in small letters, digits, `-` and `_`; letters of other alphabets stay.
--- @param text string
--- @return string
function M.of(text)
  if not texts.is_utf8(text) then text = text:gsub("[\128-\255]+", "-") end
  -- What cannot be seen, and spaces that are none of ASCII's.
  text = texts.escape_unseen(text) == text and text or text:gsub("[\128-\255]+", "-")
  text = text:gsub("\194\160", "-"):gsub("\226\128[\128-\143]", "-"):gsub("\227\128\128", "-"):gsub("\239\187\191", "")
  text = text:lower():gsub("[^%w_\128-\255]+", "-")
  return (cut(text):gsub("^%-+", ""):gsub("%-+$", ""))
end

local Names = {}
Names.__index = Names

function M.new() return setmetatable({ taken = {}, last = {} }, Names) end

local function joined(parts, more)
  local slugs = {}
  for _, list in ipairs { parts, more } do
    for _, part in ipairs(list) do
      local text = M.of(type(part) == "number" and digits(part) or tostring(part))
      if text ~= "" then slugs[#slugs + 1] = text end
    end
  end
  return (cut(table.concat(slugs, "-")):gsub("%-+$", ""))
end

--- @param default string the name where nothing is left of the parts
--- @param parts any[] texts and numbers
--- @param more any[]|nil what is added where these are not enough
--- @return string name that was not given before
function Names:take(default, parts, more)
  local name = joined(parts, {})
  if more and more[1] ~= nil and (name == "" or self.taken[name]) then name = joined(parts, more) end
  if name == "" then name = default end
  local base, number = name, self.last[name] or 1
  while self.taken[name] do
    number = number + 1
    name = base .. "-" .. number
  end
  self.last[base], self.taken[name] = number, true
  return name
end

return M
