-- Runs the quick start against a sandbox in a process of its own: with the interpreter, then with plain lua5.4. Then
-- what is declared in examples/onboarding: planned, applied, changed by somebody, and destroyed.
local build = os.getenv("BUILD") or "build"
local luaprov = build .. "/bin/luaprov"

-- The shell tells its process id and becomes the sandbox, which tells the environment and serves until it is ended.
local sandbox = assert(io.popen("echo $$; exec " .. luaprov .. " sandbox", "r"))
local pid = sandbox:read("*l")
local environment, ready = {}, false
for line in sandbox:lines() do
  local name, value = line:match("^export ([%w_]+)=(.*)$")
  if name then environment[#environment + 1] = name .. "=" .. value end
  ready = line:find("^# luaprov sandbox at ") ~= nil
  if ready then break end
end
environment = table.concat(environment, " ")

local function run(title, command)
  print(title)
  local ok = os.execute("env " .. environment .. " " .. command)
  return ok == true or ok == 0
end

local paths = ("LUA_PATH='%s/share/lua/5.4/?.lua;%s/share/lua/5.4/?/init.lua;;' "
  .. "LUA_CPATH='%s/lib/lua/5.4/?.so;;'"):format(build, build, build)
local ok = ready
  and run("-- with the interpreter: " .. luaprov .. " examples/quickstart.lua", luaprov .. " examples/quickstart.lua")
  and run("\n-- the same with plain lua5.4", paths .. " lua5.4 examples/quickstart.lua")
if pid then os.execute("kill " .. pid .. " 2>/dev/null") end
sandbox:close()
print "\n-- three customers, declared: examples/onboarding/run.sh"
-- Under a sanitizer that is preloaded mktemp fails; luaprov has its own.
local declared = os.execute("env -u LD_PRELOAD BUILD=" .. build .. " sh examples/onboarding/run.sh")
ok = ok and (declared == true or declared == 0)
if not ok then
  io.stderr:write("the demo failed\n")
  os.exit(1)
end
print(([[

To play on, start a sandbox, and paste what it prints into another terminal:
  %s sandbox
  %s call hubster hubs create name=Sales description='Second floor']]):format(luaprov, luaprov))
