-- What busted loads before the specs. It keeps the modules of every spec file until the last one has run, and with them
-- an engine each, whose connections nobody uses any more: they were more than the 1,024 descriptors that a process may
-- have by default. So an engine ends with its file.
local busted = require "busted"

busted.subscribe({ "file", "end" }, function()
  local loop, i = package.loaded["luaprov.runtime.loop"], 0
  repeat
    i = i + 1
    local name, engine
    if loop then name, engine = debug.getupvalue(loop.end_transfers, i) end
    if name == "engine" and engine then
      engine:close()
      debug.setupvalue(loop.end_transfers, i, nil)
    end
  until not name
end)
