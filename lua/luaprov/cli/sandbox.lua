--- `luaprov sandbox`: a sandbox in a process of its own.
local find = require "luaprov.cli.find"
local output = require "luaprov.cli.output"
local quote = require "luaprov.quote"
local tables = require "luaprov.tables"

local M = {}

-- A converter of an option's text, which says which option it is where the text is no number.
local function number(wrong)
  return function(text)
    local value = tonumber(text)
    if value then return value end
    return nil, wrong
  end
end

function M.configure(parser)
  parser:argument("provider", "A provider by its name, or the path of its file. Without one, all that are found.")
    :args("*")
  parser:option("--port", "The port to listen at (default: one that is free)."):argname("<n>")
    :convert(number "--port must be a whole number from 0 to 65535")
  parser:option("--data", "A file that keeps the records. It is made if it is not there."):argname("<file>")
  parser:option("--faults", "A file of faults: Lua text that returns a list of them."):argname("<file>")
  parser:option("--token-life", "Seconds after which a token that was asked for ends."):argname("<seconds>")
    :convert(number "--token-life must be a number of seconds above zero and below 1e9")
  parser:flag("--no-limits", "Do not count calls: none is refused for being one too many.")
  parser:flag("--verbose", "Print a line for every call on standard error.")
  parser:flag("--list-faults", "Print every fault with its options, and start nothing.")
  parser:epilog [[
It answers as the provider files say, and prints the environment variables to paste
into another terminal. Ctrl-C ends it.

Examples:
   luaprov sandbox
   luaprov sandbox ./acme.lua --port 8080 --data records.jsonl
   echo 'return { { fault = "drop", on = "acme lines create", times = 1 } }' >faults.lua
   luaprov sandbox ./acme.lua --faults faults.lua]]
end

local function list_faults(out)
  local faults = require "luaprov.sandbox.faults"
  for _, name in ipairs(tables.keys(faults.faults)) do
    local fault, options = faults.faults[name], {}
    for option, default in pairs(fault.takes) do options[#options + 1] = option .. " = " .. tostring(default) end
    table.sort(options)
    if out.json then
      out:value { fault = name, about = fault.about, options = fault.takes }
    else
      out:line(("%-13s %s"):format(name, fault.about))
      if options[1] then out:line((" "):rep(14) .. table.concat(options, ", ")) end
    end
  end
  return 0
end

local function quoted(text) return text:find("^[%w_./:@-]+$") and text or quote(text) end

local function print_environment(box, out)
  for _, provider in ipairs(box:environment()) do
    for _, pair in ipairs(provider.common) do out:line("export " .. pair[1] .. "=" .. quoted(pair[2])) end
    for i, way in ipairs(provider.ways) do
      if i > 1 then out:line("# or, in place of " .. provider.ways[1][1][1] .. ":") end
      for _, pair in ipairs(way) do
        out:line((i > 1 and "# " or "") .. "export " .. pair[1] .. "=" .. quoted(pair[2]))
      end
    end
    out:line("")
  end
end

-- The options that the command line gives; or an exit code.
local function read_options(args, out)
  local options = {}
  for i, name in ipairs(args.provider) do options[i] = name end
  options.port, options.data, options.token_life = args.port, args.data, args.token_life
  if args.no_limits then options.limits = false end
  if args.verbose then
    options.log = function(line) io.stderr:write(output.plain(line), "\n") end
  end
  local check = require("luaprov.sandbox.options").check
  local wrong = check(options)
  if wrong then
    -- In the words of the command line.
    return nil, out:wrong((wrong:gsub("^([%l_]+) must ", function(name)
      return options[name] ~= nil and "--" .. name:gsub("_", "-") .. " must "
    end)))
  end
  for _, name in ipairs(args.provider) do
    local provider, code = find.provider(name, out)
    if not provider then return nil, code end
  end
  if args.faults then
    options.faults, wrong = require("luaprov.sandbox.faults").load(args.faults)
    local bad = options.faults and check { faults = options.faults }
    wrong = bad and args.faults .. ": " .. bad or wrong
  end
  if not wrong then return options end
  out:note(wrong)
  return nil, 1
end

function M.run(args, out)
  if args.list_faults then return list_faults(out) end
  local sandbox = require "luaprov.sandbox"
  local options, code = read_options(args, out)
  if not options then return code end
  -- Nobody has to read what it says of calls.
  require("luaprov.core").ignore_sigpipe()
  local box, err = sandbox.start(options)
  if not box then return out:error(err) end
  print_environment(box, out)
  -- The last line: whoever reads it knows that all is there.
  local served = table.concat(tables.keys(box.base_url), ", ")
  out:line("# luaprov sandbox at " .. box.url .. ": " .. served .. ". Ctrl-C ends it.")
  out.flush()
  -- Ctrl-C is how it ends. What it keeps is in its file by then.
  local ok, stopped = pcall(sandbox.serve, function() return false end)
  box:stop()
  if ok or tostring(stopped):find("interrupted!", 1, true) then return 0 end
  error(stopped, 0)
end

return M
