--- luaprov plan
local open = require "luaprov.cli.stack.open"
local options = require "luaprov.cli.stack.options"
local plan_file = require "luaprov.stack.plan_file"
local planning = require "luaprov.cli.stack.planning"
local save = require "luaprov.cli.stack.save"

local M = {}

local CHANGES = 2

function M.configure(parser)
  options.manifest(parser)
  options.state(parser)
  options.planning(parser)
  parser:flag("--destroy", "Plan that nothing is to be left, as luaprov destroy does.")
  parser:option("--out", "Save the plan, for luaprov apply FILE."):argname("<file>")
  parser:flag("--detailed-exitcode", "Exit with 2 where there are changes.")
  options.printing(parser)
  parser:epilog [[
Shows what apply would do: nothing is sent but questions, and nothing is written to the state.

Examples:
   luaprov plan
   luaprov plan --file customers.lua --var region=eu --target acme.phones.desk
   luaprov plan --out monday.plan && luaprov apply monday.plan]]
end

local function run(work)
  local args, out = work.args, work.out
  local about = { targets = args.targets, destroy = args.destroy, warns = true }
  local seen, code = planning.state(work, about)
  if not seen then return code end
  if not args.no_refresh then
    local ok
    ok, code = planning.look(work, seen, not args.out)
    if not ok then return code end
  end
  local plan
  plan, code = planning.make(work, seen, about)
  if not plan then return code end
  planning.print(work, plan)
  if plan.faults[1] then
    out:note "the plan has faults, and would not be applied"
    return 1
  end
  if args.out then
    local ok, why = save.file(args.out, plan_file.encode(plan))
    if not ok then
      out:note("the plan cannot be saved: " .. why)
      return 1
    end
  end
  return args.detailed_exitcode and plan.steps[1] and CHANGES or 0
end

function M.run(args, out)
  out.json = args.json
  if args.out and args.no_refresh then
    return out:wrong "--out saves what the vendors have, too: leave out --no-refresh"
  end
  local work, code = open.work(args, out, { spare = args.destroy or args.targets[1] ~= nil })
  if not work then return code end
  return work:run(run)
end

return M
