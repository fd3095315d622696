--- A token that several processes share, the workers of one nginx: one of them asks for it.
local errors = require "luaprov.errors"
local http = require "luaprov.http"
local json = require "luaprov.json"
local runtime = require "luaprov.runtime"
local secret = require "luaprov.secret"

local M = {}

local POLL = 0.05 -- seconds between looks, while another process asks

-- Whatever tells one token from another. What is replaced with a token stays in its place.
local function name_of(store, auth)
  if auth.shared_name then return auth.shared_name end
  local parts = { "token", auth.provider.name, tostring(auth.provider.file), auth.base_url, tostring(auth.token_url) }
  for _, values in ipairs { auth.credentials, auth.settings } do
    local names = {}
    for name in pairs(values) do names[#names + 1] = name end
    table.sort(names)
    for _, name in ipairs(names) do
      local value = values[name]
      if secret.is(value) then value = value:reveal() end
      parts[#parts + 1] = name .. "=" .. tostring(value)
    end
  end
  auth.shared_name = store.name(table.concat(parts, "\0"))
  return auth.shared_name
end

local function read(store, name)
  local text = store.get(name)
  return text and json.decode(text) or {}
end

-- Takes over what another process was given.
local function adopt(auth, known)
  local rotates = auth.method.rotates
  if rotates and known.replacement then auth.credentials[rotates] = secret.new(known.replacement) end
  if not known.token or known.renew_at and http.now() >= known.renew_at then return false end
  auth.token, auth.renew_at = secret.new(known.token), known.renew_at
  return true
end

local function keep(store, name, auth)
  local rotates = auth.method.rotates
  local replacement = rotates and auth.credentials[rotates]
  store.set(name, json.encode {
    token = auth.token:reveal(), renew_at = auth.renew_at,
    replacement = secret.is(replacement) and replacement:reveal() or replacement,
  })
end

--- A token: the one that is there, or another, which is asked for once.
--- @param auth table
--- @param deadline number seconds of http.now()
--- @param renew function auth, deadline -> true or nil, err: asks for one
--- @return boolean|nil done
--- @return luaprov.Error|nil err
function M.fetch(auth, deadline, renew)
  local store = runtime.store()
  if not store then return renew(auth, deadline) end
  local name = name_of(store, auth)
  local lock = name .. ":lock"
  while not adopt(auth, read(store, name)) do
    if store.add(lock, "taken", math.max(1, deadline - http.now())) then
      -- It may have come since.
      local ok, err = adopt(auth, read(store, name)), nil
      if not ok then ok, err = renew(auth, deadline) end
      if ok then keep(store, name, auth) end
      store.delete(lock)
      return ok, err
    end
    if not runtime.sleep_until(math.min(deadline, http.now() + POLL)) or http.now() >= deadline then
      return nil, errors.new {
        kind = "timeout", outcome = "not_sent", message = "no token: another worker asks for it, and gets no answer",
        provider = auth.provider.name,
      }
    end
  end
  return true
end

--- The vendor has refused a token: nobody shall take it over any more.
function M.refused(auth, token)
  local store = runtime.store()
  if not store then return end
  local name = name_of(store, auth)
  local known = read(store, name)
  if known.token ~= token then return end
  known.token = nil
  store.set(name, json.encode(known))
end

return M
