-- What the packages' specs share: an empty place, something put there, and whether that works by itself.
local control = require "tests.contract.control"
local support = require "tests.support"

local M = {}

--- Whether this run is the one that tests what does not depend on the Lua under test: the packages build themselves.
M.once = not rawget(_G, "jit") and not os.getenv("LD_PRELOAD")

M.versions = { ["lua5.4"] = "5.4", luajit = "5.1" }

-- This make takes no orders from the one that runs the tests, and no Lua finds their modules.
M.clean = "env -u MAKEFLAGS -u MFLAGS -u LUA_PATH -u LUA_CPATH -u LUA_INIT "

--- Runs a shell command. The tools are nobody's to look into for leaks; a Lua is, where the tests are.
---@return string output of both streams
---@return integer status
function M.sh(command)
  local pipe = io.popen("preload=$LD_PRELOAD; unset LD_PRELOAD; { " .. command .. "\n} 2>&1; echo \"status $?\"", "r")
  local output = pipe:read("*a")
  pipe:close()
  local text, status = output:match("^(.*)status (%d+)\n$")
  return text, tonumber(status)
end

--- The same for a command that works; its output without the last line end.
function M.done(command)
  local output, status = M.sh(command)
  if status ~= 0 then error(("status %s of %s:\n%s"):format(status, command, output), 2) end
  return (output:gsub("\n$", ""))
end

--- A quoted word for the shell.
function M.quote(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

-- Makes one call, and tells whatever of luaprov came from elsewhere than from the place.
local SCRIPT = [[
local place, url = ...
local luaprov = require "luaprov"
local client = assert(luaprov.client("ocamba", { token = "FAKE-token", base_url = url }))
local record, err = client.integrations:create {
  name = "from a package", provider_id = "1004", settings = { api_key = "FAKE-key", sender_name = "me" },
}
print(record and record.id, err)
print(table.concat(require("luaprov.provider.load").names(), " "))
for name in pairs(package.loaded) do
  if name:find("^luaprov") then
    local path = package.searchpath(name, package.path) or package.searchpath(name, package.cpath)
    if path:sub(1, #place) ~= place then print(name .. " is from " .. path) end
  end
end
]]

--- Runs a Lua that finds luaprov, and makes a call that is answered.
---@param command string
---@param place string folder that everything of luaprov must come from
---@return string|nil what is wrong
function M.trouble(command, place)
  local file = support.file("script.lua", SCRIPT)
  local listener = control.start()
  listener:script { status = 201, json = { id = "1165", name = "from a package" } }
  local output = M.sh(("cd / && %s %s %s %s"):format(command, file, M.quote(place), listener.url))
  local requests = listener:requests()
  listener:stop()
  if output ~= "1165\tnil\nhubster myreports ocamba onebox\n" then return output end
  if #requests ~= 1 or requests[1].method .. " " .. requests[1].path ~= "POST /integrations" then
    return #requests .. " requests arrived"
  end
end

-- Where else Debian's own modules are: lua-cjson, lua-filesystem.
local function elsewhere(version)
  local multiarch = M.done("gcc -print-multiarch")
  return ("/usr/share/lua/%s/?.lua"):format(version), ("/usr/lib/%s/lua/%s/?.so"):format(multiarch, version)
end

--- A Lua with the modules of a place before Debian's, and no other.
---@param lua string "lua5.4" or "luajit"
---@param share string folder of Lua modules
---@param lib string folder of C modules
---@return string command
function M.lua(lua, share, lib)
  local path, cpath = elsewhere(M.versions[lua])
  return ("%s LD_PRELOAD=\"$preload\" LUA_PATH=%s LUA_CPATH=%s %s"):format(M.clean,
    M.quote(share .. "/?.lua;" .. share .. "/?/init.lua;" .. path), M.quote(lib .. "/?.so;" .. cpath), lua)
end

--- An interpreter that is told nothing.
function M.interpreter(path) return M.clean .. M.quote(path) end

--- What is missing from, or should not be in, the Lua modules of a folder.
function M.misses(share)
  return M.sh(("diff -r lua/luaprov %s/luaprov"):format(M.quote(share)))
end

--- Fails unless a folder has every C module of src/, each of which exports what opens it and nothing else.
function M.check_exports(lib)
  local modules = M.done("grep -rhoE 'int luaopen_luaprov_[a-z]+' src | sed 's/.*luaprov_//' | sort -u")
  local found = M.done(("cd %s/luaprov && ls *.so | sed 's/\\.so$//'"):format(M.quote(lib)))
  assert(modules:find("core", 1, true) and modules == found, "not the C modules of src/: " .. found)
  for name in modules:gmatch("%S+") do
    -- A sanitizer adds names of its own.
    local names = M.done(("nm -D --defined-only %s/luaprov/%s.so | awk '{print $3}' | grep -v asan"):format(
      M.quote(lib), name))
    assert(names == "luaopen_luaprov_" .. name, name .. ".so exports " .. names)
  end
end

--- What groff has to say of a manual page, after checking that it is ours.
function M.trouble_with_manual(text_of_it)
  local text = M.done(text_of_it)
  local version = require "luaprov.version"
  assert(text:find('"luaprov ' .. version .. '"', 1, true), "the page names another version")
  return (M.sh(text_of_it .. " | groff -man -ww -z -Tutf8"))
end

return M
