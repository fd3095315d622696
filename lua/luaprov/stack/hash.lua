--- Salted hashes, for what may not be stored: whether a secret has changed can be told by one, and nothing else.
---
---   hash.salted(text) -> "SALT:HASH"      a salt of its own, so that equal secrets do not look equal
---   hash.matches(stored, text) -> boolean
---   hash.digest(text[, salt]) -> 64 hexadecimal digits
local digest = require "luaprov.digest"

local M = {}

--- A new salt.
--- @return string hexadecimal digits
function M.salt() return digest.random(8) end

--- @param text string
--- @param salt string|nil
--- @return string
function M.digest(text, salt) return digest.sha256(salt and salt .. ":" .. text or text) end

--- @param text string
--- @return string stored
M.salted = digest.salted

--- @param stored string of `salted`
--- @param text string
--- @return boolean
function M.matches(stored, text)
  local salt, kept = stored:match("^(%x+):(%x+)$")
  return salt ~= nil and M.digest(text, salt) == kept
end

return M
