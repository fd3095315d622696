--- luaprov types [--output DIR] [PROVIDER…]
local api = require "luaprov.cli.types.api"
local find = require "luaprov.cli.find"
local load = require "luaprov.provider.load"
local page = require "luaprov.cli.types.page"
local providers = require "luaprov.cli.types.provider"

local M = {}

-- The first line of every file begins with this: no other file is written over.
local MARK = "-- Written by `luaprov types`"

function M.configure(parser)
  parser:argument("names", "Names of providers, or paths of provider files; all without any."):argname("<provider>")
    :args("*")
  parser:option("--output", "A folder for luaprov.lua and a file for each provider; without it standard output.")
    :argname("<folder>")
  parser:epilog([[
Examples:
   luaprov types --output ~/.local/share/luaprov-types
   luaprov types ./acme.lua hubster > types.lua

The Lua language server reads the folder when its setting workspace.library names it.]])
end

-- The descriptions of what was asked for, each once; or an exit code.
local function load_all(names, out)
  if #names == 0 then
    names = load.names()
    local lfs, code = find.lfs(out, "to find the providers")
    if not lfs then return nil, code end
  end
  local list, seen, code = {}, {}, nil
  for _, name in ipairs(names) do
    local provider, failed = find.provider(name, out)
    code = code or failed
    if provider and not seen[name] then
      seen[name] = true
      list[#list + 1] = { name = name, description = provider }
    end
  end
  if code then return nil, code end
  return list
end

-- The files: luaprov.lua first. Each is name and text.
local function make(list)
  local taken = api.taken()
  local files, names = {}, page.new { luaprov = true }
  for i, provider in ipairs(list) do
    local to = page.new(taken)
    provider.options, provider.client = providers.add(to, provider.description)
    local title = page.line(provider.description.title)
    files[i + 1] = { name = names:name("", provider.description.name) .. ".lua", text = to:text(), title = title }
  end
  files[1] = { name = "luaprov.lua", before = api.classes(), text = api.module(list) }
  return files
end

local function head(title, meta)
  return MARK .. (title and ": " .. title or "") .. ". What is changed here is lost.\n---@meta " .. meta .. "\n\n"
end

local function print_all(files, out)
  local parts = { head(nil, "luaprov"), files[1].before }
  for i = 2, #files do parts[#parts + 1] = files[i].text .. "\n" end
  parts[#parts + 1] = (files[1].text:gsub("^\n+", ""))
  out:line((table.concat(parts):gsub("\n$", "")))
  return 0
end

-- Whether a file may be written over: it is not there, or it is ours.
local function is_ours(path)
  local file = io.open(path, "rb")
  if not file then return true end
  local line = file:read(#MARK)
  file:close()
  return line == MARK
end

local function make_folder(lfs, folder)
  local path = folder:sub(1, 1) == "/" and "/" or ""
  for part in folder:gmatch("[^/]+") do
    path = path .. part .. "/"
    if lfs.attributes(path, "mode") ~= "directory" then
      local ok, why = lfs.mkdir(path)
      if not ok then return nil, path .. ": " .. why end
    end
  end
  return true
end

local function write(path, text)
  local new = path .. ".new"
  local file, why = io.open(new, "wb")
  if not file then return nil, why end
  local ok
  ok, why = file:write(text)
  local closed, why_not = file:close()
  if ok and closed then
    ok, why_not = os.rename(new, path)
    if ok then return true end
  end
  os.remove(new)
  return nil, path .. ": " .. tostring(why or why_not)
end

local function write_all(files, folder, out)
  local lfs, code = find.lfs(out, "--output")
  if not lfs then return code end
  local ok, why = make_folder(lfs, folder)
  for _, file in ipairs(files) do
    file.path = folder:gsub("/+$", "") .. "/" .. file.name
    if ok and not is_ours(file.path) then
      ok = nil
      why = file.path .. " was not written by luaprov types: remove it, or give another folder; nothing is changed"
    end
  end
  for i, file in ipairs(files) do
    if not ok then break end
    ok, why = write(file.path, head(file.title, i == 1 and "luaprov" or "_") .. (file.before or "") .. file.text)
  end
  if not ok then
    out:note(why)
    return 1
  end
  for _, file in ipairs(files) do out:line(file.path) end
  return 0
end

function M.run(args, out)
  local list, code = load_all(args.names or {}, out)
  if not list then return code end
  local files = make(list)
  if args.output then return write_all(files, args.output, out) end
  return print_all(files, out)
end

return M
