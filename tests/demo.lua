-- Runs the quick start against the contract listener, which answers as the vendors' documentation says.
local build = os.getenv("BUILD") or "build"
package.path = "./?.lua;" .. package.path
local control = require "tests.contract.control"

local listener = control.start { replay = control.fixture_files() }
local base = { onebox = "", ocamba = "/v1/hood", hubster = "", myreports = "/api/v1.0" }
local environment = {}
for name, path in pairs(base) do
  local prefix = "LUAPROV_" .. name:upper()
  environment[#environment + 1] = ("%s_BASE_URL='%s%s' %s_TOKEN=FAKE-token"):format(prefix, listener.url, path, prefix)
end
local command = "env " .. table.concat(environment, " ") .. " " .. build .. "/bin/luaprov examples/quickstart.lua"
local ok = os.execute(command)
listener:stop()
if not ok or ok ~= true and ok ~= 0 then
  io.stderr:write("the demo failed\n")
  os.exit(1)
end
