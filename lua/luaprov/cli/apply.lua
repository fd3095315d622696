--- luaprov apply [FILE]
local flow = require "luaprov.cli.stack.flow"
local options = require "luaprov.cli.stack.options"
local plan_file = require "luaprov.stack.plan_file"
local say = require "luaprov.cli.stack.say"

local M = {}

function M.configure(parser)
  parser:argument("plan", "A plan that luaprov plan --out has saved: exactly that is done, or nothing."):args("?")
    :argname("<plan>")
  options.manifest(parser)
  options.state(parser)
  options.planning(parser)
  options.applying(parser)
  options.lease(parser)
  options.printing(parser)
  parser:epilog [[
Shows the plan, asks, and does it; a saved plan is not asked about again. What an earlier run has left without an end
is settled first.

Examples:
   luaprov apply
   luaprov apply --yes --json | jq 'select(.what == "failed")'
   luaprov apply --target acme.phones.desk --parallel 4
   luaprov apply monday.plan]]
end

-- The saved plan; or an exit code.
local function read(args, out)
  local file, why = io.open(args.plan, "rb")
  local text
  if file then
    text, why = file:read("*a")
    file:close()
  end
  if not text then return nil, out:wrong("the plan cannot be read: " .. tostring(why)) end
  local saved, err = plan_file.decode(text)
  if not saved then
    local hint = args.plan:find "%.lua$" and "; a manifest is given by --file" or ""
    err.message = args.plan .. ": " .. err.message .. hint
    return nil, say.error(out, err)
  end
  return saved
end

function M.run(args, out)
  out.json = args.json
  local about = { question = "Apply these changes?" }
  if args.plan then
    if args.no_refresh or args.targets[1] then
      return out:wrong "a saved plan is done as it is: leave out --target and --no-refresh"
    end
    local saved, code = read(args, out)
    if not saved then return code end
    args.file = args.file or saved.manifest
    about.saved, about.destroy, about.targets = saved, saved.destroy, saved.targets
  end
  return flow.run(args, out, about)
end

return M
