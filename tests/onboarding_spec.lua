-- examples/onboarding, by its one command: on a file, and on PostgreSQL.
local build = os.getenv("LUAPROV_BUILD") or "build"
local server = require "tests.store.server"
local support = require "tests.support"

local function run(environment)
  -- Under a sanitizer that is preloaded mktemp fails; luaprov has its own.
  local pipe = io.popen("env -u LD_PRELOAD " .. environment .. " BUILD='" .. build
    .. "' sh examples/onboarding/run.sh 2>&1; echo status $?")
  local output = pipe:read("*a")
  pipe:close()
  return output
end

local function check(output)
  assert.truthy(output:find("status 0\n$"), output)
  local at = 1
  for _, line in ipairs {
    "15 to create; 0 unchanged", "15 created", "no changes; 15 unchanged", "! hubster.hubs.acme changed at the vendor",
    "1 to update; 14 unchanged, 1 changed at the vendors", "1 updated", "no changes; 15 unchanged", "12 to delete",
    "12 deleted", "what the state has now: 0 records",
  } do
    local _, last = output:find(line, at, true)
    assert.truthy(last, line .. " is missing in " .. output)
    at = last
  end
  for _, secret in ipairs { "FAKE%-twilio", "FAKE%-mail", "FAKE%-license", "FAKE%-pbx", server.PASSWORD } do
    assert.is_nil(output:find(secret))
  end
end

describe("examples/onboarding", function()
  after_each(support.clean)

  it("plans, applies, finds nothing more to do, shows drift and destroys", function()
    check(run "-u LUAPROV_STATE")
  end)

  it("does the same on PostgreSQL", function()
    local postgres = server.start()
    local output = run("LUAPROV_STATE='" .. postgres.url .. "'")
    postgres:stop()
    check(output)
  end)
end)
