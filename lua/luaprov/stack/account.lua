--- Whose account a manifest's clients use, as the state has it: other credentials are refused, not applied.
local account = require "luaprov.provider.account"
local digits = require "luaprov.digits"
local secret = require "luaprov.secret"

local M = {}

local function text(value)
  if secret.is(value) then return (value:reveal()) end
  if type(value) == "number" then return digits(value) end
  return value ~= nil and tostring(value) or nil
end

local function add(parts, list, values, with_secrets)
  for _, field in ipairs(list) do
    local value = values[field.name]
    local wanted = account.is_name(field) and (with_secrets or field.type ~= "secret")
    local shown = wanted and text(value) or nil
    if shown then parts[#parts + 1] = field.name .. "=" .. shown end
  end
end

--- A name that stays when a password is changed, where there is one; else the secret itself: a token, or a key that the
--- provider file sends by itself. It is kept as a hash only.
--- @param state table a client's inside
--- @return string
function M.name(state)
  local parts, method = {}, state.auth.method
  add(parts, state.provider.settings, state.settings)
  add(parts, method and method.fields or {}, state.auth.credentials)
  if not parts[1] and method then add(parts, method.fields, state.auth.credentials, true) end
  if not parts[1] then add(parts, state.provider.settings, state.settings, true) end
  return table.concat(parts, "\0")
end

--- @param state table a client's inside
--- @param store luaprov.Store
--- @return table about base_url, account (a hash)
function M.of(state, store)
  return { base_url = state.base_url, account = store:hash(state.provider.name .. "\0" .. M.name(state)) }
end

--- @param manifest table
--- @param store luaprov.Store
--- @return table alias -> { base_url, account }
function M.all(manifest, store)
  local all = {}
  for _, one in ipairs(manifest.accounts) do
    if one.state then all[one.alias] = M.of(one.state, store) end
  end
  return all
end

return M
