-- Calls are counted as the vendor counts them, and one too many is refused as the vendor refuses it.
local boxes = require "tests.sandbox.boxes"
local limits = require "luaprov.sandbox.limits"
local luaprov = require "luaprov"
local support = require "tests.support"

local function clock(windows)
  local time = { now = 100 }
  return limits.new(windows, function() return time.now end), time
end

describe("A limit of the sandbox", function()
  after_each(boxes.stop)

  it("counts in fixed windows, and begins again with the next", function()
    local own, time = clock { { 3, per = 1 } }
    time.now = 100.4
    for left = 2, 0, -1 do
      local state, refused = own:count_call()
      assert.same({ 3, left, 1, false }, { state.limit, state.remaining, state.reset, refused })
    end
    assert.is_true(select(2, own:count_call()))
    time.now = 100.999
    assert.is_true(select(2, own:count_call()))
    time.now = 101
    assert.is_false(select(2, own:count_call()))
  end)

  it("counts in all windows, shows the tightest, and sends away for as long as the longest full one takes", function()
    local own, time = clock { { 3, per = 1 }, { 5, per = 60 } }
    time.now = 120
    for _ = 1, 3 do own:count_call() end
    assert.equal(1, own:count_call().reset)
    time.now = 121
    local state = own:count_call()
    assert.same({ 5, 1 }, { state.limit, state.remaining })
    own:count_call()
    local refused
    state, refused = own:count_call()
    assert.same({ true, 59 }, { refused, state.reset })
    time.now = 122.5
    assert.equal(58, own:count_call().reset)
    time.now = 180
    assert.is_false(select(2, own:count_call()))
  end)

  it("does not count what it refuses", function()
    local own, time = clock { { 1, per = 1 }, { 2, per = 60 } }
    time.now = 120
    for _ = 1, 50 do own:count_call() end
    time.now = 121
    assert.is_false(select(2, own:count_call()))
  end)

  local function ocamba()
    local box = assert(boxes.start { "ocamba" })
    -- As many calls as the limits let through, without waiting for a clock.
    local time = { now = 1000.25 }
    box.vendors[1].limits.now = function() return time.now end
    return box, time
  end

  it("of Ocamba is told in its headers, and refused with its 429, which has none of them", function()
    local box, time = ocamba()
    local path = "/ocamba/v1/hood/integrations"
    for i = 1, 10 do
      local headers = boxes.send(box, "GET", path).headers
      assert.same({ "10", tostring(10 - i), "1" }, { headers["x-ratelimit-limit"], headers["x-ratelimit-remaining"],
        headers["x-ratelimit-reset"] })
    end
    local answer = boxes.send(box, "GET", path)
    assert.same({ 429, "1" }, { answer.status, answer.headers["retry-after"] })
    for name in pairs(answer.headers) do assert.is_nil(name:find("ratelimit")) end
    assert.equal(429, answer.json.code)
    local options = box:options "ocamba"
    options.attempts = 1
    local client = assert(luaprov.client("ocamba", options))
    local _, err = client.integrations:create(boxes.mitto "n")
    support.is_error({ kind = "rate_limited", outcome = "refused", status = 429, retry_after = 1 }, err)
    assert.equal(0, #box:records("ocamba", "integrations"))
    time.now = time.now + 1
    assert(client.integrations:create(boxes.mitto "n"))
    for _ = 1, 14 do
      time.now = time.now + 1
      for _ = 1, 10 do boxes.send(box, "GET", path) end
    end
    answer = boxes.send(box, "GET", path)
    assert.same({ 429, true }, { answer.status, tonumber(answer.headers["retry-after"]) > 1 })
  end)

  it("counts errors, and nobody who is not let in", function()
    local box = ocamba()
    local path = "/ocamba/v1/hood/integrations"
    for _ = 1, 20 do assert.equal(401, boxes.send(box, "GET", path, { token = "other" }).status) end
    for _ = 1, 5 do assert.truthy(boxes.send(box, "GET", path .. "/9").headers["x-ratelimit-limit"]) end
    assert.equal("4", boxes.send(box, "GET", path).headers["x-ratelimit-remaining"])
  end)

  it("is the account's, however many tokens that has", function()
    local text = support.provider('    path = "/things", list = get {},\n', [[limits = { { 4, per = 1 } },
      auth = token_request { url = "{base_url}/token", token = "t", secret "key" { required = true } } ]])
    local box, acme = boxes.of(text)
    box.vendors[1].limits.now = function() return 5 end
    for _ = 1, 4 do
      assert(acme.things:list())
      box:expire_tokens "acme"
    end
    support.is_error({ kind = "rate_limited", retry_after = 1 }, select(2, acme.things:list()))
  end)

  it("is none where somebody wants none", function()
    local box = assert(boxes.start { "ocamba", limits = false })
    for _ = 1, 30 do
      local answer = boxes.send(box, "GET", "/ocamba/v1/hood/integrations")
      assert.equal(200, answer.status)
      assert.is_nil(answer.headers["x-ratelimit-limit"])
    end
  end)
end)
