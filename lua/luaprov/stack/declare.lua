--- What a manifest declares: accounts of providers, and records. Nothing is judged here that can wait until the
--- manifest has ended; what is wrong is noted with its line, and what a word returns then still takes whatever
--- follows.
---
---   local acme = use("acme", {…}, { as = "eu" })
---   local desk = acme.phones("desk", { name = "Desk" }, { protect = true })   a handle (reference.lua)
---   acme.phones.desk, acme.phones["a b"]                                    the same, declared or to be declared
local digits = require "luaprov.digits"
local json = require "luaprov.json"
local near = require "luaprov.near"
local providers = require "luaprov.provider.load"
local reference = require "luaprov.stack.reference"
local secret = require "luaprov.secret"
local tables = require "luaprov.tables"
local texts = require "luaprov.text"

local M = {}

local DEPTH = 100 -- of tables in a field
local NAME = 200  -- bytes

-- The address of a record that could not be declared, for a reason that is told.
M.NOWHERE = "?"

local destination_mt = { __name = "luaprov.destination" }

--- Where an output goes.
--- @param kind string file or command
--- @param target string|string[] a path, or the words of a command
function M.destination(kind, target) return setmetatable({ kind = kind, target = target }, destination_mt) end

function M.is_destination(value) return getmetatable(value) == destination_mt end

local function join(path, key)
  if type(key) == "number" then return path .. "[" .. digits(key) .. "]" end
  return path == "" and tostring(key) or path .. "." .. tostring(key)
end

local copy

local REFUSED = { ["function"] = true, thread = true, userdata = true }

local function copy_table(value, node, path, depth, note)
  if depth > DEPTH then return nil, note(path, "is nested too deep, or holds itself") end
  local into = {}
  for key, inner in pairs(value) do
    local key_type, kind = type(key), type(inner)
    if key_type ~= "string" and key_type ~= "number" then
      note(path, "has a " .. key_type .. " for a key")
    elseif kind == "boolean" or kind == "number" or kind == "string" and not inner:find("<secret>", 1, true) then
      into[key] = inner
    elseif kind == "table" and reference.is(inner) then
      into[key] = inner
      node.deferred = node.deferred or {}
      table.insert(node.deferred, into)
      table.insert(node.deferred, key)
    else
      into[key] = copy(inner, node, join(path, key), depth + 1, note)
    end
  end
  -- A list that came from JSON stays one when it is empty.
  return json.is_array(value) and json.array(into) or into
end

-- What a manifest does with its tables afterwards changes no declaration.
function copy(value, node, path, depth, note)
  local kind = type(value)
  if kind == "table" then
    if secret.is(value) then return value end
    if reference.is_handle(value) then
      return nil, note(path, "is a record: name one of its fields, as in " .. reference.address(value) .. ".id")
    end
    if M.is_destination(value) then
      return nil, note(path, value.kind .. " says where an output goes: it belongs in the option outputs")
    end
    return copy_table(value, node, path, depth, note)
  end
  if REFUSED[kind] and value ~= json.null then return nil, note(path, "is a " .. kind) end
  if kind == "string" then
    return nil, note(path, "has a secret within a text, which would be sent as <secret>: give all of it as a secret")
  end
  return value
end

--- What keeps a text from being a record's name, or nil.
--- @param name string
--- @return string|nil fault
function M.name_fault(name)
  if name == "" then return "is empty" end
  if #name > NAME then return "is longer than " .. NAME .. " bytes" end
  if name:find("%c") or name:find("^%s") or name:find("%s$") then
    return "has a control character, or white space at an end"
  end
  if not texts.is_utf8(name) then return "is not UTF-8" end
end

--- Whether a text may name an account: an address has it up to the first dot.
--- @param text string
--- @return boolean
function M.is_alias(text) return text:find("^[%w_-]+$") ~= nil end

--- A name that `as` takes, for a provider whose own name is none.
--- @param text string
--- @return string
function M.alias_for(text) return (text:gsub("[^%w_-]", "_"):gsub("^[^%a_]", "_%0")) end

local NONE = {}

-- acme.phones(name, fields, options). What a resource's records have in common they have by `family`.
local function declare(ctx, family, name, fields, options)
  local line = ctx.line()
  local what = family.prefix
  if type(name) == "number" and name % 1 == 0 then name = digits(name) end
  if type(name) ~= "string" then
    ctx.fault(line, what .. " takes a name first, not " .. (reference.is(name) and "a value that is known later"
      or type(name)))
    return reference.handle(M.NOWHERE, ctx)
  end
  local fault = M.name_fault(name)
  if fault then ctx.fault(line, what .. ": the name " .. fault) end
  local node = setmetatable({
    address = what .. "." .. name, name = name, line = line, needs = {}, sequence = #ctx.records + 1,
    fields = NONE, options = NONE,
  }, family.mt)
  local there = ctx.record[node.address]
  if there then
    ctx.fault(line, "is declared twice: first on line " .. there.line, node.address)
  else
    ctx.record[node.address] = node
    ctx.records[#ctx.records + 1] = node
  end
  local function note(path, message)
    node.broken = true -- what follows from it is not told
    ctx.fault(line, message, node.address, path)
  end
  if type(fields) ~= "table" or secret.is(fields) or reference.is(fields) or reference.is_handle(fields) then
    note("", "takes a table of fields second")
  else
    node.fields = copy_table(fields, node, "", 1, note)
  end
  if options ~= nil and type(options) ~= "table" then note("", "takes a table of options third")
  elseif options then node.options = options end
  return reference.handle(node.address, ctx)
end

local function resource(ctx, account, description)
  local family = { prefix = account.alias .. "." .. description.name, mt = { __index = {
    alias = account.alias, provider = account.provider.name, resource = description.name, description = description,
  } } }
  return setmetatable({}, {
    __name = "luaprov.declarer",
    __call = function(_, ...) return declare(ctx, family, ...) end,
    __index = function(_, name) return reference.handle(family.prefix .. "." .. tostring(name), ctx) end,
    __newindex = function()
      error(ctx.where() .. "a record is declared by a call: " .. family.prefix .. "(NAME, {…})", 0)
    end,
  })
end

-- What stands for a resource or an account that is not there takes whatever is done with it: it is told already.
local function no_resource(ctx)
  local handle = reference.handle(M.NOWHERE, ctx)
  return setmetatable({}, { __call = function() return handle end, __index = function() return handle end })
end

local function no_account(ctx)
  local declarer = no_resource(ctx)
  return setmetatable({}, { __index = function() return declarer end })
end

local function face(ctx, account)
  return setmetatable({}, {
    __name = "luaprov.account",
    __index = function(self, name)
      local description = account.provider.resource[name]
      if description then
        local made = resource(ctx, account, description)
        rawset(self, name, made)
        return made
      end
      ctx.fault(ctx.line(), account.provider.name .. " has no resource '" .. tostring(name) .. "'"
        .. near.hint(tostring(name), tables.names(account.provider.resources)))
      return no_resource(ctx)
    end,
    __newindex = function() error(ctx.where() .. account.alias .. " cannot be changed", 0) end,
  })
end

-- Mistakes of a provider file, a line each.
local function indented(text) return (tostring(text):gsub("\n", "\n  ")) end

-- The faults that are told of values among these options. What only one account is missing only that one wants.
local function missing_in(ctx, options, alias)
  local found = false
  for _, value in pairs(options) do
    local number = type(value) == "string" and value:match(ctx.missing .. "(%d+)")
    if number then
      local fault = ctx.faults[tonumber(number)]
      if fault.account == nil then fault.account = alias
      elseif fault.account ~= alias then fault.account = false end
      found = true
    end
  end
  return found
end

-- The account's client: it knows which credentials and settings there must be.
local function connect(ctx, account, options, line)
  if missing_in(ctx, options, account.alias) then return end
  local client, err, state = ctx.connect(account.provider, options)
  if client then
    account.client, account.state = client, state
    return
  end
  for _, fault in ipairs(err.details or { { path = "", message = err.message } }) do
    ctx.fault(line, account.alias .. ": " .. (fault.path ~= "" and fault.path .. " " or "") .. fault.message)
    -- What it is given for its options may be there another time; that there is no such option is a mistake.
    if fault.problem ~= "unknown" then ctx.faults[#ctx.faults].account = account.alias end
  end
end

local function alias_of(ctx, provider, more, line)
  local alias = provider.name
  if more.as == nil and not M.is_alias(alias) then
    ctx.fault(line, ("'%s', after the provider's file, cannot name an account: give it a name of letters, digits, _ "
      .. "and - as in { as = \"%s\" }"):format(alias, M.alias_for(alias)))
  end
  for key, value in pairs(more) do
    if key ~= "as" then
      ctx.fault(line, "use has no option '" .. tostring(key) .. "'" .. near.hint(tostring(key), { "as" }))
    elseif type(value) ~= "string" or not value:find("^[%a_][%w_-]*$") then
      ctx.fault(line, "as must be a name of letters, digits, _ and -")
    else
      alias = value
    end
  end
  return alias
end

-- A provider file, whose path may be taken from the manifest's folder, as those of all its files are, or else from the
-- folder where somebody is.
local function load(ctx, name)
  local is_path = name:find("/", 1, true) and not name:find "^/"
  local beside = is_path and ctx.path(name) or name
  if beside ~= name and providers.exists(beside) then return ctx.provider(beside) end
  local provider, err = ctx.provider(name)
  if not provider and beside ~= name and not providers.exists(name) then
    err.message = ("there is no provider file %s, neither in %s nor here"):format(name, (ctx.folder:gsub("/$", "")))
  end
  return provider, err
end

--- use(provider, options, { as = alias })
function M.use(ctx, name, options, more)
  local line = ctx.line()
  if type(name) ~= "string" or name == "" then error(ctx.where() .. "use takes a provider's name first", 0) end
  if options ~= nil and type(options) ~= "table" then error(ctx.where() .. "use takes a table of options second", 0) end
  if more ~= nil and type(more) ~= "table" then error(ctx.where() .. "use takes a table third: { as = NAME }", 0) end
  local provider, err = load(ctx, name)
  if not provider then
    ctx.fault(line, indented(err.message))
    return no_account(ctx)
  end
  local alias = alias_of(ctx, provider, more or {}, line)
  local account = { alias = alias, provider = provider, line = line }
  local there = ctx.account[alias]
  if there then
    ctx.fault(line, "'" .. alias .. "' is used twice, first on line " .. there.line
      .. ": name the other account with { as = NAME }")
    return face(ctx, account)
  end
  ctx.account[alias] = account
  ctx.accounts[#ctx.accounts + 1] = account
  connect(ctx, account, options or {}, line)
  return face(ctx, account)
end

return M
