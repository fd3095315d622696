-- What luaprov does within nginx: the same as elsewhere, in the phases that can wait.
local http = require "luaprov.http"
local socket = require "socket"
local process = require "tests.sandbox.process"
local support = require "tests.support"
local vendors = require "tests.nginx.vendor"
local worker = require "tests.nginx.worker"

local SERVER = [[
    location /rewrite { rewrite_by_lua_block { ngx.print(require("tests.nginx.app").quickstart()) ngx.exit(200) } }
    location /access { access_by_lua_block { ngx.print(require("tests.nginx.app").quickstart()) ngx.exit(200) } }
    location /set {
      set_by_lua_block $a { require("tests.nginx.app").note("set", function() return list() end) return "" }
      return 200 "$a";
    }
    location /filters {
      content_by_lua_block { ngx.print "x" }
      header_filter_by_lua_block { require("tests.nginx.app").note("header_filter", function() return list() end) }
      body_filter_by_lua_block { require("tests.nginx.app").note("body_filter", function() return list() end) }
      log_by_lua_block { require("tests.nginx.app").note("log", function() return list() end) }
    }
]]

local HTTP = [[
  init_by_lua_block {
    local app = require "tests.nginx.app"
    function list() return app.client("http://127.0.0.1:1").things:list() end
    app.note("init", list)
  }
  init_worker_by_lua_block {
    require("tests.nginx.app").note("init_worker", list)
  }
]]

-- A vendor that takes ten seconds: everything else in this file goes on beside it.
local TEN = 10
local slow = {}

setup(function()
  slow.vendor = worker.start { server = ([[
    location = /asked { content_by_lua_block { ngx.print(package.loaded.asked and "yes" or "no") } }
    location = /things {
      content_by_lua_block {
        package.loaded.asked = true
        ngx.sleep(%d)
        ngx.header.content_type = "application/json"
        ngx.print '{"items":[{"id":"7"}]}'
      }
    }]]):format(TEN) }
  slow.nginx = worker.start()
  slow.other = vendors.start()
  slow.began = http.now()
  slow.request = slow.nginx:send("/app/list?timeout=20&url=http://127.0.0.1:" .. slow.vendor.port)
end)

teardown(function()
  for _, one in pairs(slow) do
    if type(one) == "table" and one.stop then one:stop() end
  end
  support.clean()
end)

local function others_are_answered()
  assert.equal("static", (slow.nginx:get "/static"))
  local request = slow.nginx:send("/app/list?url=" .. slow.other.url)
  slow.other:receive():answer()
  assert.equal("0 records", (request:read()))
end

describe("a vendor that takes ten seconds #nginx", function()
  it("has been asked, and the worker answers others", function()
    worker.eventually("it is asked", function() return slow.vendor:get "/asked" == "yes" end)
    for _ = 1, 50 do others_are_answered() end
    assert.is_false(slow.request:is_answered())
  end)
end)

for _, workers in ipairs { 1, 2 } do
  describe(("calls in %d nginx worker(s) #nginx"):format(workers), function()
    local nginx, vendor

    setup(function()
      nginx = worker.start { workers = workers }
      vendor = vendors.start()
    end)

    teardown(function()
      if nginx then nginx:stop() end
      if vendor then vendor:stop() end
      support.clean()
    end)

    it("go beside each other in one request", function()
      local request = nginx:send("/app/many?count=50&url=" .. vendor.url)
      local calls = {}
      for i = 1, 50 do calls[i] = vendor:receive() end
      for _, call in ipairs(calls) do call:answer() end
      assert.equal("50 calls", (request:read()))
    end)

    it("go beside each other in many requests", function()
      local requests, calls = {}, {}
      for i = 1, 50 do requests[i] = nginx:send("/app/list?url=" .. vendor.url) end
      for i = 1, 50 do calls[i] = vendor:receive() end
      for _, call in ipairs(calls) do call:answer '{"id":"1"},{"id":"2"}' end
      for _, request in ipairs(requests) do assert.equal("2 records", (request:read())) end
    end)

    it("leave the worker free: a vendor that does not answer is in nobody's way", function()
      local waits = nginx:send("/app/list?timeout=10&url=" .. vendor.url)
      local call = vendor:receive()
      local began = socket.gettime()
      for _ = 1, 50 do assert.equal("static", (nginx:get("/static"))) end
      assert.is_true(socket.gettime() - began < 5)
      call:answer()
      assert.equal("0 records", (waits:read()))
    end)

    it("end by their own time", function()
      local request = nginx:send("/app/list?timeout=0.3&url=" .. vendor.url)
      local call = vendor:receive()
      local text = request:read()
      assert.truthy(text:find("timeout", 1, true) and text:find("unknown$"), text)
      assert.is_true(call:is_left(5))
    end)
  end)
end

describe("nginx's phases #nginx", function()
  local nginx, sandbox

  setup(function()
    sandbox = process.start "--no-limits"
    nginx = worker.start { environment = sandbox.exports, server = SERVER, http = HTTP }
  end)

  teardown(function()
    if nginx then nginx:stop() end
    if sandbox then sandbox:stop() end
    support.clean()
  end)

  for _, where in ipairs { "/app/quickstart", "/rewrite", "/access" } do
    it("can wait: every operation of all providers at " .. where, function()
      local text, status = nginx:get(where)
      assert.equal(200, status)
      assert.truthy(text:find("\n%d%d%d calls, 0 failed$"), text)
    end)
  end

  it("have a timer, in which everything works", function()
    assert.equal("started", (nginx:get "/app/timer?name=quickstart"))
    local noted = worker.eventually("the timer ends", function()
      local text = nginx:get "/app/noted?name=quickstart"
      return text ~= "" and text
    end)
    assert.truthy(noted:find("^true ") and noted:find(" 0 failed$"), noted)
  end)

  it("have tasks as elsewhere", function()
    for _ = 1, 20 do assert.equal("all is well", (nginx:get "/app/tasks")) end
    nginx:get "/app/timer?name=tasks"
    assert.equal("true all is well", worker.eventually("the timer ends", function()
      local text = nginx:get "/app/noted?name=tasks"
      return text ~= "" and text
    end))
  end)

  it("that cannot wait say where to", function()
    nginx:get "/set"
    nginx:get "/filters"
    for _, phase in ipairs { "init", "init_worker", "set", "header_filter", "body_filter", "log" } do
      local noted = worker.eventually(phase .. " is noted", function()
        local text = nginx:get("/app/noted?name=" .. phase)
        return text ~= "" and text
      end)
      assert.truthy(noted:find("^false ") and noted:find("ngx.timer.at", 1, true)
        and noted:find("'" .. phase .. "'", 1, true), noted)
    end
  end)
end)

describe("the vendor that takes ten seconds #nginx", function()
  it("answers, and others were answered all the time", function()
    repeat others_are_answered() until slow.request:is_answered()
    assert.is_true(http.now() - slow.began >= TEN)
    assert.equal("1 records", (slow.request:read()))
  end)
end)
