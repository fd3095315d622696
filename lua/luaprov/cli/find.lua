--- What commands look for: providers, and the module that reads folders.
local load = require "luaprov.provider.load"

local M = {}

--- A provider that somebody named. A name that means nothing is wrong use; a provider file that breaks is not.
--- @param name string a provider's name, or the path of a provider file
--- @param out luaprov.Output
--- @param as_json boolean|nil errors as JSON
--- @return table|nil description
--- @return integer|nil code the exit code, when there is none
function M.provider(name, out, as_json)
  local provider, err = load.load(name)
  if provider then return provider end
  if not load.exists(name) then return nil, out:wrong(err.message) end
  return nil, out:error(err, as_json)
end

--- lua-filesystem, which is only there where it is installed.
--- @param out luaprov.Output
--- @param what string what takes it
--- @return table|nil lfs
--- @return integer|nil code the exit code, when it is missing
function M.lfs(out, what)
  local there, lfs = pcall(require, "lfs")
  if there then return lfs end
  out:note(what .. " takes the Lua module lfs, which is not there: apt-get install lua-filesystem, or "
    .. "luarocks install luafilesystem")
  return nil, 1
end

return M
