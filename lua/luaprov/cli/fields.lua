--- Finds the field that a dotted path names, in any variant, and makes of a text what the field takes.
local digits = require "luaprov.digits"
local json = require "luaprov.json"
local secret = require "luaprov.secret"
local shapes = require "luaprov.provider.shape"

local M = {}

--- Chooses no variant.
function M.no_choice() end

-- The fields of a name in a shape: in every variant that the arguments leave possible, because they may differ.
local function named(shape, name, chosen, found)
  found[#found + 1] = shape.by_name[name]
  for _, by in ipairs(shape.by) do
    local case = shapes.case(by, chosen)
    if case then
      named(case, name, chosen, found)
    else
      for _, other in ipairs(shapes.cases(by)) do named(other.shape, name, chosen, found) end
    end
  end
  return found
end

-- A field's name may have dots of its own, so the longest name that is there is taken first.
local function names_in(path)
  local at = #path + 1
  return function()
    if not at then return nil end
    local name, rest = path:sub(1, at - 1), path:sub(at + 1)
    local before = name:match("^.*()%.")
    at = before
    return name, rest
  end
end

local function split(path)
  local keys = {}
  for key in (path .. "."):gmatch("(.-)%.") do keys[#keys + 1] = key end
  return keys
end

local function find(around, path, chosen, keys)
  for name, rest in names_in(path) do
    local fields, inner = {}, {}
    for _, shape in ipairs(around) do named(shape, name, chosen, fields) end
    if #fields > 0 then
      keys[#keys + 1] = name
      if rest == "" then return keys, fields end
      for _, field in ipairs(fields) do inner[#inner + 1] = field.shape end
      if #inner == 0 then
        local kind = fields[1].type
        return nil, nil, kind == "list" and "is a list: give it whole, as in " .. name .. ":='[\"one\",\"two\"]'"
          or "is " .. kind .. " and has no parts"
      end
      return find(inner, rest, chosen, keys)
    end
  end
  -- No field of that name: the check of the whole table says so, and knows what was meant.
  for _, key in ipairs(split(path)) do keys[#keys + 1] = key end
  return keys, {}
end

--- @param shape table
--- @param path string names with dots between
--- @param chosen function selector -> its value, where the arguments have it
--- @return string[]|nil keys
--- @return table[]|nil fields those that the path may mean; none: it names no field
--- @return string|nil why
function M.find(shape, path, chosen) return find({ shape }, path, chosen, {}) end

local function is_secret(field) return field.type == "secret" or (field.of and field.of.type == "secret") end

--- Whether one of the fields is a secret.
function M.any_secret(fields)
  for _, field in ipairs(fields) do
    if is_secret(field) then return true end
  end
  return false
end

--- Whether a field's values stand in JSON without quotes.
function M.is_bare(field)
  if field.sent_as == "string" then return false end
  for _, value in ipairs(field.value_list or {}) do
    if type(value) == "string" then return false end
  end
  return field.type == "integer" or field.type == "boolean" or field.type == "choice"
end

local function whole_number(text)
  if not text:find("^[+-]?%d+$") then return text end
  local number = math.tointeger and math.tointeger(tonumber(text)) or tonumber(text)
  local plain = text:gsub("^%+", ""):gsub("^(%-?)0+(%d)", "%1%2")
  -- What this Lua cannot hold exactly stays text, and is refused as what it is.
  return number and digits(number) == plain and number or text
end

local function convert(field, text)
  if field.type == "secret" then return secret.new(text) end
  if field.type == "integer" then return field.sent_as == "string" and text or whole_number(text) end
  if field.type == "seconds" then return tonumber(text) or text end
  if field.type == "proxy" then
    if text == "false" then return false end
    return text:find("@", 1, true) and secret.new(text) or text -- it has a password
  end
  if field.type == "boolean" and (text == "true" or text == "false") then return text == "true" end
  return text
end

-- Whether a value is to be kept as a secret: where some variant has one, unless what is meant cannot be one.
local function keeps_secret(fields, possible)
  if not M.any_secret(possible) then return false end
  for _, field in ipairs(fields) do
    if field.type == "text" or is_secret(field) then return true end
  end
  return #fields == 0
end

--- A text of the command line as the value that a field takes. One that does not fit stays text: the check of the
--- whole table says what is wrong with it.
--- @param fields table[] that it may be meant for
--- @param possible table[] the fields of that name in all variants
--- @param text string
--- @return any value nil when it cannot be told
--- @return string|nil why
function M.convert(fields, possible, text)
  if keeps_secret(fields, possible) and not (fields[1] and fields[1].type == "list") then return secret.new(text) end
  local value
  for i, field in ipairs(fields) do
    if field.type == "list" then return nil, "is a list: give it whole, as JSON, with := in place of =" end
    if field.type == "group" then return nil, "is a group: give its fields, each with a dot before its name" end
    local made = convert(field, text)
    if i > 1 and made ~= value then
      return nil, "is " .. fields[1].type .. " in one variant and " .. field.type .. " in another: say which variant, "
        .. "or give JSON, with := in place of ="
    end
    value = made
  end
  if #fields == 0 then return text end
  return value
end

local function close_all(value)
  if type(value) == "string" then return secret.new(value) end
  if type(value) == "table" and not secret.is(value) then
    for key, inner in pairs(value) do value[key] = close_all(inner) end
  end
  return value
end

--- Makes secrets of the texts in a JSON value that stand where the fields have one, in some variant.
--- @param possible table[] the fields of that name in all variants
--- @param value any in place
--- @return any value
function M.close(possible, value)
  if keeps_secret(possible, possible) then return close_all(value) end
  if type(value) ~= "table" or secret.is(value) then return value end
  local groups, items = {}, {}
  for _, field in ipairs(possible) do
    groups[#groups + 1] = field.shape
    items[#items + 1] = field.of
  end
  for key, inner in pairs(value) do
    local inside = json.is_array(value) and items or {}
    for _, shape in ipairs(type(key) == "string" and groups or {}) do named(shape, key, M.no_choice, inside) end
    value[key] = M.close(inside, inner)
  end
  return value
end

return M
