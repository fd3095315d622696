--- The options of a sandbox: what is wrong with them, and the providers that they name.
local errors = require "luaprov.errors"
local load = require "luaprov.provider.load"
local near = require "luaprov.near"
local tables = require "luaprov.tables"
local variable = require("luaprov.provider.client_options").variable

local M = {}

local TYPES = { port = "number", host = "string", data = "string", faults = "table", limits = "boolean",
                credentials = "table", token_life = "number", log = "function" }

-- What is wrong with the value of one option, beyond its type.
local function check_value(name, value)
  if name == "port" and (value % 1 ~= 0 or value < 0 or value > 65535) then
    return "port must be a whole number from 0 to 65535"
  elseif name == "token_life" and not (value > 0 and value < 1e9) then
    return "token_life must be a number of seconds above zero and below 1e9"
  elseif name == "faults" then
    for key in pairs(value) do
      if type(key) ~= "number" then return "faults must be a list of faults, as in { { fault = \"drop\" } }" end
    end
  elseif name == "data" and (value == "" or value:find("%z")) then
    return "data must be the path of a file"
  end
end

--- @param options table of `start`
--- @return string|nil wrong
function M.check(options)
  local count = 0
  for name, value in pairs(options) do
    if type(name) == "number" then
      count = count + 1
      if type(value) ~= "string" or value == "" then
        return "a provider is given by its name, or the path of its file"
      end
    elseif not TYPES[name] then
      return "unknown option '" .. tostring(name) .. "'" .. near.hint(tostring(name), tables.keys(TYPES))
    elseif type(value) ~= TYPES[name] then
      return name .. " must be a " .. TYPES[name] .. ", not a " .. type(value)
    else
      local wrong = check_value(name, value)
      if wrong then return wrong end
    end
  end
  if count ~= #options then return "the list of providers has holes" end
end

--- @param given table|nil provider -> option -> value
--- @param known table name -> description
--- @return string|nil wrong
function M.check_credentials(given, known)
  for name, values in pairs(given or {}) do
    local provider = known[name]
    if not provider then
      return "credentials: there is no provider '" .. tostring(name) .. "' here"
        .. near.hint(tostring(name), tables.keys(known))
    elseif type(values) ~= "table" then
      return "credentials: " .. name .. " must have a table of options and values"
    end
    local there = {}
    for _, field in ipairs(provider.settings) do there[field.name] = field.type == "secret" or nil end
    for _, method in ipairs(provider.auth) do
      for _, field in ipairs(method.fields) do there[field.name] = true end
    end
    for option, value in pairs(values) do
      if not there[option] then
        return "credentials: " .. name .. " has no '" .. tostring(option) .. "'"
          .. near.hint(tostring(option), tables.keys(there))
      elseif type(value) == "table" or type(value) == "function" then
        return "credentials: " .. name .. "'s " .. option .. " must be text"
      end
    end
  end
end

--- @param names string[] names, or paths of files; none: all that can be found
--- @return table[]|nil list descriptions
--- @return table|luaprov.Error known name -> description
function M.providers(names)
  local known, list, by_variables = {}, {}, {}
  local function failed(message)
    return nil, errors.new { kind = "invalid", outcome = "not_sent", message = message }
  end
  if #names == 0 then names = load.names() end
  for _, name in ipairs(names) do
    local provider, err = load.load(name)
    if not provider then return nil, err end
    if known[provider.name] and known[provider.name] ~= provider then
      return failed("two providers are called " .. provider.name .. ": " .. known[provider.name].file .. " and "
        .. provider.file)
    end
    local variables = variable(provider.name, "")
    local other = by_variables[variables]
    if other and other ~= provider then
      return failed(("%s and %s share their environment variables, %s…: serve one of them, or give its file "
        .. "another name"):format(other.name, provider.name, variables))
    end
    if not known[provider.name] then list[#list + 1] = provider end
    known[provider.name], by_variables[variables] = provider, provider
  end
  if #list == 0 then return failed("no provider is given, and none is found") end
  return list, known
end

return M
