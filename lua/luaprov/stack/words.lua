--- The names that a manifest has: plain Lua without a way out, and its own words.
---
---   use(PROVIDER, OPTIONS, { as = ALIAS })   a provider's account; indexing it gives its resources (declare.lua)
---   env "NAME"      env("NAME", DEFAULT)     an environment variable
---   var "NAME"      var("NAME", DEFAULT)     what --var NAME=VALUE says
---   json_file "PATH"                         what a JSON file holds
---   secret "TEXT"   secret.env "NAME"   secret.file "PATH"   secret.command { "WORD", … }
---   file "PATH"     command { "WORD", … }    where an output goes: `outputs = { apiKey = file "key" }`; a command
---                                            reads it from its standard input
---   null                                     empties a field
--- Paths begin in the manifest's folder.
---
--- `pairs` and `next` walk in the order of the keys, there is no clock and no chance: a manifest means the same each
--- time. There is no pcall: what fails in a manifest is told.
local declare = require "luaprov.stack.declare"
local json = require "luaprov.json"
local near = require "luaprov.near"
local providers = require "luaprov.provider.load"
local reference = require "luaprov.stack.reference"
local secret = require "luaprov.secret"
local tables = require "luaprov.tables"

local unpack_ = table.unpack or unpack -- luacheck: ignore 113 143

local M = {}

-- Stands in a text for what could not be had, which is told already: what follows from it is not told, too. The number
-- of the fault follows.
M.MISSING = "\1missing\1"

local function no_deferred(value, word)
  if reference.is(value) then
    error(reference.shown(value) .. " is known only when the record exists: " .. word .. " cannot take it", 3)
  end
  return value
end

local ORDER = { number = 1, string = 2, boolean = 3 }

local function before(a, b)
  local ka, kb = ORDER[type(a)] or 4, ORDER[type(b)] or 4
  if ka ~= kb then return ka < kb end
  if ka > 2 then return tostring(a) < tostring(b) end
  return a < b
end

local function sorted_pairs(value)
  no_deferred(value, "pairs")
  if type(value) ~= "table" then error("pairs takes a table, not " .. type(value), 2) end
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys, before)
  local i = 0
  return function()
    local key
    -- What has been removed meanwhile is left out.
    repeat
      i = i + 1
      key = keys[i]
    until key == nil or value[key] ~= nil
    if key ~= nil then return key, value[key] end
  end
end

local function plain_lua()
  local env = {
    pairs = sorted_pairs, select = select, type = type, error = error,
    assert = function(value, why, ...)
      -- With the line, which the plain one leaves out.
      if not value then error(why == nil and "assertion failed" or why, 2) end
      return value, why, ...
    end,
    ipairs = function(value) return ipairs(no_deferred(value, "ipairs")) end,
    next = function(value, key)
      -- For `next(t) == nil`; a walk is what pairs is for.
      if key ~= nil then error("next takes a table only: walk through it with pairs", 2) end
      return next(no_deferred(value, "next"))
    end,
    tostring = function(value) return tostring(no_deferred(value, "tostring")) end,
    tonumber = function(value, ...) return tonumber(no_deferred(value, "tonumber"), ...) end,
    unpack = unpack_,
  }
  for _, name in ipairs { "string", "table", "math" } do
    env[name] = {}
    for key, value in pairs(_G[name]) do env[name][key] = value end
  end
  env.string.dump, env.math.random, env.math.randomseed = nil, nil, nil
  env.table.unpack = unpack_
  return env
end

local OWN = { "use", "env", "var", "json_file", "secret", "file", "command", "null" }

local function a_name(value, word)
  if type(value) ~= "string" or value == "" then error(word .. " takes a name", 3) end
  return value
end

-- A word that looks a name up, and has a default.
local function lookup(ctx, word, find, absent)
  return function(name, default)
    a_name(name, word)
    local value = find(name)
    if value == nil or value == "" then value = default end
    ctx.inputs[#ctx.inputs + 1] = { word .. " " .. name, tostring(value) }
    if value ~= nil then return value end
    ctx.fault(ctx.line(), absent(name))
    local marker = ("%s%d\1"):format(M.MISSING, #ctx.faults)
    ctx.faults[#ctx.faults].marker = marker
    return marker
  end
end

local function read(path)
  local file, why = io.open(path, "rb")
  if not file then return nil, why end
  local text
  text, why = file:read("*a")
  file:close()
  return text, text and "" or path .. ": " .. tostring(why)
end

local function json_file(ctx)
  return function(name)
    a_name(name, "json_file")
    local text, why = read(ctx.path(name))
    if not text then
      ctx.fault(ctx.line(), "json_file: " .. why)
      return {}
    end
    local value, fault, at = json.decode(text)
    if value == nil then
      local _, lines = text:sub(1, at or 0):gsub("\n", "")
      ctx.fault(ctx.line(), ("json_file: %s:%d: %s"):format(ctx.path(name), lines + 1, fault))
      return {}
    end
    ctx.inputs[#ctx.inputs + 1] = { "json_file " .. name, text }
    return value
  end
end

-- The words of a program and its arguments.
local function word_list(list, what)
  local words, count = {}, 0
  for i, word in ipairs(type(list) == "table" and list or {}) do
    words[i] = type(word) == "string" and not word:find("\0", 1, true) and word or nil
  end
  for _ in pairs(type(list) == "table" and list or {}) do count = count + 1 end
  if not words[1] or words[1] == "" or #words ~= count then
    error(what .. ' takes a list of words, as in { "pass", "show", "acme" }', 3)
  end
  return words, table.concat(words, "\0")
end

-- Their own errors would name a line of this file.
local function secrets(ctx)
  local commands = {}
  local function word(make, what, prepare)
    return function(argument)
      if type(argument) ~= "string" or argument == "" then error(what .. " takes a text", 2) end
      if argument:find(M.MISSING, 1, true) then return argument end
      return make(prepare and prepare(argument) or argument)
    end
  end
  return setmetatable({
    env = word(secret.env, "secret.env"), file = word(secret.file, "secret.file", ctx.path),
    command = function(list)
      local words, key = word_list(list, "secret.command")
      -- A thousand records with one secret ask somebody for it once.
      commands[key] = commands[key] or secret.command(words)
      return commands[key]
    end,
  }, {
    __call = function(_, value)
      if not secret.is(value) and type(value) ~= "string" then
        error("a secret is made from a text, not from " .. type(value), 2)
      end
      return secret.new(value)
    end,
    __index = function(_, name)
      error("there is no secret." .. tostring(name) .. near.hint(tostring(name), { "env", "file", "command" }), 2)
    end,
  })
end

local function destinations(ctx)
  return function(path)
    if type(path) ~= "string" or not path:find("%S") then error("file takes a path", 2) end
    return declare.destination("file", ctx.path(path))
  end, function(list)
    return declare.destination("command", (word_list(list, "command")))
  end
end

-- What somebody may have meant who knows Lua, or has forgotten to `use` an account.
local function meant(name, names)
  name = tostring(name)
  local hint = near.hint(name, names, 0)
  if hint ~= "" then return hint end
  if providers.exists(name) then return (': write local %s = use "%s" first'):format(name, name) end
  return ": a manifest has the words of Lua that touch nothing outside, and " .. table.concat(OWN, ", ")
end

--- The environment of a manifest.
--- @param ctx table of manifest.lua
--- @return table
function M.environment(ctx)
  local env = plain_lua()
  env.null = json.null
  env.env = lookup(ctx, "env", ctx.getenv, function(name) return "environment variable " .. name .. " is not set" end)
  env.var = lookup(ctx, "var", function(name)
    ctx.asked[name] = true
    return ctx.vars[name]
  end, function(name) return "there is no var '" .. name .. "': give --var " .. name .. "=VALUE" end)
  env.json_file, env.secret = json_file(ctx), secrets(ctx)
  env.file, env.command = destinations(ctx)
  env.use = function(...) return declare.use(ctx, ...) end
  local names = tables.keys(env)
  return setmetatable({}, {
    __index = function(_, name)
      local word = env[name]
      if word == nil then error("unknown word '" .. tostring(name) .. "'" .. meant(name, names), 2) end
      return word
    end,
    __newindex = function(_, name)
      error("'" .. tostring(name) .. "': a manifest sets no globals; write local before it", 2)
    end,
  })
end

return M
