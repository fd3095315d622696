--- luaprov destroy
local flow = require "luaprov.cli.stack.flow"
local options = require "luaprov.cli.stack.options"

local M = {}

function M.configure(parser)
  options.manifest(parser)
  options.state(parser)
  options.planning(parser)
  options.applying(parser)
  options.lease(parser)
  options.printing(parser)
  parser:epilog [[
Deletes what the state knows, at the vendors and in the state: what is needed by others last.
What is protected is not deleted.

Examples:
   luaprov destroy
   luaprov destroy --target acme.phones.desk --yes]]
end

function M.run(args, out)
  return flow.run(args, out, { destroy = true, question = "Delete all of this?" })
end

return M
