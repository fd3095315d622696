--- Whose account a client uses: what clients of one account share they have by its name.
local limits = require "luaprov.policy.limits"
local notes = require "luaprov.policy.notes"
local secret = require "luaprov.secret"

local M = {}

-- Options that say how something is done, and not whose account it is.
local NO_NAME = { boolean = true, choice = true, url = true }

--- Whether an option is a part of an account's name.
--- @param field table
function M.is_name(field) return not NO_NAME[field.type] end

-- What tells one account from another. It holds what is secret, and is shown nowhere. The second value: whether all of
-- it is known.
local function name_of(base_url, method, credentials, setting_fields, settings)
  local parts, whole = { base_url }, true
  local function add(list, values)
    for _, field in ipairs(list) do
      local value = values[field.name]
      if secret.is(value) then
        value = value:reveal()
        whole = whole and value ~= nil
      end
      if M.is_name(field) then parts[#parts + 1] = field.name .. "=" .. tostring(value) end
    end
  end
  add(method and method.fields or {}, credentials)
  add(setting_fields, settings)
  return table.concat(parts, "\0"), whole
end

-- The name of a client's account, from the first call on: secrets are read when they are needed.
local function reader(state, method, credentials)
  local name
  return function()
    if name then return name, true end
    local account, whole = name_of(state.base_url, method, credentials, state.provider.settings, state.settings)
    if whole then name = account end
    return account, whole
  end
end

-- What belongs to an account, kept from when all of its name is known.
local function once_known(account, make)
  local kept
  return function()
    if kept then return kept end
    local name, whole = account()
    local made = make(name)
    if whole then kept = made end
    return made
  end
end

--- Gives a client what its account has: `limiter` and `collections`, each a function.
--- @param state table a client's inside: provider, base_url, settings
--- @param method table|nil the way to authenticate
--- @param credentials table
--- @param counted boolean false: the vendor counts no calls of this account
function M.join(state, method, credentials, counted)
  local provider, account = state.provider, reader(state, method, credentials)
  state.limiter = once_known(account, function(name) return limits.of(provider, name, counted) end)
  state.collections = once_known(account, function(name)
    return notes.collections(provider.name .. "\0" .. tostring(provider.file) .. "\0" .. name)
  end)
end

return M
