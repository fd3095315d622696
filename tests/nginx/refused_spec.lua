-- What nginx, or the system, may lack: a clear error at the first call, and the worker goes on serving.
local socket = require "socket"
local support = require "tests.support"
local vendors = require "tests.nginx.vendor"
local worker = require "tests.nginx.worker"

local build = os.getenv("LUAPROV_BUILD") or "build"

describe("what is refused within nginx #nginx", function()
  local nginx, vendor

  before_each(function() vendor = vendors.start() end)

  after_each(function()
    if nginx then nginx:stop() end
    vendor:stop()
    support.clean()
  end)

  local function list() return (nginx:get("/app/list?attempts=3&url=" .. vendor.url)) end

  local function works()
    local request = nginx:send("/app/list?url=" .. vendor.url)
    vendor:receive():answer()
    assert.equal("0 records", (request:read()))
  end

  local function serves()
    assert.equal("static", (nginx:get "/static"))
    assert.truthy((nginx:get "/pid"):find "^%d+$")
  end

  it("a thread", function()
    local flag = support.file("refuse", "")
    nginx = worker.start { environment = { LD_PRELOAD = build .. "/tests/nginx/system.so",
      LUAPROV_TEST_NO_THREADS = flag } }
    for _ = 1, 2 do
      assert.equal("acme things list: unsupported: luaprov's engine cannot be started: no thread can be started: "
        .. "Resource temporarily unavailable not_sent", list())
      serves()
    end
    os.remove(flag)
    works()
  end)

  it("a temporary folder that can be written", function()
    local folder = support.folder() .. "/none"
    nginx = worker.start { environment = { TMPDIR = folder } }
    for _ = 1, 2 do
      assert.equal("acme things list: unsupported: luaprov's engine cannot tell nginx what has ended: no folder can be "
        .. "made in " .. folder .. ": No such file or directory not_sent", list())
      serves()
    end
    os.execute("mkdir " .. folder)
    works()
  end)

  it("to write in the temporary folder", function()
    -- Who is root is not refused anything: the workers are somebody else, who must be able to read luaprov.
    local may = os.execute(("[ $(id -u) != 0 ] || setpriv --reuid=nobody --regid=nogroup --clear-groups test -r "
      .. "%s/share/lua/5.1/luaprov/init.lua"):format(build))
    if may ~= true and may ~= 0 then return pending("nobody but root can read " .. build) end
    nginx = worker.start { environment = { TMPDIR = "/usr" }, main = "user nobody nogroup;" }
    assert.equal("acme things list: unsupported: luaprov's engine cannot tell nginx what has ended: no folder can be "
      .. "made in /usr: Permission denied not_sent", list())
    serves()
  end)

  it("more timers", function()
    nginx = worker.start { http = "  lua_max_pending_timers 0;" }
    assert.equal("acme things list: unsupported: no timer can be started: too many pending timers not_sent", list())
    serves()
  end)

  describe("an answer to a name for two seconds", function()
    local LOOKUP, MOST = 2, 0.1 -- seconds: that the lookup takes (see system.c), that it may delay others
    local QUIET = 0.5 -- seconds that a call may take without one: else the machine hides what is looked for
    local WINDOWS = 6

    -- Seconds that the slowest of many calls takes, one after another, while `goes_on()`.
    local function slowest_while(goes_on)
      local slowest = 0
      repeat
        local asked = socket.gettime()
        works()
        assert.equal("static", (nginx:get "/static"))
        slowest = math.max(slowest, socket.gettime() - asked)
      until not goes_on()
      return slowest
    end

    -- Seconds by which the slowest call takes longer while lookups hang than the slowest one of as long a time without.
    local function delay()
      local ends = socket.gettime() + LOOKUP
      local without = slowest_while(function() return socket.gettime() < ends end)
      local slow = {}
      -- Some are given up in the midst of it, one is not.
      for i = 1, 5 do slow[i] = nginx:send("/app/list?timeout=0.3&url=http://slow.invalid") end
      slow[6] = nginx:send("/app/list?timeout=10&url=http://slow.invalid")
      local with = slowest_while(function() return not slow[6]:is_answered() end)
      for i = 1, 6 do
        local text = slow[i]:read()
        assert.truthy(text:find("not_sent$"), text)
      end
      return without < QUIET and with - without or math.huge
    end

    -- The machine may hold any one call up, but not some in every window: a lookup that is in the way of others is so
    -- in each of them.
    it("delays nobody else by 100 ms", function()
      nginx = worker.start { environment = { LD_PRELOAD = build .. "/tests/nginx/system.so" } }
      works()
      local least = math.huge
      for _ = 1, WINDOWS do
        least = math.min(least, delay())
        if least < MOST then break end
      end
      assert.is_true(least < MOST, least .. " s")
    end)
  end)

  it("lua-resty-core", function()
    -- Without it this nginx does not start; with a part of it only, it does.
    nginx = worker.start { http = [[
  init_by_lua_block { package.preload["ngx.semaphore"] = function() error("no semaphores here", 0) end }]] }
    assert.equal("acme things list: unsupported: luaprov needs lua-resty-core (Debian's package of that name): no "
      .. "semaphores here not_sent", list())
    serves()
  end)
end)
