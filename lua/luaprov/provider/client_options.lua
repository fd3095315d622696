--- Reads a client's options: credentials, settings, and how to reach the vendor; from the table or the environment.
local account = require "luaprov.provider.account"
local auth = require "luaprov.provider.auth"
local errors = require "luaprov.errors"
local fields = require "luaprov.provider.fields"
local http = require "luaprov.http"
local near = require "luaprov.near"
local origins = require "luaprov.provider.origins"
local secret = require "luaprov.secret"
local shapes = require "luaprov.provider.shape"
local template = require "luaprov.provider.template"
local transport = require "luaprov.transport"

local M = {}

--- What every client takes beside its provider's credentials and settings. Times are seconds, sizes bytes.
M.common = {
  { name = "base_url", type = "url", called = true },
  { name = "token_url", type = "url", called = true }, -- where tokens are asked for
  { name = "timeout", type = "seconds", default = 30 },    -- of one try
  { name = "attempts", type = "integer", min = 1, default = 5 },
  { name = "patience", type = "seconds", default = 120 },  -- within which another try may begin
  { name = "limits", type = "boolean", default = true },   -- false: the vendor counts no calls of this account
  { name = "settle", type = "boolean", default = false },  -- note what is there before the first create of a collection
  { name = "connect_timeout", type = "seconds", default = 10 },
  { name = "response_limit", type = "integer", min = 1, default = 8 * 1024 * 1024 },
}
for _, field in ipairs(transport.options) do M.common[#M.common + 1] = field end

--- The environment variable of an option.
--- @param provider string
--- @param option string
--- @return string
function M.variable(provider, option)
  return "LUAPROV_" .. provider:upper():gsub("[^%w]", "_") .. "_" .. option:upper():gsub("[^%w]", "_")
end

local function from_text(field, text)
  if field.type == "secret" then return secret.new(text) end
  if field.type == "boolean" then
    local lower = text:lower()
    if field.strict and lower ~= text then return text end
    if lower == "true" or not field.strict and (lower == "1" or lower == "yes") then return true end
    if lower == "false" or not field.strict and (lower == "0" or lower == "no") then return false end
  elseif field.type == "proxy" then
    return text ~= "false" and text
  elseif field.type == "integer" or field.type == "seconds" then
    return tonumber(text) or text
  end
  return text
end

-- An option's value and whether the table had it.
local function value_of(provider, given, field)
  local value = given[field.name]
  if value ~= nil then return value, true end
  local text = os.getenv(M.variable(provider.name, field.name))
  if text and text ~= "" then return from_text(field, text), false end
end

local function checked(field, value, faults, path, marks)
  if field.type == "seconds" then
    if type(value) == "number" and value > 0 and value < 1e9 then return value end
    faults[#faults + 1] = { path = path, message = "must be a number of seconds above zero", problem = "value" }
    return nil
  end
  if field.type == "file" or field.type == "proxy" then
    local kept, why = transport.check(field, value)
    if why then faults[#faults + 1] = { path = path, message = why, problem = "value" } end
    return kept
  end
  local context = { faults = faults, opened = {}, scopes = {}, operation = "create", marks = marks }
  local wire = fields.check_value(field, value, context, path)
  if field.required and wire == "" then
    faults[#faults + 1] = { path = path, message = "is empty", problem = "range" }
  end
  if field.type == "secret" and wire ~= nil then return secret.is(value) and value or secret.new(value) end
  return wire
end

local function read_plain(provider, given, list, faults, marks)
  local values = {}
  for _, field in ipairs(list) do
    local value = value_of(provider, given, field)
    if value == nil then value = field.default end
    if value ~= nil then
      values[field.name] = checked(field, value, faults, field.name, marks)
    elseif field.required then
      faults[#faults + 1] = { path = field.name, message = "is required (or " .. M.variable(provider.name, field.name)
        .. ")", problem = "required" }
    end
  end
  return values
end

-- The way to authenticate for which everything is there. What the table names goes before what the environment has.
local function choose_method(provider, given)
  local best, best_named
  for _, method in ipairs(provider.auth) do
    local complete, named = true, 0
    for _, field in ipairs(method.fields) do
      local value, in_table = value_of(provider, given, field)
      if value == nil and field.required then complete = false end
      if in_table then named = named + 1 end
    end
    if complete and (not best or named > best_named) then best, best_named = method, named end
  end
  return best
end

local function missing_credentials(provider, given)
  local ways = {}
  for i, method in ipairs(provider.auth) do
    local missing = {}
    for _, field in ipairs(method.fields) do
      if field.required and value_of(provider, given, field) == nil then
        missing[#missing + 1] = field.name .. " (" .. M.variable(provider.name, field.name) .. ")"
      end
    end
    ways[i] = table.concat(missing, " and ")
  end
  return "missing credentials: give the option or the environment variable: " .. table.concat(ways, ", or ")
end

--- What a provider's clients take.
--- @param provider table description
--- @return string[] names
--- @return table by_name field
function M.fields(provider)
  local names, by_name = {}, {}
  local function add(list)
    for _, field in ipairs(list) do
      if not by_name[field.name] then names[#names + 1] = field.name end
      by_name[field.name] = field
    end
  end
  add(M.common)
  add(provider.settings)
  for _, method in ipairs(provider.auth) do add(method.fields) end
  return names, by_name
end

local function check_unknown(provider, given, faults)
  local names, known = M.fields(provider)
  for name in pairs(given) do
    if not known[name] then
      faults[#faults + 1] = { path = tostring(name), message = "is unknown" .. near.hint(tostring(name), names),
                              problem = "unknown" }
    end
  end
end

local function base_url_of(provider, common, settings, faults)
  if common.base_url then return common.base_url end
  local function text_of(name) return settings[name] ~= nil and tostring(settings[name]) or nil end
  local url, missing = template.expand(provider.base_url, text_of)
  local wrong = origins.wrong_host(provider.base_url, text_of)
  if wrong then
    faults[#faults + 1] = { path = wrong, message = "is a part of the host's name in base_url, and cannot be one",
                            problem = "value" }
    return nil
  end
  for _, fault in ipairs(faults) do
    if fault.path == missing then return nil end -- it is there, and it is wrong
  end
  if not url then
    faults[#faults + 1] = { path = missing, message = "is required (or " .. M.variable(provider.name, missing)
      .. "), or base_url", problem = "required" }
    return nil
  end
  return (url:gsub("/+$", ""))
end

-- Of members whose values no error shows, in lower case: a vendor may spell them otherwise than its documentation.
local function secret_names(provider)
  local set = { access_token = true, refresh_token = true, id_token = true, client_secret = true, Authorization = true }
  for _, method in ipairs(provider.auth) do
    for _, field in ipairs(method.fields) do
      if field.type == "secret" then set[field.as or field.name] = true end
    end
    if method.token then set[method.token[#method.token]] = true end
  end
  for _, resource in ipairs(provider.resources) do shapes.secret_names(resource.shape, set) end
  local lower = {}
  for name in pairs(set) do lower[tostring(name):lower()] = true end
  return lower
end

-- Whether a secret may be another one from call to call.
local function changes(method, places)
  if method and method.rotates then return true end
  for _, values in ipairs(places) do
    for _, value in pairs(values) do
      if secret.is(value) and not secret.is_fixed(value) then return true end
    end
  end
  return false
end

--- @param provider table description
--- @param given table options
--- @param inside table|nil exchange, marks: as in `client.new`
--- @return table|nil state a client's inside
--- @return luaprov.Error|nil err
function M.read(provider, given, inside)
  inside = inside or {}
  local faults, about = {}, { provider = provider.name }
  check_unknown(provider, given, faults)
  local common = read_plain(provider, given, M.common, faults, inside.marks)
  local settings = read_plain(provider, given, provider.settings, faults, inside.marks)
  local base_url = base_url_of(provider, common, settings, faults)
  -- The host alone: what follows it may come from a setting that is a secret.
  local place = (base_url or ""):match("^%a+://[^/]*") or "?"
  local way = transport.new(common, "client of " .. provider.name .. " at " .. place, faults)
  local method, credentials, variables = choose_method(provider, given), {}, {}
  if not method and #provider.auth > 0 then
    faults[#faults + 1] = { path = "", message = missing_credentials(provider, given), problem = "required" }
  end
  for _, field in ipairs(method and method.fields or {}) do
    local value, is_given = value_of(provider, given, field)
    if value ~= nil and not is_given then variables[#variables + 1] = M.variable(provider.name, field.name) end
    if value == nil then value = field.default end
    if value ~= nil then
      local wire = checked(field, value, faults, field.name, inside.marks)
      -- Whatever was given as a secret stays one until it is sent.
      credentials[field.name] = secret.is(value) and value or wire
    end
  end
  table.sort(faults, function(a, b) return a.path < b.path end)
  if #faults > 0 then return nil, errors.invalid(faults, about) end
  local is_setting = {}
  for _, field in ipairs(provider.settings) do is_setting[field.name] = true end
  local state = {
    provider = provider, settings = settings, is_setting = is_setting, base_url = base_url,
    attempts = common.attempts, patience = common.patience, settle = common.settle,
    timeout = common.timeout, connect_timeout = common.connect_timeout, response_limit = common.response_limit,
    user_agent = "luaprov/" .. require("luaprov.version"), secret_names = secret_names(provider),
    origins = origins.of(provider, settings, base_url),
    exchange = inside.exchange or http.exchange, marks = inside.marks, transport = way,
    calls = {}, -- of each operation, what is the same for all of them
    variables = variables, -- those of the environment that have the credentials
  }
  state.auth = auth.new {
    provider = provider, method = method, credentials = credentials, settings = settings, base_url = base_url,
    token_url = common.token_url, connect_timeout = common.connect_timeout, user_agent = state.user_agent,
    secret_names = state.secret_names, exchange = state.exchange, transport = way,
  }
  state.has_changing_secrets = changes(method, { credentials, settings, way or {} })
  account.join(state, method, credentials, common.limits)
  return state
end

return M
