-- Runs a command in a process of its own, as the interpreter does.
local shared = require "tests.support"

local M = {}

local function quote(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

M.quote = quote

local DRIVER = [[
local word = table.remove(arg, 1)
os.exit(require("luaprov.cli").main(word, arg), true)]]

local read = shared.read

--- The words that start a command.
---@param environment? table<string, string> further variables; those of luaprov that are set here are not handed on
---@param before? string Lua to run first
function M.command(arguments, environment, before)
  local words = { "env", "-u", "LUAPROV_PATH" }
  for _, name in ipairs { "ONEBOX", "OCAMBA", "HUBSTER", "MYREPORTS", "ACME" } do
    words[#words + 1] = "-u LUAPROV_" .. name .. "_TOKEN -u LUAPROV_" .. name .. "_BASE_URL"
  end
  -- What leaks is looked for in the specs of what these commands call.
  words[#words + 1] = "ASAN_OPTIONS=detect_leaks=0"
  local sanitizers = os.getenv "LD_PRELOAD"
  if sanitizers then words[#words + 1] = quote("LD_PRELOAD=" .. sanitizers) end
  words[#words + 1] = quote("LUA_PATH=" .. package.path)
  words[#words + 1] = quote("LUA_CPATH=" .. package.cpath)
  -- What one answer comes to, and soon: a command tries again as every client does.
  for _, name in ipairs { "ACME", "HUBSTER", "MYREPORTS", "OCAMBA", "ONEBOX" } do
    words[#words + 1] = "LUAPROV_" .. name .. "_ATTEMPTS=1"
  end
  for name, value in pairs(environment or {}) do words[#words + 1] = quote(name .. "=" .. value) end
  words[#words + 1] = shared.interpreter .. " -e " .. quote((before or "") .. "\n" .. DRIVER) .. " /dev/null"
  for _, word in ipairs(arguments) do words[#words + 1] = quote(word) end
  return table.concat(words, " ")
end

--- Runs a text of sh.
---@return string out, string err, integer code
function M.sh(text)
  local out, err = os.tmpname(), os.tmpname()
  local pipe = io.popen("{ " .. text .. "\n} >" .. out .. " 2>" .. err .. "; echo $?", "r")
  local code = tonumber(pipe:read("*a"):match("(%d+)%s*$"))
  pipe:close()
  local out_text, err_text = read(out), read(err)
  os.remove(out)
  os.remove(err)
  return out_text, err_text, code
end

--- Runs a command.
---@return string out, string err, integer code
function M.run(arguments, environment, before) return M.sh(M.command(arguments, environment, before)) end

--- Runs a command on a terminal, where its two streams are one.
---@return string shown, integer code
function M.on_terminal(arguments, environment)
  local command = quote(M.command(arguments, environment))
  local out, _, code = M.sh("env -u LD_PRELOAD script -qec " .. command .. " /dev/null </dev/null")
  return (out:gsub("\r\n", "\n")), code
end

--- Words, a string with spaces between them.
function M.words(text)
  local list = {}
  for word in text:gmatch("%S+") do list[#list + 1] = word end
  return list
end

return M
