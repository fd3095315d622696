--- Reads faults as somebody declares them, and says what is wrong with a declaration.
local json = require "luaprov.json"
local near = require "luaprov.near"
local operations = require "luaprov.provider.operations"
local problems = require "luaprov.provider.problems"
local tables = require "luaprov.tables"

local M = {}

local function whole(least, what)
  return function(value)
    local fits = type(value) == "number" and value % 1 == 0 and value >= least and value < 2 ^ 53
    return fits or "must be " .. what
  end
end

local function header_text(value)
  local kind = type(value)
  return (kind == "number" or kind == "string" and not value:find("%c")) or "must be a text without control characters"
end

-- What a value must be, by its option's name; true, or what is wrong.
local checks = {
  after = whole(0, "a number of calls"), times = whole(0, "a number of calls"),
  form = whole(1, "1 for the first form of errors, 2 for the second, …"), size = whole(1, "a number of records"),
  count = whole(1, "how often"), bytes = whole(0, "a number of bytes"),
  retry_after = header_text, to = header_text, message = function(value)
    return type(value) == "string" or "must be text"
  end,
  status = function(value)
    local fits = type(value) == "number" and value % 1 == 0 and value >= 200 and value <= 599
    return fits or "must be an HTTP status from 200 to 599"
  end,
  seconds = function(value)
    return type(value) == "number" and value >= 0 and value < 1e6 or "must be a number of seconds"
  end,
  code = function(value)
    return type(value) == "string" or type(value) == "number" or "must be text or a number"
  end,
  body = function(value)
    if type(value) == "string" then return true end
    return type(value) == "table" and json.encode(value) ~= nil or "must be text, or a table that has a form in JSON"
  end,
  problem = function(value)
    return problems.status[value] ~= nil
      or "'" .. tostring(value) .. "' is none that a vendor finds" .. near.hint(tostring(value), problems.names(), 20)
  end,
  headers = function(value)
    if type(value) ~= "table" then return "must be a table of names and texts" end
    for name, text in pairs(value) do
      local lower = type(name) == "string" and name:lower()
      if not lower or not lower:find("^[%w!#$%%&'*+.^_`|~-]+$") then return "has a name that is no header's" end
      if lower == "content-length" or lower == "transfer-encoding" then return "cannot have " .. name end
      if header_text(text) ~= true then return name .. " " .. header_text(text) end
    end
    return true
  end,
  records = function(value)
    local list = type(value) == "table" and #value > 0
    for _, record in ipairs(list and value or {}) do list = list and type(record) == "table" end
    return list or "must be a list of records"
  end,
  on = function(value) return type(value) == "string" or "must be text" end,
}

local function check_option(name, value, default)
  if type(default) == "boolean" then return type(value) == "boolean" or "must be true or false" end
  return checks[name](value)
end

local function list_has(list, wanted)
  for _, item in ipairs(list) do
    if item == wanted then return true end
  end
  return false
end

local function asks_for_tokens(provider)
  for _, method in ipairs(provider.auth) do
    if method.kind == "token_request" then return true end
  end
  return false
end

-- Whether a provider can be called so: a resource that it has, with an operation that the resource has.
local function has(provider, resource, operation)
  if resource == "token" then return not operation and asks_for_tokens(provider) end
  for _, own in ipairs(provider.resources) do
    if (not resource or own.name == resource) and (not operation or own.operations[operation]) then return true end
  end
  return false
end

-- "acme phones create" -> its words, `false` for any.
local function read_on(on, known)
  local words = {}
  for word in on:gmatch("%S+") do words[#words + 1] = word ~= "*" and word end
  if #words == 0 or #words > 3 then return nil, "on is PROVIDER, PROVIDER RESOURCE or PROVIDER RESOURCE OPERATION" end
  local provider, resource, operation = words[1], words[2], words[3]
  if provider and not known[provider] then
    return nil, "on: there is no provider '" .. provider .. "' here" .. near.hint(provider, tables.keys(known))
  elseif operation and resource ~= "token" and not list_has(operations, operation) then
    return nil, "on: there is no operation '" .. operation .. "'" .. near.hint(operation, operations)
  end
  local there, resources = false, {}
  for name, description in pairs(known) do
    if not provider or name == provider then
      there = there or has(description, resource, operation)
      for _, own in ipairs(description.resources) do resources[#resources + 1] = own.name end
    end
  end
  if there then return words end
  local what = provider or "a provider here"
  if resource == "token" and not operation then return nil, "on: " .. what .. " asks for no token" end
  if resource and resource ~= "token" and not list_has(resources, resource) then
    return nil, "on: " .. what .. " has no resource '" .. resource .. "'" .. near.hint(resource, resources)
  end
  return nil, "on: " .. (resource or what) .. " has no " .. operation
end

local EVERY = { fault = true, on = true, after = true, times = true }

--- @param definitions table name -> { takes, play, begin }, as in `faults`
--- @param given table as declared
--- @param known table name -> description of the providers that are served
--- @return table|nil fault with every option
--- @return string|nil why
function M.read(definitions, given, known)
  if type(given) ~= "table" then return nil, "a fault is a table, as in { fault = \"drop\" }" end
  local definition = definitions[given.fault]
  if not definition then
    return nil, "there is no fault '" .. tostring(given.fault) .. "'"
      .. near.hint(tostring(given.fault), tables.keys(definitions))
  end
  local fault = { struck = 0, seen = 0 }
  for name, value in pairs(given) do
    local default = definition.takes[name]
    local known_here = default ~= nil or name == "fault"
      or EVERY[name] and (definition.play or name == "on" and not definition.begin)
    if not known_here then
      return nil, given.fault .. ": unknown option '" .. tostring(name) .. "'"
        .. near.hint(tostring(name), tables.keys(definition.takes), 10)
    end
    local verdict = name == "fault" or check_option(name, value, default)
    if verdict ~= true then return nil, given.fault .. ": " .. name .. " " .. verdict end
    fault[name] = value
  end
  for name, default in pairs(definition.takes) do
    if fault[name] == nil then
      if default == "needed" then return nil, given.fault .. ": " .. name .. " is required" end
      if default ~= "none" then fault[name] = default end
    end
  end
  local words, why = read_on(given.on or "*", known)
  if not words then return nil, given.fault .. ": " .. why end
  local provider = words[1] and known[words[1]]
  if fault.form and fault.form > 1 and provider and not provider.errors[fault.form] then
    return nil, given.fault .. ": form " .. fault.form .. ": " .. words[1] .. " has no such form of errors"
  end
  local to_a_resource = provider and words[2] and words[2] ~= "token" and not words[3]
  if not definition.play and not definition.begin and not to_a_resource then
    return nil, given.fault .. ": on must name a provider and a resource"
  end
  fault.words = words
  return fault
end

--- Reads a file of faults: Lua text that returns a list of them, and in which no other word means anything.
--- @param path string
--- @return table|nil list
--- @return string|nil why
function M.load(path)
  local file, why = io.open(path, "rb")
  if not file then return nil, why end
  local source = file:read("*a")
  file:close()
  if not source then return nil, path .. ": cannot be read" end
  if source:find("^\27") then return nil, path .. ": is a binary chunk; a file of faults is text" end
  local chunk
  chunk, why = load(source, "@" .. path, "t", {})
  if not chunk then return nil, why end
  local ok, list = pcall(chunk)
  if not ok then return nil, tostring(list) end
  if type(list) ~= "table" or list.fault then return nil, path .. ": must return a list of faults" end
  return list
end

return M
