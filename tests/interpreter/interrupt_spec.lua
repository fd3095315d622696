-- Ctrl-C while a script waits for a vendor that never answers, and while its tasks are busy.
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

  local function script(text)
    programs.write(folder .. "/work/script.lua", ([[
      io.stdout:setvbuf "no"
      local luaprov = require "luaprov"
      local client = assert(luaprov.client("ocamba", { token = "FAKE-token", timeout = %d, limits = false,
                                                       base_url = "http://127.0.0.1:%d/v1" }))
      local function get(id) return client.integrations:get(tostring(id)) end
      local function create(name)
        return client.integrations:create { name = name, provider_id = "1004",
                                            settings = { api_key = "FAKE-key", sender_name = "sender" } }
      end
      ]]):format(SECONDS, port) .. text)
  end

  -- Starts a script, and for each number of `waves` waits for as many requests and interrupts it. Returns what it said,
  -- its status, how long it took to end, and whether the last connection was closed before that.
  local function interrupted(text, ...)
    script(text)
    local pipe = assert(io.popen(("cd %s/work && sh -c 'echo $$; exec %s %s script.lua 2>&1'; echo \"status $?\"")
      :format(folder, programs.alone, programs.luaprov), "r"))
    local pid = pipe:read("*l")
    local connections, before = {}, nil
    for _, requests in ipairs { ... } do
      for _ = 1, requests do
        local connection = assert(server:accept())
        connection:settimeout(30)
        assert(connection:receive(1))
        connections[#connections + 1] = connection
      end
      before = socket.gettime()
      assert(os.execute("kill -INT " .. pid))
    end
    local said, status = pipe:read("*a"):match("^(.*)status (%d+)\n$")
    local took = socket.gettime() - before
    pipe:close()
    for _, connection in ipairs(connections) do connection:close() end
    return said, tonumber(status), took
  end

  -- The lines of the report, with `HOST` for the server.
  local function reported(said)
    local lines = {}
    for line in said:gmatch "luaprov: (%l[^\n]*: %u+ [^\n]*)" do
      lines[#lines + 1] = line:gsub("127%.0%.0%.1:" .. port, "HOST")
    end
    return lines
  end

  local function line(method, path, outcome)
    return ("interrupted: %s HOST/v1%s: %s"):format(method, path, outcome or "unknown, it may have been done")
  end

  for what, case in pairs {
    ["in a call"] = { "get(1) print 'answered'", { line("GET", "/integrations/1") } },
    ["in a create"] = { "create 'new' print 'answered'", { line("POST", "/integrations") } },
    ["in map"] = { "luaprov.map({ 1, 2, 3 }, get) print 'answered'",
      { line("GET", "/integrations/1"), line("GET", "/integrations/2"), line("GET", "/integrations/3") } },
    ["in a list"] = { "client.integrations:list { name = 'private' } print 'answered'",
      { line("GET", "/integrations") } },
    ["in a call within a coroutine"] = { "coroutine.wrap(get)(1) print 'answered'",
      { line("GET", "/integrations/1") } },
    ["in a call within a coroutine of a task"] = {
      "luaprov.all { function() return coroutine.wrap(get)(1) end } print 'answered'",
      { line("GET", "/integrations/1") } },
    ["in a call of a task where it cannot yield"] = {
      "luaprov.all { function() ('x'):gsub('x', get) end } print 'answered'", { line("GET", "/integrations/x") } },
    ["in a call within a closing variable"] = {
      "local t <close> = setmetatable({}, { __close = function() print 'closed' end }) get(1) print 'answered'",
      { line("GET", "/integrations/1") } },
    ["in a sleep, beside a task"] = { "luaprov.spawn(create, 'new') luaprov.sleep(50) print 'answered'",
      { line("POST", "/integrations") } },
    ["in wait, beside a task that catches it"] = {
      "luaprov.spawn(pcall, create, 'new'):wait() print 'answered'", { line("POST", "/integrations") } },
    ["where a task waits for nothing that comes"] = {
      "luaprov.spawn(get, 1) luaprov.all { function() luaprov.sleep(50) end } print 'answered'",
      { line("GET", "/integrations/1") } },
    ["in an event's handler of the script"] = { [[
      luaprov.spawn(create, 'new')
      luaprov.spawn(function() luaprov.sleep(0) end):wait()
      local ok = pcall(luaprov.sleep, 50)
      print(ok)
      error 'gives up']], { line("POST", "/integrations") }, "gives up" },
  } do
    it("ends it, and says what was on its way: " .. what, function()
      local said, status, took = interrupted(case[1], #case[2])
      assert.truthy(said:find((case[3] or "interrupted!") .. "\nstack traceback:", 1, true), said)
      assert.falsy(said:find("answered", 1, true))
      assert.falsy(said:find("private", 1, true))
      assert.falsy(said:find("FAKE", 1, true))
      assert.same(case[2], reported(said))
      assert.equal(130, status)
      assert.is_true(took < SECONDS / 3, "it took " .. took .. " s")
    end)
  end

  it("knows what was not sent", function()
    -- No TLS begins at a server that does not even accept: the request itself stays here.
    local silent = assert(socket.bind("127.0.0.1", 0))
    local said, status = interrupted(([[
      local tls = assert(luaprov.client("ocamba", { token = "FAKE-token", timeout = %d,
                                                    base_url = "https://127.0.0.1:%d/v1" }))
      luaprov.all { function() get(1) end, function() tls.integrations:delete "2" end }]]):format(SECONDS,
        select(2, silent:getsockname())), 1)
    silent:close()
    assert.truthy(said:find("/v1/integrations/2: not_sent, nothing was done\n", 1, true), said)
    assert.equal(line("GET", "/integrations/1"), reported(said)[2])
    assert.equal(130, status)
  end)

  it("counts what was not sent, when it is much", function()
    local said, status = interrupted([[
      local core = require "luaprov.core"
      local make = core.engine
      function core.engine() return make { per_host = 1 } end
      local list = {}
      for i = 1, 60 do list[i] = 100 + i end
      luaprov.map(list, get, { concurrency = 60 })]], 1)
    local lines = reported(said)
    assert.equal(21, #lines, said)
    assert.same(line("GET", "/integrations/101"), lines[1])
    assert.truthy(said:find("interrupted: 39 calls more: not_sent, nothing was done\n", 1, true), said)
    assert.equal(130, status)
  end)

  it("is an error that a script may catch, and go on: what was said stays true", function()
    local said, status = interrupted([[
      print(pcall(create, 'new'))
      print 'goes on']], 1)
    assert.same({ line("POST", "/integrations") }, reported(said))
    assert.truthy(said:find("\nfalse\tinterrupted!\ngoes on\n$"), said)
    assert.equal(0, status)
  end)

  it("cancels the calls of tasks that go on when a script catches it", function()
    local said, status = interrupted([[
      local task = luaprov.spawn(create, 'new')
      print(pcall(get, 1))
      local record, err = task:wait()
      print(record, err.kind, err.outcome)]], 2)
    assert.same({ line("GET", "/integrations/1"), line("POST", "/integrations") }, reported(said))
    assert.truthy(said:find("\nfalse\tinterrupted!\nnil\tcancelled\tunknown\n$"), said)
    assert.equal(0, status)
  end)

  it("lets a map that a script has caught begin nothing more", function()
    local said, status = interrupted([[
      local begun = 0
      print(pcall(luaprov.map, { 1, 2, 3, 4 }, function(i) begun = begun + 1 return get(i) end, { concurrency = 2 }))
      luaprov.sleep(0.01)
      print(begun .. " had begun")]], 2)
    assert.truthy(said:find("\n2 had begun\n", 1, true), said .. "status " .. status)
  end)

  it("ends a script that has caught it at the second, and says what was on its way then", function()
    local said, status = interrupted("print(pcall(get, 1)) print(pcall(create, 'new')) print 'goes on'", 1, 1)
    assert.same({ line("GET", "/integrations/1"), line("POST", "/integrations") }, reported(said))
    assert.falsy(said:find("goes on", 1, true), said)
    assert.equal(130, status)
  end)

  it("says what a script that has ended left on its way", function()
    script "local task = luaprov.spawn(create, 'new') luaprov.deadline(0.3, pcall, task.wait, task)"
    local result = programs.sh(folder, programs.alone .. " " .. programs.luaprov .. " script.lua")
    assert.same({ "ended with the script: POST HOST/v1/integrations: unknown, it may have been done" },
      reported(result.err))
    assert.equal(0, result.status)
    assert(server:accept()):close()
  end)

  describe("and is busy", function()
    local HIT = "local function hit() io.popen('kill -INT $PPID'):close() end\n"

    for what, text in pairs {
      ["in a task"] = "luaprov.all { function() hit() while true do end end }",
      ["in a coroutine of a task"] = [[
        luaprov.all { function() coroutine.wrap(function() hit() while true do end end)() end }]],
      ["in a coroutine that was there"] = [[
        local co = coroutine.create(function() while true do coroutine.yield() end end)
        luaprov.spawn(function() hit() while true do coroutine.resume(co) end end):wait()]],
      ["in a coroutine"] = "coroutine.wrap(function() hit() while true do end end)()",
      ["in a task that catches it"] = [[
        luaprov.all { function() pcall(function() hit() while true do end end) luaprov.sleep(50) end }]],
      ["in the main chunk"] = "hit() while true do end",
    } do
      it("ends it, " .. what, function()
        script(HIT .. text)
        local result = programs.sh(folder, "timeout 20 " .. programs.alone .. " " .. programs.luaprov .. " script.lua")
        assert.truthy(result.err:find("interrupted!", 1, true), result.err)
        assert.equal(130, result.status)
      end)
    end

    it("ends the next call of a script that has caught it there, as cancelled", function()
      script(HIT .. [[
        print(pcall(function() hit() while true do end end))
        local record, err = get(1)
        print(record, err.kind, err.outcome)]])
      local result = programs.sh(folder, "timeout 20 " .. programs.alone .. " " .. programs.luaprov .. " script.lua")
      assert.truthy(result.out:find("\nnil\tcancelled\t", 1, true), result.out .. result.err)
      assert.equal(0, result.status)
    end)

    it("says what was on its way beside it", function()
      script(HIT .. [[
        local task = luaprov.spawn(create, 'new')
        luaprov.deadline(0.3, pcall, task.wait, task)
        hit()
        while true do end]])
      local result = programs.sh(folder, "timeout 20 " .. programs.alone .. " " .. programs.luaprov .. " script.lua")
      assert.truthy(result.err:find("interrupted!\nstack traceback", 1, true), result.err)
      assert.same({ "ended with the script: POST HOST/v1/integrations: unknown, it may have been done" },
        reported(result.err))
      assert.equal(130, result.status)
      assert(server:accept()):close()
    end)
  end)
end)
