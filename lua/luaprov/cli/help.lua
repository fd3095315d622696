--- luaprov help [COMMAND]
local M = {}

function M.configure(parser)
  parser:argument("command_name", "The command; all of them by default."):args("?"):argname("<command>")
  parser:epilog [[
Examples:
   luaprov help
   luaprov help plan]]
end

function M.run(args, out)
  local cli = require "luaprov.cli"
  local name = args.command_name
  if name and not cli.is_command(name) then
    local names = {}
    for i, command in ipairs(cli.commands) do names[i] = command.name end
    return out:wrong("there is no command '" .. name .. "'" .. require("luaprov.near").hint(name, names, #names))
  end
  if name then return cli.main(name, { "--help" }) end
  for _, command in ipairs(cli.commands) do out:line(("%-12s %s"):format(command.name, command.summary)) end
  return 0
end

return M
