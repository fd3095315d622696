--- The ways in which a text may come back from whoever got it: as it is, escaped for JSON, URLs and HTML, in base64.
local uri = require "luaprov.uri"

-- Two letters of base64 for every twelve bits.
local pairs_of = {}
do
  local letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
  for i = 0, 4095 do
    local high, low = math.floor(i / 64) + 1, i % 64 + 1
    pairs_of[i] = letters:sub(high, high) .. letters:sub(low, low)
  end
end

-- Without the = at its end.
local function base64(text)
  local out = {}
  for at = 1, #text, 3 do
    local a, b, c = text:byte(at, at + 2)
    local bits = a * 65536 + (b or 0) * 256 + (c or 0)
    out[#out + 1] = pairs_of[math.floor(bits / 4096)]
    out[#out + 1] = pairs_of[bits % 4096]
  end
  return table.concat(out):sub(1, math.ceil(#text * 8 / 6))
end

local DEPTH = 4 -- of JSON within JSON
local LEAST = 8 -- letters: less may be anything

-- What base64 makes of a text within another one, as "Bearer " or a user's name stands before a secret: the letters
-- that no neighbour changes.
local function within_base64(text, before)
  local coded = base64(("x"):rep(before) .. text)
  local fixed = coded:sub(math.ceil(before * 8 / 6) + 1, math.floor((before + #text) * 8 / 6))
  return #fixed >= LEAST and fixed or ""
end

-- RFC 4648, 5.
local function url_safe(text) return (text:gsub("[+/]", { ["+"] = "-", ["/"] = "_" })) end

local function html(text)
  return (text:gsub("[&<>\"']", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }))
end

local function json_escaped(text)
  local names = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
  local escaped = text:gsub('[%c"\\]', function(c) return names[c] or ("\\u%04x"):format(c:byte()) end)
  return escaped, (escaped:gsub("/", "\\/"))
end

--- @param value string
--- @return string[] list each once, none empty
return function(value)
  local list, seen = {}, { [""] = true }
  local function add(spelling)
    if seen[spelling] then return end
    seen[spelling] = true
    list[#list + 1] = spelling
  end
  -- The request's text within JSON, and that in the message of the next server, is escaped once more each time; of the
  -- slashes nobody knows, and the first may see it otherwise than the others.
  local function add_all(spelling)
    local forms = { spelling }
    add(spelling)
    for level = 1, DEPTH do
      local further = {}
      for _, form in ipairs(forms) do
        local escaped, slashed = json_escaped(form)
        if slashed == form then return end
        add(escaped)
        add(slashed)
        further[#further + 1] = escaped
        further[#further + 1] = level == 1 and slashed ~= escaped and slashed or nil
      end
      forms = further
    end
  end
  local escaped, in_url = json_escaped(value), uri.escape(value)
  for _, spelling in ipairs {
    value, html(value), html(escaped),
    in_url, (in_url:gsub("%%%x%x", string.lower)), (in_url:gsub("%%20", "+")), uri.escape(escaped),
    uri.escape(in_url),
  } do
    add_all(spelling)
  end
  local function add_base64(coded)
    add_all(coded)
    add(url_safe(coded))
    add(uri.escape(coded))
  end
  -- Alone, it may be as short as it is.
  add_base64(base64(value))
  for _, sent in ipairs { value, escaped, in_url } do
    for before = 0, 2 do add_base64(within_base64(sent, before)) end
  end
  return list
end
