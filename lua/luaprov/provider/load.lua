--- Finds a provider file, runs it where only its words exist, and returns its description.
local compile = require "luaprov.provider.compile"
local errors = require "luaprov.errors"
local near = require "luaprov.near"
local tables = require "luaprov.tables"
local words = require "luaprov.provider.words"

local M = {}

local loaded = {} -- file -> description
local added = {}  -- folders

local function readable(path)
  local file = io.open(path, "rb")
  if not file then return false end
  -- A folder can be opened and not read; an empty file can.
  local _, why = file:read(1)
  file:close()
  return why == nil
end

--- Has a folder searched for provider files before all others, after those that were added earlier.
--- @param folder string
--- @return boolean|nil added nil when there is no such folder
--- @return string|nil why
function M.add_folder(folder)
  local there = folder ~= "" and io.open(folder .. "/.", "rb")
  if not there then return nil, "there is no folder " .. (folder ~= "" and folder or "''") end
  there:close()
  added[#added + 1] = folder
  return true
end

--- The folders that hold provider files: those that were added, those of LUAPROV_PATH (separated by colons), then the
--- built-in one.
--- @return string[]
function M.folders()
  local folders = {}
  for i, folder in ipairs(added) do folders[i] = folder end
  for folder in (os.getenv("LUAPROV_PATH") or ""):gmatch("[^:]+") do folders[#folders + 1] = folder end
  local here = debug.getinfo(1, "S").source:match("^@(.*)provider/load%.lua$")
  folders[#folders + 1] = (here or "./") .. "providers"
  return folders
end

-- Whether a file means to be a provider file, right or wrong: other Lua files may lie beside it.
local function is_provider_file(path)
  local file = io.open(path, "rb")
  local text = file and file:read("*a")
  if file then file:close() end
  if not text then return false end
  text = text:gsub("%-%-%[(=*)%[.-%]%1%]", " "):gsub("%-%-[^\n]*", " ")
  return text:find("%f[%w_]return%s+provider%s*[{(]") ~= nil
end

--- The names of all provider files that can be found by name.
--- @return string[] names sorted; empty where lua-filesystem is not installed
function M.names()
  local ok, lfs = pcall(require, "lfs")
  if not ok then return {} end
  local seen, names = {}, {}
  for _, folder in ipairs(M.folders()) do
    if lfs.attributes(folder, "mode") == "directory" then
      for entry in lfs.dir(folder) do
        local name = entry:match("^([%w_%-]+)%.lua$")
        -- Another file of the name in a later folder would not be found by it.
        if name and not seen[name] then
          seen[name] = true
          if is_provider_file(folder .. "/" .. entry) then names[#names + 1] = name end
        end
      end
    end
  end
  table.sort(names)
  return names
end

local function find(name)
  if name:find("/", 1, true) then
    if readable(name) then return name end
    return nil, "there is no provider file " .. name
  end
  for _, folder in ipairs(M.folders()) do
    local path = folder .. "/" .. name .. ".lua"
    if name:find("^[%w_%-]+$") and readable(path) then return path end
  end
  for _, file in ipairs { name, name .. ".lua" } do
    if readable(file) then return nil, "there is no provider '" .. name .. "'; a file here is given as ./" .. file end
  end
  return nil, "there is no provider '" .. name .. "'" .. near.hint(name, M.names())
end

--- Whether there is a provider file, right or wrong.
--- @param name string a provider's name, or the path of a provider file
--- @return boolean
function M.exists(name) return find(name) ~= nil end

local function environment()
  local env = words.environment()
  local names = tables.keys(env)
  return setmetatable({}, {
    __index = function(_, name)
      local word = env[name]
      if word == nil then error("unknown word '" .. tostring(name) .. "'" .. near.hint(name, names, #names), 2) end
      return word
    end,
    __newindex = function(_, name) error("'" .. tostring(name) .. "': a provider file sets no globals", 2) end,
  })
end

-- The first line from `from` on that has a word, or a placeholder in its braces; nil when none has.
local function line_with(source, word, from)
  local number = 0
  local pattern = word:find("^{") and word or "%f[%w_]" .. word .. "%f[^%w_]"
  for line in (source .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    if number >= from and line:find(pattern) then return number end
  end
end

-- Where a mistake stands, as exactly as it can be told: the placeholder of an option, or the option, that its message
-- names, else the line of its word, else the line of the last part of its path that is found.
local function line_of(source, line, path, message)
  local option = message:match("option '([%w_]+)'")
  local placeholder = message:match("^option '[%w_]+': ({[%w_]+})")
  local found = placeholder and line_with(source, placeholder, math.max(line, 1))
    or option and line_with(source, option, math.max(line, 1))
  if found or line > 0 then return found or line end
  local words_of_path = {}
  for word in path:gmatch("[%a_][%w_]*") do table.insert(words_of_path, 1, word) end
  for _, word in ipairs(words_of_path) do
    found = line_with(source, word, 1)
    if found then return found end
  end
  return 1
end

local function invalid(messages)
  return errors.new { kind = "invalid", outcome = "not_sent", message = table.concat(messages, "\n") }
end

local STEPS = 1e7 -- of Lua's machine, that a provider file may take: ours take some hundreds

-- Runs a provider file that may never end.
local function bounded(chunk)
  local hook, mask, count = debug.gethook()
  -- Somebody else's hook cannot be put back.
  if type(hook) == "string" then return pcall(chunk) end
  local jit = rawget(_G, "jit")
  if jit then jit.off(chunk, true) end -- what is compiled calls no hooks
  debug.sethook(function() error("the file does not end", 2) end, "", STEPS)
  local ok, result = pcall(chunk)
  debug.sethook(hook, mask, count)
  return ok, result
end

--- @param source string the text of a provider file
--- @param file string its path, for messages
--- @param name string the provider's name
--- @return table|nil description
--- @return luaprov.Error|nil err with every mistake, a line each: FILE:LINE: PATH: MESSAGE
function M.compile(source, file, name)
  if source:find("^\27") then return nil, invalid { file .. ":1: is a binary chunk; a provider file is text" } end
  -- Lua shortens a long name of a chunk; a message has it whole.
  local function located(why)
    return (tostring(why):gsub("^[^\n]-:(%d+): ", function(line) return file .. ":" .. line .. ": " end, 1))
  end
  local chunk, why = load(source, "@" .. file, "t", environment())
  if not chunk then return nil, invalid { located(why) } end
  local ok, result = bounded(chunk)
  if not ok then return nil, invalid { located(result) } end
  local mistakes = {}
  local function report(line, path, message)
    line = line_of(source, line, path, message)
    mistakes[#mistakes + 1] = { line, ("%s:%d: %s%s"):format(file, line, path ~= "" and path .. ": " or "", message) }
  end
  local compiled, description = pcall(compile.compile, result, name, report)
  -- What breaks on a mistake that is told already says nothing more.
  if not compiled and #mistakes == 0 then report(0, "provider", "cannot be read: " .. tostring(description)) end
  if #mistakes > 0 then
    table.sort(mistakes, function(a, b)
      if a[1] ~= b[1] then return a[1] < b[1] end
      return a[2] < b[2]
    end)
    local lines = {}
    for i, mistake in ipairs(mistakes) do lines[i] = mistake[2] end
    return nil, invalid(lines)
  end
  description.file = file
  return description
end

--- @param name string a provider's name, or the path of a provider file
--- @return table|nil description
--- @return luaprov.Error|nil err
function M.load(name)
  local path, why = find(name)
  if not path then return nil, invalid { why } end
  if loaded[path] then return loaded[path] end
  local file, unreadable = io.open(path, "rb")
  if not file then return nil, invalid { unreadable } end
  local source = file:read("*a")
  file:close()
  local description, err = M.compile(source, path, path:match("([^/]+)%.lua$") or path:match("[^/]+$"))
  if not description then return nil, err end
  loaded[path] = description
  return description
end

return M
