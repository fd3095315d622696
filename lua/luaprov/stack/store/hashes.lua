--- What is kept of a secret: a hash with a salt. It tells whether a secret is another than before, and nothing else, as
--- long as the secret is none that can be guessed.
local digest = require "luaprov.digest"
local secret = require "luaprov.secret"

local M = {}

local function open(value)
  if secret.is(value) then
    local text, why = value:reveal()
    if not text then error("the secret cannot be opened: " .. why, 4) end
    return text
  end
  if type(value) ~= "string" then error("a hash is made of a text or a secret, not of " .. type(value), 4) end
  return value
end

-- Whether two texts are equal, in a time that does not tell where they differ.
local function equal(a, b)
  if #a ~= #b then return false end
  local differ = 0
  for i = 1, #a do
    if a:byte(i) ~= b:byte(i) then differ = differ + 1 end
  end
  return differ == 0
end

--- The same for the same text, in one state: for accounts, and for what was sent.
--- @param salt string the state's
--- @param value string|luaprov.Secret
--- @return string
function M.hash(salt, value) return digest.hmac(salt, open(value)) end

--- Another for each sealing, even of equal texts.
--- @param salt string the state's
--- @param value string|luaprov.Secret
--- @return string
function M.seal(salt, value)
  local own = digest.random(16)
  return own .. ":" .. digest.hmac(salt .. own, open(value))
end

--- Whether a seal is one of this text.
--- @param salt string the state's
--- @param value string|luaprov.Secret
--- @param seal string
--- @return boolean
function M.matches(salt, value, seal)
  local own, hash = tostring(seal):match("^(%x+):(%x+)$")
  return own ~= nil and equal(digest.hmac(salt .. own, open(value)), hash)
end

return M
