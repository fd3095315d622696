--- luaprov settle ADDRESS --adopt ID | --absent
local accounts = require "luaprov.stack.account"
local open = require "luaprov.cli.stack.open"
local options = require "luaprov.cli.stack.options"
local output = require "luaprov.cli.output"
local say = require "luaprov.cli.stack.say"
local settles = require "luaprov.stack.settle"

local M = {}

function M.configure(parser)
  parser:argument("address", "The record whose create, update or delete has no known end."):argname("<address>")
  parser:mutex(
    parser:option("--adopt", "It was made: the vendor has it under this id."):argname("<id>"),
    parser:flag("--absent", "It was not done."))
  options.manifest(parser)
  options.state(parser)
  options.lease(parser)
  options.same_account(parser)
  options.printing(parser)
  parser:epilog [[
Ends what luaprov cannot tell: an earlier run was killed, or its answer was lost, and the vendor gives
no way to see whether it acted. Look there, and say what you have seen.

Examples:
   luaprov settle acme.phones.desk --adopt 1017
   luaprov settle acme.phones.desk --absent]]
end

local function run(work)
  local args, out = work.args, work.out
  local rows, err = work:rows()
  local ok, notes
  if rows then
    ok, err, notes = settles.by_hand {
      manifest = work.manifest, store = work.store, lease = work.lease, address = args.address, id = args.adopt,
      accounts = accounts.all(work.manifest, work.store), rows = rows,
      same_accounts = args.same_accounts,
    }
  end
  if not ok then return say.error(out, err) end
  say.either(out, { type = "event", what = "settled", address = args.address, id = args.adopt,
                    verdict = args.adopt and "adopted" or "absent" },
    args.adopt and ("%s has the id %s now"):format(output.plain(args.address), output.plain(args.adopt))
      or ("%s: nothing came of it; luaprov plan shows what is to be done"):format(output.plain(args.address)))
  for _, message in ipairs(notes or {}) do
    say.event(out, { what = "note", address = args.address, message = message })
  end
  return 0
end

function M.run(args, out)
  out.json = args.json
  if not args.adopt and not args.absent then return out:wrong "say what you have seen: --adopt ID, or --absent" end
  local work, code = open.work(args, out, {})
  if not work then return code end
  if not work.store then return open.no_state(args, out) end
  return work:leased(run)
end

return M
