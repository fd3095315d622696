-- What the workers of one nginx keep together: an account's limits, and its token.
local socket = require "socket"
local support = require "tests.support"
local vendors = require "tests.nginx.vendor"
local worker = require "tests.nginx.worker"

local CALLS, WINDOW, SECONDS = 24, 5, 0.5

describe("workers that share a dictionary #nginx", function()
  local nginx, vendor

  before_each(function() vendor = vendors.start() end)

  after_each(function()
    if nginx then nginx:stop() end
    vendor:stop()
    support.clean()
  end)

  -- Answers what comes, until so many lists have been asked for: when each came, and how many tokens were asked for.
  local function serve(count, refuse)
    local times, tokens, bearers = {}, 0, {}
    while #times < count do
      local call = vendor:receive()
      if call.path == "/token" then
        tokens = tokens + 1
        call:say(200, ('{"access_token":"tok-%d","expires_in":3600}'):format(tokens))
      elseif refuse and refuse(call) then
        call:say(401, "{}")
      else
        times[#times + 1] = socket.gettime()
        bearers[call.authorization] = true
        call:answer()
      end
    end
    return times, tokens, bearers
  end

  local function send(count)
    local requests = {}
    for i = 1, count do requests[i] = nginx:send("/app/counted?url=" .. vendor.url) end
    return requests
  end

  -- Reads the answers: the workers that gave them.
  local function read(requests)
    local pids, count = {}, 0
    for _, request in ipairs(requests) do
      local pid, text = request:read():match("^(%d+) (.*)$")
      assert.equal("0 records", text)
      if not pids[pid] then count = count + 1 end
      pids[pid] = true
    end
    return count
  end

  -- The most that came within one window.
  local function most(times)
    local count = 0
    for first = 1, #times do
      local last = first
      while times[last + 1] and times[last + 1] - times[first] < SECONDS do last = last + 1 end
      count = math.max(count, last - first + 1)
    end
    return count
  end

  -- How often a worker has said that there is no dictionary.
  local function complaints()
    local count = 0
    for line in nginx:log():gmatch "[^\n]+" do
      local says = line:find("[error] ", 1, true) and line:find("luaprov: there is no shared dictionary, so 2 workers "
        .. "keep limits and tokens each alone: write `lua_shared_dict luaprov 1m;` into nginx's http block", 1, true)
      count = says and count + 1 or count
    end
    return count
  end

  it("keep its limits together, and ask for one token", function()
    nginx = worker.start { workers = 2, spread = true, http = "  lua_shared_dict luaprov 1m;" }
    local requests = send(CALLS)
    local times, tokens = serve(CALLS)
    assert.equal(2, read(requests))
    assert.equal(1, tokens)
    assert.equal(WINDOW, most(times))
    assert.equal(0, complaints())
    -- …and no slower than the vendor wants it, by much.
    assert.is_true(times[#times] - times[1] < 2 * SECONDS * CALLS / WINDOW)
  end)

  it("and without one each keeps its own, and says so once, as an error", function()
    nginx = worker.start { workers = 2, spread = true }
    local requests = send(CALLS)
    local times, tokens = serve(CALLS)
    assert.equal(2, read(requests))
    assert.equal(2, tokens)
    assert.is_true(most(times) > WINDOW)
    assert.equal(2, complaints())
    assert.equal("static", (nginx:get "/static"))
  end)

  it("are not asked for where one worker is alone", function()
    nginx = worker.start { workers = 1 }
    local requests = send(1)
    serve(1)
    assert.equal(1, read(requests))
    assert.equal(0, complaints())
  end)

  it("ask for one more token when the vendor refuses theirs", function()
    nginx = worker.start { workers = 2, spread = true, http = "  lua_shared_dict luaprov 1m;" }
    local requests = send(CALLS)
    local _, tokens, bearers = serve(CALLS, function(call) return call.authorization == "Bearer tok-1" end)
    read(requests)
    assert.equal(2, tokens)
    assert.same({ ["Bearer tok-2"] = true }, bearers)
  end)

  it("and one that is killed with calls in flight is in nobody's way for long", function()
    nginx = worker.start { workers = 1, http = "  lua_shared_dict luaprov 1m;" }
    for _ = 1, WINDOW do nginx:send("/app/counted?timeout=0.4&url=" .. vendor.url) end
    local first = vendor:receive()
    first:say(200, '{"access_token":"tok-1","expires_in":3600}')
    for _ = 1, WINDOW do vendor:receive() end
    local killed = nginx:workers()[1]
    nginx:signal("KILL", killed)
    worker.eventually("a new worker", function()
      local now = nginx:workers()
      return #now == 1 and now[1] ~= killed
    end)
    local request = nginx:send("/app/counted?timeout=0.4&url=" .. vendor.url)
    vendor:receive():answer() -- with the token that the one before was given
    assert.equal(1, read { request })
  end)

  it("say so when there is no room", function()
    nginx = worker.start { workers = 1, http = [[
  lua_shared_dict luaprov 12k;
  init_by_lua_block {
    for i = 1, 1000 do if not ngx.shared.luaprov:safe_set("x" .. i, ("x"):rep(20)) then break end end
    for i = 1, 1000 do if not ngx.shared.luaprov:safe_set("y" .. i, ("x"):rep(90)) then break end end
  }]] }
    local requests = send(WINDOW + 1)
    serve(WINDOW + 1)
    assert.equal(1, read(requests))
    assert.truthy(nginx:log():find "%[error%] [^\n]*the shared dictionary luaprov is full, so each worker keeps")
  end)
end)

describe("a request that is ended #nginx", function()
  local nginx, vendor

  setup(function()
    vendor = vendors.start()
    nginx = worker.start { http = "  lua_check_client_abort on;" }
  end)

  teardown(function()
    nginx:stop()
    vendor:stop()
    support.clean()
  end)

  -- at_once is one: whoever goes away with the turn, or in the queue, must give it back.
  it("gives its turn back, and its place in the queue", function()
    for _ = 1, 3 do
      local first = nginx:send("/app/one?url=" .. vendor.url)
      local call = vendor:receive()
      local second = nginx:send("/app/one?url=" .. vendor.url)
      assert.equal("static", (nginx:get "/static"))
      local third = nginx:send("/app/one?url=" .. vendor.url)
      assert.equal("static", (nginx:get "/static"))
      second:leave()
      first:leave()
      assert.is_true(call:is_left(10))
      vendor:receive():answer()
      assert.equal("0 records", (third:read()))
    end
  end)

  it("lets the next create of its key go on, which looks at what is there anew", function()
    local first = nginx:send("/app/create?url=" .. vendor.url)
    vendor:receive():answer() -- what is there: nothing
    local call = vendor:receive()
    assert.equal("POST", call.method)
    local second = nginx:send("/app/create?url=" .. vendor.url)
    assert.equal("static", (nginx:get "/static"))
    first:leave()
    assert.is_true(call:is_left(10))
    call = vendor:receive()
    assert.equal("GET", call.method)
    call:answer()
    vendor:receive():say(201, '{"id":"7","name":"x"}')
    assert.equal("7", (second:read()))
  end)
end)
