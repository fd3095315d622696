--- The commands of `luaprov WORD …`: what they share. Each is a module of its own, `luaprov.cli.WORD`, that has
--- `configure(parser)` and `run(args, out)`, which returns the exit code.
---
--- Exit codes: 0 done; 1 the vendor, the network or a check said no; 64 wrong use; 130 a Ctrl-C; 141 nobody reads what
--- is printed.
local M = {}

local DONE, FAILED, MISUSED = 0, 1, 64
local INTERRUPTED = 130
local UNREAD = 141 -- what a shell says of a program that SIGPIPE has ended

--- Every command.
M.commands = {
  { name = "providers", summary = "List the providers, or show what one of them takes." },
  { name = "call", summary = "Make one call: create, get, update, delete or list." },
  { name = "plan", summary = "Show what apply would do to have what the manifest declares." },
  { name = "apply", summary = "Make the vendors have what the manifest declares." },
  { name = "destroy", summary = "Delete what the state knows, at the vendors too." },
  { name = "refresh", summary = "Write what the vendors have now into the state." },
  { name = "import", summary = "Take over a record that exists, by its id." },
  { name = "adopt", summary = "Take over records that exist, by their keys." },
  { name = "export", summary = "Write a manifest of what exists at a vendor." },
  { name = "show", summary = "Show what the state knows." },
  { name = "state", summary = "List, show, forget or rename records of the state." },
  { name = "settle", summary = "Say what became of a call whose end nobody knows." },
  { name = "sandbox", summary = "Start a server that behaves as providers do." },
  { name = "check", summary = "Check a provider: every fault for every operation." },
  { name = "types", summary = "Write annotations of all providers for editors." },
  { name = "completion", summary = "Print completion for bash, zsh or fish." },
  { name = "help", summary = "Show the help of a command." },
}

--- @param word string
--- @return boolean
function M.is_command(word)
  for _, command in ipairs(M.commands) do
    if command.name == word then return true end
  end
  return false
end

local function complain(text) io.stderr:write("luaprov: ", text, "\n") end

-- argparse's own --help prints and ends the process; this one only notes who was asked.
local function add_help(parser, root)
  parser:add_help(false)
  parser:flag("-h --help", "Show this help and exit."):action(function()
    root.asked = parser
    error("help", 0)
  end)
end

local function add_command(root, command, module)
  local parser = root:command(command.name):summary(command.summary):description(command.summary)
  add_help(parser, root)
  if module then module.configure(parser) end
  parser:option("--providers", "A folder of provider files, searched before all others; may be repeated.")
    :argname("<folder>"):count("*"):target("folders")
end

--- A parser with the commands that are given.
--- @param words string[]|nil names of commands, which must load; nil: all that are there
--- @return table|nil parser argparse's
--- @return string|nil why
function M.parser(words)
  local found, argparse = pcall(require, "argparse")
  if not found then
    return nil, "the commands need the Lua module argparse, which is not there: apt-get install lua-argparse, or "
      .. "luarocks install argparse"
  end
  local root = argparse("luaprov", "Provision connections on vendors' platforms."):command_target("command")
  add_help(root, root)
  for _, command in ipairs(M.commands) do
    local wanted = not words
    for _, word in ipairs(words or {}) do wanted = wanted or word == command.name end
    if wanted then
      local ok, module = pcall(require, "luaprov.cli." .. command.name)
      if not ok and words then
        return nil, "the command " .. command.name .. " cannot be loaded: " .. tostring(module)
      end
      add_command(root, command, ok and module or nil)
    end
  end
  return root
end

-- Standard output that takes nothing more is noticed here, too: what is held back is written now.
local function finish(code, output, broken)
  if not broken then
    local ok, err = pcall(output.flush)
    if not ok then broken = err end
  end
  if not broken then return code end
  if output.is_gone(broken) then return code == DONE and UNREAD or code end
  complain("cannot write to standard output: " .. broken.message)
  return math.max(code, FAILED)
end

-- What argparse finds wrong, on one line.
local function refusal(message)
  if message:find("^unknown option '%-%d") then
    return (message:gsub("\n.*", "")) .. " (a value that begins with - stands behind a =, as in --id=-5)"
  end
  return (message:gsub("\nDid you mean (.-)%?$", " (did you mean %1?)"))
end

local function with_traceback(err)
  if type(err) ~= "string" then return err end
  return debug.traceback(err, 2)
end

--- Runs a command.
--- @param word string its name
--- @param arguments string[] what follows it on the command line
--- @return integer code the exit code
function M.main(word, arguments)
  local parser, why = M.parser { word }
  if not parser then
    complain(why)
    return M.is_command(word) and FAILED or MISUSED
  end
  local all = { word }
  for i, argument in ipairs(arguments) do all[i + 1] = argument end
  local ran, parsed, args = pcall(parser.pparse, parser, all)
  local output = require "luaprov.cli.output"
  if parser.asked then
    io.stdout:write(parser.asked:get_help(), "\n")
    return finish(DONE, output)
  end
  if not ran then error(parsed, 0) end
  if not parsed then
    io.stderr:write(parser._commands[1]:get_usage(), "\n")
    complain(word .. ": " .. output.plain(refusal(args)))
    return MISUSED
  end
  local out = output.new(word, args)
  local load = require "luaprov.provider.load"
  for _, folder in ipairs(args.folders) do
    local ok, missing = load.add_folder(folder)
    if not ok then return out:wrong("--providers: " .. missing) end
  end
  local ok, code = xpcall(function() return require("luaprov.cli." .. word).run(args, out) end, with_traceback)
  if ok then return finish(code, output) end
  if require("luaprov.runtime.interrupts").raised() then
    for _, line in ipairs(out.interrupted and out.interrupted:lines() or { word }) do
      complain("interrupted: " .. output.plain(line))
    end
    return INTERRUPTED
  end
  if output.is_broken(code) then return finish(DONE, output, code) end
  error(code, 0)
end

return M
