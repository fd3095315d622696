-- Ctrl-C while a script waits for a vendor that never answers.
local programs = require "tests.interpreter.programs"
local socket = require "socket"
local support = require "tests.support"

local SECONDS = 60 -- a call's own deadline, far behind what the tests allow

describe("Ctrl-C while a script waits", function()
  local folder, server, port
  setup(function()
    folder = programs.folder()
    server = assert(socket.bind("127.0.0.1", 0))
    server:settimeout(30)
    port = select(2, server:getsockname())
  end)
  teardown(function()
    server:close()
    support.clean()
  end)

  -- Starts a script, waits for `requests` requests, interrupts it, and returns what it said, its status, and how long
  -- it took to end.
  local function interrupted(text, requests)
    programs.write(folder .. "/work/script.lua", ([[
      local luaprov = require "luaprov"
      local client = assert(luaprov.client("ocamba", { token = "FAKE-token", timeout = %d,
                                                       base_url = "http://127.0.0.1:%d" }))
      local function get(id) return client.integrations:get(tostring(id)) end
      ]]):format(SECONDS, port) .. text)
    local pipe = assert(io.popen(("cd %s/work && sh -c 'echo $$; exec %s %s script.lua 2>&1'; echo \"status $?\"")
      :format(folder, programs.alone, programs.luaprov), "r"))
    local pid = pipe:read("*l")
    local connections = {}
    for i = 1, requests do
      connections[i] = assert(server:accept())
      assert(connections[i]:receive("*l"))
    end
    local before = socket.gettime()
    assert(os.execute("kill -INT " .. pid))
    local said, status = pipe:read("*a"):match("^(.*)status (%d+)\n$")
    local took = socket.gettime() - before
    pipe:close()
    for _, connection in ipairs(connections) do connection:close() end
    return said, tonumber(status), took
  end

  for what, case in pairs {
    ["in a call"] = { "get(1) print 'answered'", 1 },
    ["in map"] = { "luaprov.map({ 1, 2, 3 }, get) print 'answered'", 3 },
    ["in a call within a closing variable"] = {
      "local t <close> = setmetatable({}, { __close = function() print 'closed' end }) get(1) print 'answered'", 1 },
  } do
    it("ends it as lua ends a loop, " .. what, function()
      local said, status, took = interrupted("io.stdout:setvbuf 'no' " .. case[1], case[2])
      assert.truthy(said:find("interrupted!\nstack traceback:", 1, true), said)
      assert.falsy(said:find("answered", 1, true))
      assert.equal(1, status)
      assert.is_true(took < SECONDS / 3, "it took " .. took .. " s")
    end)
  end

  it("is an error that a script may catch, and go on", function()
    local said, status = interrupted("print(pcall(get, 1)) print 'goes on'", 1)
    assert.truthy(said:find("^false\t[^\n]*interrupted!\ngoes on\n$"), said)
    assert.equal(0, status)
  end)
end)
