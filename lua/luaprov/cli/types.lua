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
   luaprov types ./acme.lua > types.lua

The Lua language server reads the folder when its setting workspace.library names it.
Providers that are in the folder already, and are not named, stay.]])
end

-- The descriptions of what was asked for, each once, with every name that it was asked for by; or an exit code.
local function load_all(names, out)
  if #names == 0 then
    names = load.names()
    local lfs, code = find.lfs(out, "to find the providers")
    if not lfs then return nil, code end
  end
  local list, by_file, code, taken = {}, {}, nil, {}
  for _, name in ipairs(names) do
    local provider, failed = find.provider(name, out)
    code = code or failed
    if provider and not by_file[provider.file] then
      by_file[provider.file] = { names = {}, description = provider }
      list[#list + 1] = by_file[provider.file]
    end
    if provider and not taken[name] then table.insert(by_file[provider.file].names, name) end
    taken[name] = true
  end
  if code then return nil, code end
  -- A file goes by its provider's name, too, where its folder is searched.
  for _, provider in ipairs(list) do
    local name = provider.description.name
    local there = not taken[name] and load.exists(name) and load.load(name)
    if not taken[name] and (not there or there == provider.description) then
      table.insert(provider.names, name)
      taken[name] = true
    end
  end
  return list
end

local function add_overload(one, literal)
  one.overloads[#one.overloads + 1] = { name = literal, text = api.overload(literal, one.options, one.client) }
end

-- A page for each provider: name, text, title, and the overloads of luaprov.client.
local function make(list)
  local taken = api.taken()
  local pages, names = {}, page.new { luaprov = true }
  for i, provider in ipairs(list) do
    local to = page.new(taken)
    local options, client = providers.add(to, provider.description)
    pages[i] = { provider = provider.description.name, name = names:name("", provider.description.name) .. ".lua",
                 title = page.line(provider.description.title), text = to:text(), overloads = {}, options = options,
                 client = client }
    for _, name in ipairs(provider.names) do add_overload(pages[i], page.literal(name)) end
  end
  return pages
end

-- The overloads of pages, the first of each name.
local function all_overloads(pages)
  local texts, seen = {}, {}
  for _, one in ipairs(pages) do
    for _, overload in ipairs(one.overloads) do
      if not seen[overload.name] then texts[#texts + 1] = overload.text end
      seen[overload.name] = true
    end
  end
  return texts
end

local function head(title, meta)
  return MARK .. (title and ": " .. title or "") .. ". What is changed here is lost.\n---@meta " .. meta .. "\n\n"
end

local function print_all(pages, out)
  local parts = { head(nil, "luaprov"), api.classes() }
  for _, one in ipairs(pages) do parts[#parts + 1] = one.text .. "\n" end
  parts[#parts + 1] = (api.module(all_overloads(pages)):gsub("^\n+", ""))
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

-- The overloads that a page of ours has: they stand in it as comments.
local function overloads_in(path)
  local file, found = io.open(path, "rb"), {}
  local text = file and file:read("*a") or ""
  if file then file:close() end
  if text:sub(1, #MARK) ~= MARK then return found end
  for overload in text:gmatch("\n%-%- luaprov%.client: ([^\n]+)") do
    local literal = overload:match('^fun%(name: (".*"), options%?: ')
    if literal then found[#found + 1] = { name = literal, text = overload } end
  end
  return found
end

-- The pages that an earlier run has left in a folder. Those that are written anew keep the names that they had.
local function keep_earlier(lfs, folder, pages)
  local written, claimed, earlier = {}, {}, {}
  for _, one in ipairs(pages) do
    written[one.name] = one
    for _, overload in ipairs(one.overloads) do claimed[overload.name] = true end
  end
  for entry in lfs.dir(folder) do
    if entry:find("%.lua$") then earlier[#earlier + 1] = entry end
  end
  table.sort(earlier)
  local all = {}
  for i, one in ipairs(pages) do all[i] = one end
  for _, entry in ipairs(earlier) do
    local overloads = overloads_in(folder .. "/" .. entry)
    if not written[entry] then all[#all + 1] = { overloads = overloads } end
    for _, overload in ipairs(written[entry] and overloads or {}) do
      local provider = overload.name:match('([^/]+)%.lua"$') or overload.name:match('^"(.*)"$')
      if not claimed[overload.name] and provider == written[entry].provider then
        add_overload(written[entry], overload.name)
      end
    end
  end
  return all
end

local function page_text(one)
  local lines = {}
  for i, overload in ipairs(one.overloads) do lines[i] = "-- luaprov.client: " .. overload.text .. "\n" end
  return head(one.title, "_") .. table.concat(lines) .. "\n" .. one.text
end

local function write_all(pages, folder, out)
  local lfs, code = find.lfs(out, "--output")
  if not lfs then return code end
  local ok, why = make_folder(lfs, folder)
  local files = { { name = "luaprov.lua" } }
  for i, one in ipairs(pages) do files[i + 1] = one end
  for _, file in ipairs(files) do
    file.path = folder:gsub("/+$", "") .. "/" .. file.name
    if ok and not is_ours(file.path) then
      ok = nil
      why = file.path .. " was not written by luaprov types: remove it, or give another folder; nothing is changed"
    end
  end
  local all = ok and keep_earlier(lfs, folder, pages)
  for i, file in ipairs(files) do
    if not ok then break end
    ok, why = write(file.path, i > 1 and page_text(file)
      or head(nil, "luaprov") .. api.classes() .. api.module(all_overloads(all)))
  end
  if not ok then
    out:note(why)
    return 1
  end
  for _, file in ipairs(files) do out:line(file.path) end
  return 0
end

function M.run(args, out)
  if args.output == "" then return out:wrong("--output must be the name of a folder") end
  local list, code = load_all(args.names or {}, out)
  if not list then return code end
  local pages = make(list)
  if args.output then return write_all(pages, args.output, out) end
  return print_all(pages, out)
end

return M
