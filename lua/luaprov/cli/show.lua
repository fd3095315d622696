--- luaprov show [ADDRESS]
local options = require "luaprov.cli.stack.options"
local output = require "luaprov.cli.output"
local view = require "luaprov.cli.stack.view"

local M = {}

function M.configure(parser)
  parser:argument("address", "A record (default: all)."):args("?"):argname("<address>")
  options.state_alone(parser)
  output.add_options(parser)
  parser:epilog [[
Shows what the state knows; no vendor is asked. Of secrets it has salted hashes, which are not shown.

Examples:
   luaprov show
   luaprov show acme.phones.desk
   luaprov show --json | jq -r .id]]
end

function M.run(args, out) return view.show(args, out, args.address) end

return M
