-- Ends in the midst of calls: of a client, a request, a worker, nginx, a Lua state.
local socket = require "socket"
local support = require "tests.support"
local vendors = require "tests.nginx.vendor"
local worker = require "tests.nginx.worker"

-- The sockets of bells, and their folders: in a folder of the test's own.
local function left_behind(folder)
  local names = {}
  for name in io.popen("ls " .. folder):lines() do names[#names + 1] = name end
  return table.concat(names, " ")
end

describe("an end within nginx #nginx", function()
  local nginx, vendor, temporary

  local function start(options)
    options = options or {}
    options.environment = { TMPDIR = temporary }
    nginx = worker.start(options)
  end

  before_each(function()
    temporary = support.folder()
    vendor = vendors.start()
  end)

  after_each(function()
    if nginx then nginx:stop() end
    vendor:stop()
    support.clean()
  end)

  -- A call that is made and answered: the worker is well.
  local function works()
    local request = nginx:send("/app/list?url=" .. vendor.url)
    vendor:receive():answer '{"id":"1"}'
    assert.equal("1 records", (request:read()))
  end

  it("of a client: its transfer is cancelled", function()
    start { http = "  lua_check_client_abort on;" }
    for _ = 1, 3 do
      local request = nginx:send("/app/list?url=" .. vendor.url)
      local call = vendor:receive()
      request:leave()
      local began = socket.gettime()
      assert.is_true(call:is_left(10))
      assert.is_true(socket.gettime() - began < 5)
    end
    works()
  end)

  it("of a client, where nobody looks: its call goes on", function()
    start()
    local request = nginx:send("/app/list?url=" .. vendor.url)
    local call = vendor:receive()
    request:leave()
    assert.is_false(call:is_left(0.7))
    call:answer()
    works()
  end)

  it("of many clients at once: the others get their answers", function()
    start { http = "  lua_check_client_abort on;" }
    local requests, calls = {}, {}
    for i = 1, 40 do
      requests[i] = nginx:send("/app/list?url=" .. vendor.url)
      calls[i] = vendor:receive()
    end
    for i = 1, 40, 2 do requests[i]:leave() end
    for i = 1, 40, 2 do assert.is_true(calls[i]:is_left(10)) end
    for i = 2, 40, 2 do calls[i]:answer() end
    for i = 2, 40, 2 do assert.equal("0 records", (requests[i]:read())) end
    works()
  end)

  it("of a request by ngx.exit: its other light threads' transfers are cancelled", function()
    start()
    local request = nginx:send("/app/exit?url=" .. vendor.url)
    local call = vendor:receive()
    assert.equal("exit\n", (request:read()))
    assert.is_true(call:is_left(10))
    works()
  end)

  for _, workers in ipairs { 1, 2 } do
    it(("by HUP with calls in flight in %d worker(s): they finish"):format(workers), function()
      start { workers = workers }
      local requests, calls = {}, {}
      for i = 1, 20 do
        requests[i] = nginx:send("/app/list?url=" .. vendor.url)
        calls[i] = vendor:receive()
      end
      local before = nginx:workers()
      assert.equal(workers, #before)
      nginx:signal "HUP"
      worker.eventually("new workers", function() return #nginx:workers() == 2 * workers end)
      works()
      for _, call in ipairs(calls) do call:answer() end
      for _, request in ipairs(requests) do assert.equal("0 records", (request:read())) end
      worker.eventually("the old workers have ended", function() return #nginx:workers() == workers end)
      assert.equal("", left_behind(temporary))
      works()
    end)

    it(("by HUP in %d worker(s): who begins another call in a worker that shall exit has it answered"):format(workers),
      function()
        start { workers = workers }
        local request = nginx:send("/app/twice?url=" .. vendor.url)
        local first = vendor:receive()
        nginx:signal "HUP"
        worker.eventually("new workers", function() return #nginx:workers() == workers + 1 end)
        first:answer()
        local second = vendor:receive()
        assert.is_false(second:is_left(0.7)) -- longer than anything of ours rests
        second:answer '{"id":"1"}'
        assert.equal("0 records, 1 records", (request:read()))
        worker.eventually("the old worker has ended", function() return #nginx:workers() == workers end)
      end)

    it(("by HUP in %d worker(s): a task that its request has abandoned holds none"):format(workers), function()
      start { workers = workers }
      local request = nginx:send("/app/abandon?url=" .. vendor.url)
      vendor:receive():answer()
      assert.equal("0 records", (request:read()))
      local before = {}
      for _, pid in ipairs(nginx:workers()) do before[pid] = true end
      nginx:signal "HUP"
      worker.eventually("the old workers have ended", function()
        local now = nginx:workers()
        for _, pid in ipairs(now) do
          if before[pid] then return false end
        end
        return #now == workers
      end)
    end)

    it(("by TERM with calls in flight in %d worker(s): at once"):format(workers), function()
      start { workers = workers }
      local calls = {} -- held: what is collected is closed
      for i = 1, 20 do
        nginx:send("/app/list?url=" .. vendor.url)
        calls[i] = vendor:receive()
      end
      local began = socket.gettime()
      nginx:stop()
      assert.is_true(socket.gettime() - began < 5)
      assert.equal(20, #calls)
      assert.equal("", left_behind(temporary))
    end)
  end

  it("by KILL: the next worker works", function()
    start()
    local request = nginx:send("/app/list?url=" .. vendor.url)
    local call = vendor:receive() -- held: what is collected is closed
    local killed = nginx:workers()[1]
    nginx:signal("KILL", killed)
    assert.is_nil((request:read()))
    assert.truthy(call)
    worker.eventually("a new worker", function()
      local now = nginx:workers()
      return #now == 1 and now[1] ~= killed
    end)
    works()
    assert.equal("", left_behind(temporary))
  end)

  it("of Lua states that serve one request: nothing leaks", function()
    start { http = "  lua_code_cache off;" }
    works()
    local function settled()
      local before
      return worker.eventually("all is over", function()
        local now = worker.usage(nginx:workers()[1])
        local same = before and now.threads == 1 and before.descriptors == now.descriptors
        before = now
        socket.sleep(0.3)
        return same and now
      end)
    end
    local before = settled()
    for _ = 1, 500 do works() end
    local after = settled()
    assert.equal(before.threads, after.threads)
    assert.equal(before.descriptors, after.descriptors)
    assert.equal("", left_behind(temporary))
  end)
end)
