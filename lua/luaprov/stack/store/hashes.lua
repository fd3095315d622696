--- Hashes with the salt of a state: of accounts, and of what was sent. They tell whether something is another than
--- before, and nothing else, as long as it cannot be guessed. What is kept of a field's secret is stack/hash.lua's.
local digest = require "luaprov.digest"
local secret = require "luaprov.secret"

local M = {}

-- Salt -> the hash of a text.
local keyed = setmetatable({}, { __mode = "v", __index = function(made, salt)
  local hash = digest.keyed(salt)
  made[salt] = hash
  return hash
end })

local function open(value)
  if secret.is(value) then
    local text, why = value:reveal()
    if not text then error("the secret cannot be opened: " .. why, 4) end
    return text
  end
  if type(value) ~= "string" then error("a hash is made of a text or a secret, not of " .. type(value), 4) end
  return value
end

--- The same for the same text, in one state: for accounts, and for what was sent.
--- @param salt string the state's
--- @param value string|luaprov.Secret
--- @return string
function M.hash(salt, value) return keyed[salt](open(value)) end

return M
