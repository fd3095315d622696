-- Looks for planted secrets, or a part of one, in a text: raw, with the escapes of JSON, URLs and HTML, in base64 at
-- its three alignments, and in hex.
local values = require "tests.canary.values"

local M = {}

local LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function base64(text)
  local out = {}
  for at = 1, #text, 3 do
    local a, b, c = text:byte(at, at + 2)
    local bits = a * 65536 + (b or 0) * 256 + (c or 0)
    for i = 3, 0, -1 do
      local index = math.floor(bits / 64 ^ i) % 64 + 1
      out[#out + 1] = LETTERS:sub(index, index)
    end
  end
  return table.concat(out)
end

M.base64 = base64

-- The letters of base64 that are the same whatever stands before and after.
local function within_base64(core, before)
  local coded = base64(("x"):rep(before) .. core .. "xxx")
  return coded:sub(math.ceil(before * 8 / 6) + 1, math.floor((before + #core) * 8 / 6))
end

local function hex(text) return (text:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end

local function char(code) return code < 128 and string.char(code) or nil end

local function without_escapes(text)
  return (text:gsub("\\+u00(%x%x)", function(code) return char(tonumber(code, 16)) end)
    :gsub("%%(%x%x)", function(code) return char(tonumber(code, 16)) end)
    :gsub("&#x(%x%x);", function(code) return char(tonumber(code, 16)) end)
    :gsub("&#(%d%d%d?);", function(code) return char(tonumber(code)) end))
end

local exact = {}
for before = 0, 2 do
  local found = within_base64(values.CORE, before)
  exact[#exact + 1] = found
  exact[#exact + 1] = (found:gsub("[+/]", { ["+"] = "-", ["/"] = "_" }))
end
local any_case = { values.CORE:lower(), hex(values.CORE) }

--- Where secrets are.
--- @param text string
--- @return string[] places some of them, each with what stands around it
function M.find(text)
  local places = {}
  local function look(within, words)
    for _, word in ipairs(words) do
      local at = 1
      for _ = 1, 5 do
        local first, last = within:find(word, at, true)
        if not first then break end
        places[#places + 1] = within:sub(math.max(1, first - 200), last + 100)
        at = last + 1
      end
    end
  end
  look(text, exact)
  look(text:lower(), any_case)
  if #places == 0 then look(without_escapes(text):lower(), any_case) end
  return places
end

return M
