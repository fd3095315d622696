--- luaprov completion SHELL
local M = {}

function M.configure(parser)
  parser:argument("shell", "The shell to print it for."):choices { "bash", "zsh", "fish" }
  parser:epilog([[
Examples:
   luaprov completion bash > ~/.local/share/bash-completion/completions/luaprov
   luaprov completion zsh > ~/.zfunc/_luaprov
   luaprov completion fish > ~/.config/fish/completions/luaprov.fish]])
end

function M.run(args, out)
  local parser, why = require("luaprov.cli").parser()
  if not parser then
    out:note(why)
    return 1
  end
  out:line((parser["get_" .. args.shell .. "_complete"](parser):gsub("\n$", "")))
  return 0
end

return M
