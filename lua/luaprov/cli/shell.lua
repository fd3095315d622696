--- curl commands as text for sh. Where a secret belongs stands a mark, which is printed as a variable of the shell.
local quote = require "luaprov.quote"
local tables = require "luaprov.tables"

local M = {}

---@class luaprov.Marks
---@field prefix string letters and digits that stand nowhere else
---@field names string[] the variables of the marks
local Marks = {}
Marks.__index = Marks

--- @param texts string[] in none of which a mark may be found
--- @return luaprov.Marks
function M.marks(texts)
  local prefix
  repeat
    prefix = "LPV" .. tostring({}):gsub("[^%x]", "") .. "M"
    local taken = false
    for _, text in ipairs(texts) do taken = taken or text:find(prefix, 1, true) end
  until not taken
  return setmetatable({ prefix = prefix, names = {} }, Marks)
end

--- A mark that stands for a variable. It has letters and digits only, so neither JSON nor a URL changes it.
--- @param name string
--- @param bare boolean|nil JSON has its value without quotes
--- @return string
function Marks:new(name, bare)
  self.names[#self.names + 1] = name
  return self.prefix .. #self.names .. (bare and "B" or "E")
end

--- Whether a text has a mark in whose place there may be any text.
function Marks:within(text) return text:find(self.prefix .. "%d+E") ~= nil end

-- What jq makes of a text, where it has to be escaped: no argument of jq's has it, because others can read those.
local FILTERS = { url = "-sRr @uri", json = "-sR .", ["part of json"] = "-sRr '@json[1:-1]'" }

--- A text as one word of sh.
--- @param text string
--- @param as string|nil "url" or "json": the variables are escaped as that wants it
--- @return string
function Marks:quote(text, as)
  local out, at = {}, 1
  text = text:gsub('"(' .. self.prefix .. '%d+)B"', "%1N")
  while true do
    local first, last, number, kind = text:find(self.prefix .. "(%d+)([EN])", at)
    local how = kind == "E" and as or nil
    if how == "json" then
      if text:sub(first - 1, first - 1) == '"' and text:sub(last + 1, last + 1) == '"' then
        first, last = first - 1, last + 1
      else
        how = "part of json"
      end
    end
    local literal = text:sub(at, (first or 0) - 1)
    if literal ~= "" or not first and #out == 0 then out[#out + 1] = quote(literal) end
    if not first then break end
    local name = self.names[tonumber(number)]
    out[#out + 1] = how and ('"$(printf %%s "$%s" | jq %s)"'):format(name, FILTERS[how]) or '"$' .. name .. '"'
    at = last + 1
  end
  return table.concat(out)
end

local function has_header(headers, wanted)
  for name in pairs(headers) do
    if name:lower() == wanted then return headers[name] end
  end
end

-- A form is given field by field, because curl escapes what stands in a variable.
local function form_parts(marks, body, parts)
  for pair in body:gmatch("[^&]+") do
    local name, value = pair:match("^([^=]*)=(.*)$")
    if name and marks:within(value) then parts[#parts + 1] = "--data-urlencode " .. marks:quote(name .. "=" .. value)
    else parts[#parts + 1] = "--data " .. marks:quote(pair) end
  end
end

--- The curl command of a request, in lines.
--- @param marks luaprov.Marks
--- @param request table method, url, headers, body
--- @param options string|nil of curl, before all others
--- @return string
function M.curl(marks, request, options)
  local parts = { "curl" .. (options and " " .. options or "") }
  if request.url:find("[%[%]{}]") then parts[1] = parts[1] .. " --globoff" end
  if request.url:find("/%.") then parts[1] = parts[1] .. " --path-as-is" end
  if request.method ~= "GET" then parts[1] = parts[1] .. " -X " .. request.method end
  parts[1] = parts[1] .. " " .. marks:quote(request.url, "url")
  for _, name in ipairs(tables.keys(request.headers)) do
    -- curl calls itself curl; and sends no header without a value unless it ends in a semicolon.
    if name ~= "User-Agent" then
      local value = request.headers[name]
      parts[#parts + 1] = "-H " .. marks:quote(value == "" and name .. ";" or name .. ": " .. value)
    end
  end
  local kind = has_header(request.headers, "content-type")
  if request.body == "" then
    if not kind then parts[#parts + 1] = "-H 'Content-Type:'" end
    parts[#parts + 1] = "--data ''"
  elseif request.body and kind == "application/x-www-form-urlencoded" then
    form_parts(marks, request.body, parts)
  elseif request.body then
    parts[#parts + 1] = "--data-raw " .. marks:quote(request.body, "json")
  end
  return table.concat(parts, " \\\n  ")
end

--- A comment, on as many lines as its text has.
function M.comment(text) return "# " .. text:gsub("[%c]+", " ") end

--- The filter of jq that finds what stands at a path of keys.
--- @param keys table list of names and numbers counted from 1
function M.jq_path(keys)
  local out = {}
  for i, key in ipairs(keys) do
    if type(key) == "number" then out[i] = (i == 1 and "." or "") .. ("[%d]"):format(key - 1)
    elseif key:find("^[%a_][%w_]*$") then out[i] = "." .. key
    else out[i] = (i == 1 and "." or "") .. '["' .. key:gsub('["\\]', "\\%0") .. '"]' end
  end
  return quote(table.concat(out)):gsub("^'([%w._]+)'$", "%1")
end

return M
