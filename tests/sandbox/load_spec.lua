-- A sandbox of its own process under load: many calls, on connections that last and on new ones, and its memory.
-- `make bench` has the figures, for a minute.
local luaprov = require "luaprov"
local process = require "tests.sandbox.process"
local support = require "tests.support"

describe("a sandbox under load", function()
  local box
  -- A sanitizer keeps what is freed, to see who uses it again: not here, where memory is measured.
  local without = "ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=0:thread_local_quarantine_size_kb=0; "
    .. "export ASAN_OPTIONS;"
  setup(function() box = process.start("ocamba --no-limits", without) end)
  teardown(function() box:stop() end)

  local function memory()
    local status = support.read("/proc/" .. box.pid .. "/status")
    return tonumber(status:match("VmRSS:%s+(%d+)")) / 1024
  end

  local function round(client)
    local made = assert(client.integrations:create { name = "load", provider_id = "1004",
      settings = { api_key = "FAKE", sender_name = "load" } })
    assert(client.integrations:get(made.id))
    assert(client.integrations:delete(made.id))
  end

  it("answers every call, and its memory stays where it is", function()
    local client = assert(luaprov.client("ocamba", { token = "sandbox-token", limits = false,
      base_url = box.exports.LUAPROV_OCAMBA_BASE_URL }))
    local list = {}
    for i = 1, 1000 do list[i] = i end
    luaprov.map(list, function() round(client) end, { concurrency = 32 })
    local before = memory()
    luaprov.map(list, function() round(client) end, { concurrency = 32 })
    assert.equal(0, #assert(client.integrations:list()))
    -- A leak of one body a call would be a megabyte and more.
    local grown = memory() - before
    assert.is_true(grown < 1, ("grew by %.1f MB"):format(grown))
  end)
end)
