-- JSON for the contract tests, on purpose not luaprov's own: what the tests compare with must not share its mistakes.
-- Strings are bytes (UTF-8 is not checked), null is cjson.null, an array carries a metatable so that [] stays [].

local M = { null = require("cjson").null }

local array_mt = { __name = "contract.array" }
local math_type = rawget(math, "type")

---@param list? table turned into an array in place, so that it is [] when empty
function M.array(list)
  return setmetatable(list or {}, array_mt)
end

--- True for what is written as an array: marked (by this module or another's metatable named "…array"), or a
--- sequence that is not empty.
function M.is_array(value)
  if type(value) ~= "table" then return false end
  local mt = getmetatable(value)
  if type(mt) == "table" and (mt == array_mt or tostring(mt.__name):find("array", 1, true)) then return true end
  return value[1] ~= nil
end

local escapes = {
  ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t",
}

local function utf8_bytes(code)
  local floor, char = math.floor, string.char
  if code < 0x80 then return char(code) end
  if code < 0x800 then return char(0xC0 + floor(code / 64), 0x80 + code % 64) end
  if code < 0x10000 then
    return char(0xE0 + floor(code / 4096), 0x80 + floor(code / 64) % 64, 0x80 + code % 64)
  end
  return char(0xF0 + floor(code / 262144), 0x80 + floor(code / 4096) % 64, 0x80 + floor(code / 64) % 64,
    0x80 + code % 64)
end

local function fail(at, what)
  error({ json = ("%s at byte %d"):format(what, at) }, 0)
end

local function decode_string(text, at)
  local parts = {}
  while true do
    local stop = text:find('["\\%c]', at)
    if not stop then fail(at, "string without end") end
    parts[#parts + 1] = text:sub(at, stop - 1)
    local char = text:sub(stop, stop)
    if char == '"' then return table.concat(parts), stop + 1 end
    if char ~= "\\" then
      if char ~= "\127" then fail(stop, "control character in string") end
      parts[#parts + 1] = char
      at = stop + 1
    elseif text:sub(stop + 1, stop + 1) == "u" then
      local hex = text:match("^%x%x%x%x", stop + 2)
      if not hex then fail(stop, "bad escape") end
      local code = tonumber(hex, 16)
      at = stop + 6
      if code >= 0xD800 and code < 0xDC00 then
        local low = tonumber(text:match("^\\u([dD][c-fC-F]%x%x)", at) or "", 16)
        if not low then fail(stop, "half a surrogate pair") end
        code = 0x10000 + (code - 0xD800) * 1024 + (low - 0xDC00)
        at = at + 6
      end
      parts[#parts + 1] = utf8_bytes(code)
    else
      parts[#parts + 1] = escapes[text:sub(stop + 1, stop + 1)] or fail(stop, "bad escape")
      at = stop + 2
    end
  end
end

local function skip(text, at)
  return (text:find("[^ \t\r\n]", at)) or #text + 1
end

local decode_value

local function decode_object(text, at)
  local object = {}
  at = skip(text, at)
  if text:sub(at, at) == "}" then return object, at + 1 end
  while true do
    if text:sub(at, at) ~= '"' then fail(at, "expected a key") end
    local key
    key, at = decode_string(text, at + 1)
    at = skip(text, at)
    if text:sub(at, at) ~= ":" then fail(at, "expected ':'") end
    object[key], at = decode_value(text, skip(text, at + 1))
    at = skip(text, at)
    local char = text:sub(at, at)
    if char == "}" then return object, at + 1 end
    if char ~= "," then fail(at, "expected ',' or '}'") end
    at = skip(text, at + 1)
  end
end

local function decode_array(text, at)
  local list = M.array()
  at = skip(text, at)
  if text:sub(at, at) == "]" then return list, at + 1 end
  while true do
    list[#list + 1], at = decode_value(text, at)
    at = skip(text, at)
    local char = text:sub(at, at)
    if char == "]" then return list, at + 1 end
    if char ~= "," then fail(at, "expected ',' or ']'") end
    at = skip(text, at + 1)
  end
end

local words = { ["true"] = true, ["false"] = false, null = M.null }

function decode_value(text, at)
  local char = text:sub(at, at)
  if char == "{" then return decode_object(text, at + 1) end
  if char == "[" then return decode_array(text, at + 1) end
  if char == '"' then return decode_string(text, at + 1) end
  local word = text:match("^%l+", at)
  if word and words[word] ~= nil then return words[word], at + #word end
  local number = text:match("^%-?%d[%d.eE+-]*", at)
  if not number or number:find("^%-?0%d") or not tonumber(number) then fail(at, "not JSON") end
  return tonumber(number), at + #number
end

---@param text string
---@param at? integer where to begin, 1 if absent
---@param more? boolean the value may be followed by other text
---@return any value, integer after  or nil, message
function M.decode(text, at, more)
  local done, value, after = pcall(decode_value, text, skip(text, at or 1))
  if not done then
    if type(value) ~= "table" then error(value, 0) end
    return nil, value.json
  end
  if not more and skip(text, after) <= #text then return nil, ("more text at byte %d"):format(after) end
  return value, after
end

local function encode_number(number)
  if math_type and math_type(number) == "integer" then return ("%d"):format(number) end
  if number ~= number or number == math.huge or number == -math.huge then error("not a JSON number", 0) end
  if number == math.floor(number) and math.abs(number) < 2 ^ 53 then
    return math_type and ("%.1f"):format(number) or ("%.0f"):format(number)
  end
  return ("%.17g"):format(number)
end

local short = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function encode_string(text)
  return '"' .. text:gsub('[%c"\\]', function(char)
    if char == "\127" then return char end
    return short[char] or ("\\u%04x"):format(char:byte())
  end) .. '"'
end

local function encode_value(value, indent, out)
  local kind = type(value)
  if value == M.null then out[#out + 1] = "null"
  elseif kind == "string" then out[#out + 1] = encode_string(value)
  elseif kind == "number" then out[#out + 1] = encode_number(value)
  elseif kind == "boolean" then out[#out + 1] = tostring(value)
  elseif kind ~= "table" then error("cannot be JSON: " .. kind, 0)
  else
    local list, keys = M.is_array(value), {}
    if not list then
      for key in pairs(value) do
        if type(key) ~= "string" then error("cannot be a JSON key: " .. tostring(key), 0) end
        keys[#keys + 1] = key
      end
      table.sort(keys)
    end
    local count = list and #value or #keys
    local inner = indent and indent .. "  "
    out[#out + 1] = list and "[" or "{"
    for index = 1, count do
      if index > 1 then out[#out + 1] = "," end
      if indent then out[#out + 1] = inner end
      if not list then out[#out + 1] = encode_string(keys[index]) .. (indent and ": " or ":") end
      encode_value(list and value[index] or value[keys[index]], inner, out)
    end
    if indent and count > 0 then out[#out + 1] = indent end
    out[#out + 1] = list and "]" or "}"
  end
end

--- One line, sorted keys.
function M.encode(value)
  local out = {}
  encode_value(value, nil, out)
  return table.concat(out)
end

--- As the fixtures are kept: two spaces, sorted keys, a newline at the end.
function M.pretty(value)
  local out = {}
  encode_value(value, "\n", out)
  return table.concat(out) .. "\n"
end

return M
