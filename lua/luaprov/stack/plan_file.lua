--- A plan as a file, so that `apply FILE` does exactly that or nothing. It holds no secret, only salted digests; so it
--- cannot be applied by itself: apply makes the plan anew, and this module says whether it is still the same.
---
---   local text = plan_file.encode(plan)
---   local saved, err = plan_file.decode(text)
---   local ok, err = plan_file.check(saved, plan)     err.details: list of what has changed
---
--- saved.destroy, saved.targets and saved.manifest (its path) are what the plan is to be made anew with.
local accounts_of = require "luaprov.stack.account"
local errors = require "luaprov.errors"
local find = require "luaprov.stack.fields_of"
local hash = require "luaprov.stack.hash"
local hidden = require "luaprov.stack.hidden"
local json = require "luaprov.json"
local reference = require "luaprov.stack.reference"
local secret = require "luaprov.secret"

local M = {}

local FORMAT = 1
local SHOWN = 20 -- differences in a message

local function read(path)
  local file = path and io.open(path, "rb")
  if not file then return "" end
  local text = file:read("*a") or ""
  file:close()
  return text
end

-- What is known later by its name.
local function by_name(value)
  if reference.is(value) then return { later = reference.shown(value) } end
  if type(value) ~= "table" or secret.is(value) then return value end
  local copy = setmetatable({}, getmetatable(value))
  for key, inner in pairs(value) do copy[key] = by_name(inner) end
  return copy
end

local function digest_of(value, salt)
  return hash.digest(hidden.text(by_name(value)) or "", salt)
end

-- What can be set: a vendor's time of the last activity is not what a plan rests on.
local function settable(shape, record, outer)
  local scope, kept = { record, outer = outer }, {}
  local map = find.map(shape, scope)
  for name, value in pairs(record) do
    local field = map[name]
    if field and not field.computed and value ~= json.null then
      local group = field.shape and type(value) == "table" and not secret.is(value)
      kept[name] = group and settable(field.shape, value, scope) or value
    end
  end
  return kept
end

local function saved_change(change)
  return { path = change.path, old = change.old, new = by_name(change.new), later = change.later,
           secret = change.secret, fixed = change.fixed, unseen = change.unseen }
end

local function saved_step(step, salt)
  local saved = { action = step.action, address = step.address, id = step.row and step.row.id, why = step.why,
                  first = step.first, gone = step.gone, rivals = step.rivals, changes = json.array {} }
  for i, change in ipairs(step.changes) do saved.changes[i] = saved_change(change) end
  if step.fields then saved.fields = digest_of(step.fields, salt) end
  if step.there and step.description then
    saved.there = digest_of(settable(step.description.shape, step.there), salt)
  end
  return saved
end

local function saved_accounts(plan, salt)
  local accounts = {}
  for _, account in ipairs(plan.manifest.accounts) do
    accounts[account.alias] = {
      provider = account.provider.name, file = hash.digest(read(account.provider.file), salt),
      base_url = account.state and account.state.base_url,
      -- Where the state has no record of it yet, nothing else tells whose it was.
      account = account.state and hash.digest(accounts_of.name(account.state), salt),
    }
  end
  return accounts
end

local function manifest_digest(manifest, salt)
  local parts = {}
  for _, input in ipairs(manifest.inputs) do
    for _, text in ipairs(input) do
      parts[#parts + 1] = #text .. ":"
      parts[#parts + 1] = text
    end
  end
  return hash.digest(table.concat(parts), salt)
end

local function describe(plan, salt)
  local steps = json.array {}
  for i, step in ipairs(plan.steps) do steps[i] = saved_step(step, salt) end
  return {
    luaprov_plan = FORMAT, salt = salt, manifest = plan.manifest.file, inputs = manifest_digest(plan.manifest, salt),
    destroy = plan.destroy, targets = plan.targets and json.array(plan.targets), accounts = saved_accounts(plan, salt),
    steps = steps, counts = plan.counts, calls = plan.calls,
  }
end

--- @param plan table
--- @return string text
function M.encode(plan)
  return assert(json.encode(describe(plan, hash.salt()))) .. "\n"
end

local function invalid(message, details)
  return errors.new { kind = "invalid", outcome = "not_sent", message = message, details = details }
end

local function is_or_nil(value, kind) return value == nil or type(value) == kind end

local function is_whole(saved)
  if type(saved.salt) ~= "string" or type(saved.steps) ~= "table" or type(saved.accounts) ~= "table" then
    return false
  end
  if not (is_or_nil(saved.manifest, "string") and is_or_nil(saved.destroy, "boolean")
    and is_or_nil(saved.targets, "table")) then return false end
  for _, target in ipairs(saved.targets or {}) do
    if type(target) ~= "string" then return false end
  end
  for _, step in ipairs(saved.steps) do
    if type(step) ~= "table" or type(step.address) ~= "string" or not is_or_nil(step.rivals, "table") then
      return false
    end
  end
  return true
end

--- @param text string
--- @return table|nil saved
--- @return luaprov.Error|nil err
function M.decode(text)
  local saved, why = json.decode(text)
  if saved == nil then return nil, invalid("the plan is no JSON: " .. why) end
  if type(saved) ~= "table" or saved.luaprov_plan == nil then return nil, invalid "the file is no plan of luaprov" end
  if saved.luaprov_plan ~= FORMAT then
    return nil, invalid("the plan has format " .. tostring(saved.luaprov_plan) .. ", and this luaprov reads format "
      .. FORMAT .. ": make it anew")
  end
  if not is_whole(saved) then return nil, invalid "the plan is damaged: make it anew" end
  return saved
end

local function same(a, b) return json.encode(a) == json.encode(b) end

local PAST = { create = "created", update = "updated", replace = "replaced", delete = "deleted", forget = "forgotten" }

local function was_to_be(step) return "was to be " .. (PAST[step.action] or "?") end

-- One that has the key of what is to be made, and had it not.
local function rival_since(old, new)
  local known = {}
  for _, id in ipairs(old) do known[id] = true end
  for _, id in ipairs(new) do
    if not known[id] then return id end
  end
end

local function step_difference(old, new)
  if old.action ~= new.action then return was_to_be(old) .. ", is to be " .. PAST[new.action] end
  if old.there ~= new.there or old.id ~= new.id then return "changed at the vendor" end
  if old.fields ~= new.fields then return "is declared otherwise" end
  if old.rivals and new.rivals then
    local other = rival_since(old.rivals, new.rivals)
    if other then return "would have the key that another record at the vendor has by now (id " .. other .. ")" end
  end
  old.rivals, new.rivals = nil, nil
  if not same(old, new) then return "changes otherwise" end
end

local function add_steps(saved, now, differences)
  local by_address, seen = {}, {}
  for _, step in ipairs(saved.steps) do by_address[step.address] = step end
  for _, step in ipairs(now.steps) do
    local old = by_address[step.address]
    seen[step.address] = true
    local difference = not old and "was to stay, is to be " .. PAST[step.action]
      or old and step_difference(old, json.decode((json.encode(step))))
    if difference then differences[#differences + 1] = step.address .. " " .. difference end
  end
  for _, step in ipairs(saved.steps) do
    if not seen[step.address] then
      differences[#differences + 1] = step.address .. " " .. was_to_be(step) .. ", is to stay"
    end
  end
end

--- Whether a plan that was made anew is the saved one.
--- @param saved table of `decode`
--- @param plan table
--- @param same_accounts string[]|nil aliases whose credentials are others than before, of the same account
--- @return boolean|nil ok
--- @return luaprov.Error|nil err
function M.check(saved, plan, same_accounts)
  local now, differences, same_account = describe(plan, saved.salt), {}, {}
  for _, alias in ipairs(same_accounts or {}) do same_account[alias] = true end
  if saved.inputs ~= now.inputs then differences[1] = "the manifest, or a file or variable that it reads, changed" end
  for alias, account in pairs(now.accounts) do
    local old = saved.accounts[alias]
    if type(old) ~= "table" or old.provider ~= account.provider or old.base_url ~= account.base_url then
      differences[#differences + 1] = "account " .. alias .. " changed"
    elseif old.file ~= account.file then
      differences[#differences + 1] = "the provider file of " .. alias .. " changed"
    elseif old.account and account.account and old.account ~= account.account and not same_account[alias] then
      differences[#differences + 1] = ("account %s has other credentials (--same-account %s says that they are of the "
        .. "same account)"):format(alias, alias)
    end
  end
  table.sort(differences)
  add_steps(saved, now, differences)
  if #differences == 0 then return true end
  local lines = {}
  for i = 1, math.min(#differences, SHOWN) do lines[i] = differences[i] end
  if #differences > SHOWN then lines[#lines + 1] = ("… and %d more"):format(#differences - SHOWN) end
  return nil, invalid("things have changed since the plan was made; nothing was sent: " .. table.concat(lines, "; "),
    differences)
end

return M
