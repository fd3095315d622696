--- What may be shown and stored of a value, and what may not.
local core = require "luaprov.core"
local equal = require "luaprov.stack.equal"
local json = require "luaprov.json"
local reference = require "luaprov.stack.reference"
local secret = require "luaprov.secret"
local shapes = require "luaprov.provider.shape"

local M = {}

--- Whether a secret stands in a value, at any depth, now or when it is known.
function M.within(value)
  if type(value) ~= "table" then return false end
  if reference.is(value) then return reference.is_secret(value) end
  if secret.is(value) then return true end
  for _, inner in pairs(value) do
    if M.within(inner) then return true end
  end
  return false
end

local hides = setmetatable({}, { __mode = "k" }) -- field -> what is_field says

local function find(field)
  if field.type == "secret" then return true end
  local of = field.of
  return of ~= nil and (M.is_field(of) or of.shape ~= nil and next(shapes.secret_names(of.shape, {})) ~= nil)
end

--- Whether whatever stands in a field is secret, also where somebody wrote it as plain text.
--- @param field table|nil
function M.is_field(field)
  if not field then return false end
  local found = hides[field]
  if found == nil then
    found = find(field)
    hides[field] = found
  end
  return found
end

--- Whether a text only stands for what a vendor hides: it is no value.
--- @param text string
function M.is_mask(text) return text:find("%*%*+") ~= nil or text:find("\226\128\162", 1, true) ~= nil end

local encode_revealed = core.json.encode_revealed

local function reveal(value) return (value:reveal()) end

--- A value as the text that is hashed: the same for whatever means the same.
--- @return string|nil text nil when a secret's source does not have it
function M.text(value)
  if type(value) == "string" then return equal.text(value) end
  if secret.is(value) then value = reveal(value) end
  if value == nil then return nil end
  if value == json.null then return "" end
  if type(value) == "table" then return encode_revealed(value, reveal) or "?" end
  return equal.text(value)
end

return M
