-- Runs luaprov, and lua beside it: both are called `lua` here, so that what they say about themselves is the same.
local support = require "tests.support"

local M = {}

local read = support.read

function M.write(name, text)
  local file = assert(io.open(name, "wb"))
  file:write(text)
  file:close()
  return name
end

local function output_of(command)
  local pipe = assert(io.popen(command, "r"))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

local build = os.getenv("LUAPROV_BUILD") or "build"
if build:sub(1, 1) ~= "/" then build = output_of("pwd"):gsub("\n$", "") .. "/" .. build end

M.build = build
M.luaprov = build .. "/bin/luaprov"

-- A child is told nothing by the one that runs the tests; luaprov has the sanitizers in itself, others need none.
M.alone = "env -u LD_PRELOAD -u LUA_PATH -u LUA_CPATH -u LUA_INIT -u LUA_INIT_5_4 -u LUA_PATH_5_4 -u LUA_CPATH_5_4"

--- A folder to work in, with `ours/lua` and `theirs/lua`.
function M.folder()
  local folder = support.folder()
  assert(os.execute(("cd %s && mkdir ours theirs work && ln -s %s ours/lua && ln -s $(command -v lua5.4) theirs/lua")
    :format(folder, M.luaprov)))
  return folder
end

--- Runs a shell line in FOLDER/work.
---@param line string
---@param options? table input: what stands on standard input; path: goes before PATH
---@return table result out, err, status
function M.sh(folder, line, options)
  options = options or {}
  M.write(folder .. "/in", options.input or "")
  local status = output_of(("unset LD_PRELOAD; cd %s/work && PATH=%s$PATH && { %s\n} <../in >../out 2>../err; echo $?")
    :format(folder, options.path and options.path .. ":" or "", line))
  return { out = read(folder .. "/out"), err = read(folder .. "/err"), status = tonumber(status) }
end

--- Runs `lua ARGUMENTS` as both programs.
---@param case table arguments, a shell text behind `lua`; environment, a text before it; input
---@return table ours, table theirs
function M.both(folder, case)
  local results = {}
  for i, who in ipairs { "ours", "theirs" } do
    results[i] = M.sh(folder, ("%s %s lua %s"):format(M.alone, case.environment or "", case.arguments),
      { input = case.input, path = folder .. "/" .. who })
  end
  return results[1], results[2]
end

return M
