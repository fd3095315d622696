--- Salted hashes, for what may not be stored: whether a secret has changed can be told by one, and nothing else.
---
---   hash.salted(text) -> "SALT:HASH"      a salt of its own, so that equal secrets do not look equal
---   hash.matches(stored, text) -> boolean
---   hash.digest(text[, salt]) -> 64 hexadecimal digits
local sha256 = require "luaprov.stack.sha256"

local M = {}

local SALT_BYTES, AT_ONCE = 8, 64

local random -- bytes that are not used yet

local function hex(text) return (text:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end

--- A new salt.
--- @return string hexadecimal digits
function M.salt()
  if not random or #random < SALT_BYTES then
    local file = assert(io.open("/dev/urandom", "rb"))
    random = file:read(SALT_BYTES * AT_ONCE)
    file:close()
    if not random or #random < SALT_BYTES then error("/dev/urandom gives nothing", 0) end
  end
  local salt = random:sub(1, SALT_BYTES)
  random = random:sub(SALT_BYTES + 1)
  return hex(salt)
end

--- @param text string
--- @param salt string|nil
--- @return string
function M.digest(text, salt) return sha256(salt and salt .. ":" .. text or text) end

--- @param text string
--- @return string stored
function M.salted(text)
  local salt = M.salt()
  return salt .. ":" .. sha256(salt .. ":" .. text)
end

--- @param stored string of `salted`
--- @param text string
--- @return boolean
function M.matches(stored, text)
  local salt, digest = stored:match("^(%x+):(%x+)$")
  return salt ~= nil and sha256(salt .. ":" .. text) == digest
end

return M
