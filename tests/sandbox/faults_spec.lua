-- Every fault through the client: what a script sees, and what the vendor has afterwards.
local boxes = require "tests.sandbox.boxes"
local faults = require "luaprov.sandbox.faults"
local http = require "luaprov.http"
local luaprov = require "luaprov"
local runtime = require "luaprov.runtime"
local support = require "tests.support"

local function ocamba(more)
  local box = assert(boxes.start { "ocamba", limits = false })
  local options = box:options "ocamba"
  options.attempts = 1
  for name, value in pairs(more or {}) do options[name] = value end
  return box, assert(luaprov.client("ocamba", options))
end

local function count(box) return #box:records("ocamba", "integrations") end

-- What a create sees: nothing (it is well), or kind and outcome; and whether the vendor has acted.
local SEEN = {
  { { fault = "problem", problem = "exists" }, "conflict", "refused", 0 },
  { { fault = "status" }, "unavailable", "unknown", 0 },
  { { fault = "status", status = 500, acts = true }, "unavailable", "unknown", 1 },
  { { fault = "status", status = 503, retry_after = 3 }, "unavailable", "refused", 0 },
  { { fault = "status", status = 408, acts = true }, "timeout", "unknown", 1 },
  { { fault = "status", status = 429, retry_after = -1 }, "rate_limited", "refused", 0 },
  { { fault = "status", status = 403 }, "forbidden", "refused", 0 },
  { { fault = "redirect" }, "protocol", "unknown", 0 },
  { { fault = "drop" }, "network", "unknown", 1 },
  { { fault = "drop", reset = true }, "network", "unknown", 1 },
  { { fault = "drop", acts = false }, "network", "unknown", 0 },
  { { fault = "silent" }, "timeout", "unknown", 1, 0.2 },
  { { fault = "silent", acts = false }, "timeout", "unknown", 0, 0.2 },
  { { fault = "slow", seconds = 0.02 }, nil, nil, 1 },
  { { fault = "slow", seconds = 0.02, acts_first = true }, nil, nil, 1 },
  { { fault = "slow", seconds = 1000, acts_first = true }, "timeout", "unknown", 1, 0.2 },
  { { fault = "half_status" }, "network", "unknown", 1 },
  { { fault = "half_headers" }, "protocol", "unknown", 1 },
  { { fault = "half_headers", acts = false }, "protocol", "unknown", 0 },
  { { fault = "cut" }, "protocol", "unknown", 1 },
  { { fault = "half_status", reset = true }, { "network", "protocol" }, "unknown", 1 },
  { { fault = "half_headers", reset = true }, { "network", "protocol" }, "unknown", 1 },
  { { fault = "cut", reset = true }, { "network", "protocol" }, "unknown", 1 },
  { { fault = "cut", bytes = 0, reset = true }, { "network", "protocol" }, "unknown", 1 },
  { { fault = "idle" }, nil, nil, 1 },
  { { fault = "idle", reset = true }, nil, nil, 1 },
  { { fault = "slow_headers", seconds = 0.02 }, nil, nil, 1 },
  { { fault = "slow_headers", seconds = 1000 }, "timeout", "unknown", 1, 0.2 },
  { { fault = "slow_body", seconds = 0.02 }, nil, nil, 1 },
  { { fault = "slow_body", seconds = 1000 }, "timeout", "unknown", 1, 0.2 },
  { { fault = "html" }, "protocol", "unknown", 1 },
  { { fault = "html", status = 502 }, "unavailable", "unknown", 1 },
  { { fault = "empty" }, "protocol", "unknown", 1 },
  { { fault = "not_json" }, "protocol", "unknown", 1 },
  { { fault = "twice" }, "protocol", "unknown", 1 },
  { { fault = "wrong_type" }, nil, nil, 1 },
  { { fault = "enormous" }, "too_large", "unknown", 1 },
  { { fault = "unlisted" }, nil, nil, 1 },
  { { fault = "short_pages" }, nil, nil, 1 },
}

describe("A fault of the sandbox:", function()
  after_each(boxes.stop)

  for _, case in ipairs(SEEN) do
    local given, kind, outcome, kept, timeout = case[1], case[2], case[3], case[4], case[5]
    local words = {}
    for name, value in pairs(given) do words[#words + 1] = name .. "=" .. tostring(value) end
    table.sort(words)
    for _, warm in ipairs { false, true } do
      it(table.concat(words, " ") .. (warm and ", on a connection that was used before" or ""), function()
        local box, client = ocamba { timeout = timeout }
        if warm then assert(client.integrations:list()) end
        given.on = "ocamba integrations create"
        local fault = box:fault(given)
        local record, err = client.integrations:create(boxes.mitto "n")
        if type(kind) == "table" then
          support.is_error({ outcome = outcome }, err, record)
          assert.is_true(err.kind == kind[1] or err.kind == kind[2], tostring(err))
        elseif kind then support.is_error({ kind = kind, outcome = outcome }, err, record)
        else assert.equal("n", assert(record, err).name) end
        assert.equal(kept, count(box))
        assert.equal(1, fault.struck)
        if given.retry_after then assert.equal(given.retry_after, err.retry_after) end
      end)
    end
  end

  -- An answer that has no body leaves little to spoil: what a delete sees, whether the vendor has acted, and that the
  -- next call is as well as any.
  local DELETES = {
    { { fault = "half_status" }, "network" }, { { fault = "half_headers" }, "protocol" },
    { { fault = "cut" }, "protocol" }, { { fault = "cut", acts = false }, "protocol", 1 },
    { { fault = "not_json" }, "protocol" }, { { fault = "twice" }, "protocol" }, { { fault = "empty" }, "protocol" },
    { { fault = "wrong_type" }, "protocol" }, { { fault = "enormous" }, "too_large" },
    { { fault = "html" }, "protocol" },
    { { fault = "slow_headers", seconds = 1000 }, "timeout" }, { { fault = "slow_body", seconds = 1000 }, "timeout" },
    { { fault = "slow_headers", seconds = 0.02 } }, { { fault = "slow_body", seconds = 0.02 } },
    { { fault = "slow", seconds = 0.02 } }, { { fault = "drop" }, "network" },
  }
  for _, case in ipairs(DELETES) do
    local given, kind = case[1], case[2]
    local how = given.fault .. " " .. tostring(given.seconds or given.acts)
    it("a delete's answer, which has no body: " .. how, function()
      local box, client = ocamba { timeout = kind == "timeout" and 0.2 or nil }
      local made = assert(client.integrations:create(boxes.mitto "n"))
      given.on, given.times = "ocamba integrations delete", 1
      local fault = box:fault(given)
      local began = http.now()
      local done, err = client.integrations:delete(made.id)
      if kind then support.is_error({ kind = kind, outcome = "unknown" }, err, done)
      else assert.is_true(done, tostring(err)) end
      if not kind and given.seconds then assert.is_true(http.now() - began >= given.seconds) end
      assert.same({ case[3] or 0, 1 }, { count(box), fault.struck })
      -- A connection of which nothing more can come is not used again.
      for i = 1, 3 do assert(client.integrations:create(boxes.mitto("m" .. i))) end
    end)
  end

  it("wrong_type leaves all else of the answer as it was", function()
    local box = assert(boxes.start { "myreports" })
    box:fault { fault = "wrong_type", on = "myreports" }
    local answer = boxes.send(box, "POST", "/myreports/api/v1.0/customers/t/pbxs", {
      headers = { ["accept-charges"] = "true" },
      body = { _type = "ThreeCxConnectionProfile", name = "n", licenseKey = "F", username = "u", password = "F" } })
    assert.same({ 201, "text/plain" }, { answer.status, answer.headers["content-type"] })
    assert.truthy(answer.headers.location)
  end)

  it("every one has been tried", function()
    local tried = { late = true, others = true, refuse = true, hang_up = true }
    for _, case in ipairs(SEEN) do tried[case[1].fault] = true end
    for name in pairs(faults.faults) do assert.is_true(tried[name], name) end
  end)

  it("idle ends a connection that is then not used again, and costs nobody a call", function()
    for _, reset in ipairs { false, true } do
      local box, client = ocamba { attempts = 1 }
      local fault = box:fault { fault = "idle", reset = reset }
      for i = 1, 3 do
        assert(client.integrations:create(boxes.mitto("n" .. i)))
        -- The connection has ended when nothing waits any more.
        runtime.run_until(function() return box.server.listener:waiting() == 0 end)
      end
      assert.same({ 3, 3 }, { count(box), fault.struck })
      boxes.stop()
    end
  end)

  it("hang_up ends the connections that come next, and no more", function()
    for _, reset in ipairs { false, true } do
      local box, client = ocamba { attempts = 1 }
      box:fault { fault = "hang_up", count = 2, reset = reset }
      for _ = 1, 2 do support.is_error({ kind = "network" }, select(2, client.integrations:create(boxes.mitto "n"))) end
      assert(client.integrations:create(boxes.mitto "n"))
      assert.equal(1, count(box))
      boxes.stop()
    end
  end)

  it("refuse refuses connections from the start, for as long as it says", function()
    local box = assert(boxes.start { "ocamba", limits = false, faults = { { fault = "refuse" } } })
    local options = box:options "ocamba"
    options.attempts = 1
    local client = assert(luaprov.client("ocamba", options))
    for _ = 1, 2 do
      support.is_error({ kind = "network", outcome = "not_sent" }, select(2, client.integrations:list()))
    end
    box.server:open()
    assert(client.integrations:list())
    boxes.stop()
    box = assert(boxes.start { "ocamba", faults = { { fault = "refuse", seconds = 0.05 } } })
    options = box:options "ocamba"
    options.attempts = 1
    client = assert(luaprov.client("ocamba", options))
    local give_up, refused = http.now() + 20, 0
    while not client.integrations:list() do
      refused = refused + 1
      assert.is_true(http.now() < give_up)
    end
    assert.is_true(refused > 0)
    local ok, why = pcall(box.fault, box, { fault = "refuse" })
    assert.is_false(ok)
    assert.truthy(why:find("a sandbox that has begun cannot refuse", 1, true))
  end)

  it("of a connection takes no on, and no number of calls", function()
    local box = ocamba()
    for _, given in ipairs { { fault = "hang_up", on = "ocamba" }, { fault = "hang_up", times = 1 },
                             { fault = "refuse", after = 1 } } do
      local ok, why = pcall(box.fault, box, given)
      assert.is_false(ok)
      assert.truthy(why:find(given.fault .. ": unknown option", 1, true), why)
    end
  end)

  it("late acts when the client has long gone", function()
    local box, client = ocamba { timeout = 0.2 }
    box:fault { fault = "late", on = "* * create", seconds = 0.05 }
    support.is_error({ kind = "timeout", outcome = "unknown" }, select(2, client.integrations:create(boxes.mitto "n")))
    assert.equal(0, count(box))
    assert.equal(0, #assert(client.integrations:list()))
    local give_up = http.now() + 20
    runtime.run_until(function() return count(box) == 1 or http.now() > give_up end)
    assert.equal(1, count(box))
    assert.equal("n", assert(client.integrations:list())[1].name)
  end)

  it("late finds what is there by then", function()
    local box, client = ocamba { timeout = 0.2 }
    local made = assert(client.integrations:create(boxes.mitto "n"))
    box:fault { fault = "late", on = "ocamba integrations update", seconds = 0.05 }
    client.integrations:update(made.id, { name = "m" })
    assert(client.integrations:delete(made.id))
    local give_up = http.now() + 20
    runtime.run_until(function() return box.server.listener:waiting() == 0 or http.now() > give_up end)
    assert.same({ 0, 0 }, { box.server.listener:waiting(), count(box) })
  end)

  it("others are there from the start, as many as are asked for, and are no more than records", function()
    local box = assert(boxes.start { "ocamba", limits = false, faults = {
      { fault = "others", on = "ocamba integrations", count = 3000, records = { { name = "theirs {n}" } } },
      { fault = "others", on = "ocamba integrations", records = { { id = "7", name = "{x}" }, { name = "b" } } },
    } })
    local client = assert(luaprov.client("ocamba", box:options "ocamba"))
    local all = assert(client.integrations:list())
    assert.same({ 3002, "theirs 1", "theirs 3000", "{x}", "b" }, { #all, all[1].name, all[3000].name, all[3001].name,
      all[3002].name })
    assert.equal("7", all[3001].id)
    assert(client.integrations:delete "7")
    assert.equal(3001, count(box))
    box:fault { fault = "others", on = "ocamba integrations", records = { { name = "later" } } }
    assert.equal(3002, count(box))
  end)

  it("strikes where `on` says, after as many calls and as often as it says", function()
    local box, client = ocamba()
    local fault = box:fault { fault = "status", on = "ocamba integrations list", after = 1, times = 2 }
    assert(client.integrations:create(boxes.mitto "n"))
    local seen = {}
    for i = 1, 5 do seen[i] = client.integrations:list() ~= nil end
    assert.same({ true, false, false, true, true }, seen)
    assert.same({ 2, 5 }, { fault.struck, fault.seen })
  end)

  it("knows its calls by every form of `on`", function()
    local strikes = { ["ocamba"] = "lcp", ["ocamba integrations"] = "lc", ["ocamba * list"] = "lp", ["*"] = "lcp",
                      ["* * create"] = "c", ["* providers"] = "p", ["ocamba  providers list "] = "p" }
    for on, wanted in pairs(strikes) do
      local box, client = ocamba()
      box:fault { fault = "status", status = 418, on = on }
      local struck = ""
      local function try(letter, _, err)
        if err and err.status == 418 then struck = struck .. letter end
      end
      try("l", client.integrations:list())
      try("c", client.integrations:create(boxes.mitto "n"))
      try("p", client.providers:list())
      assert.equal(wanted, struck, on)
      boxes.stop()
    end
    local box = ocamba()
    box:fault { fault = "status", status = 418 }
    assert.equal(418, boxes.send(box, "GET", "/ocamba/nowhere").status)
  end)

  it("of several the first that fits strikes", function()
    local box, client = ocamba()
    box:fault { fault = "status", status = 418, on = "ocamba", times = 1 }
    box:fault { fault = "status", status = 419, on = "ocamba integrations", times = 1 }
    local statuses = {}
    for i = 1, 3 do statuses[i] = (select(2, client.integrations:list()) or {}).status or 200 end
    assert.same({ 418, 419, 200 }, statuses)
  end)

  it("strikes token requests, of which none sends the call itself", function()
    for _, given in ipairs {
      { fault = "drop" }, { fault = "html" }, { fault = "not_json" }, { fault = "half_headers" }, { fault = "silent" },
      { fault = "status", status = 503 }, { fault = "empty" }, { fault = "redirect" }, { fault = "cut" },
      { fault = "problem", problem = "credentials" },
    } do
      local box = assert(boxes.start { "hubster" })
      given.on = "hubster token"
      local fault = box:fault(given)
      local hubster = assert(luaprov.client("hubster", {
        base_url = box.base_url.hubster, token_url = box.token_url.hubster, client_id = "sandbox-client-id",
        client_secret = "sandbox-client-secret", timeout = 0.4, attempts = 1 }))
      local hub, err = hubster.hubs:create { name = "n", description = "d" }
      support.is_error({ outcome = "not_sent", has = "no token" }, err, hub)
      if given.fault == "problem" then assert.same({ "unauthorized", 400 }, { err.kind, err.status }) end
      assert.equal(1, fault.struck)
      assert.equal(0, #box:records("hubster", "hubs"))
      boxes.stop()
    end
  end)

  it("strikes a first token and not the second, or a renewal", function()
    local box = assert(boxes.start { "onebox" })
    local onebox = assert(luaprov.client("onebox", { base_url = box.base_url.onebox, email = "sandbox-email",
      password = "sandbox-password", site_id = "sandbox-site-id", attempts = 1 }))
    box:fault { fault = "status", status = 500, on = "onebox token", after = 1, times = 1 }
    assert(onebox.connections:list())
    box:expire_tokens "onebox"
    support.is_error({ kind = "unavailable", outcome = "not_sent" }, select(2, onebox.connections:list()))
    assert(onebox.connections:list())
  end)

  it("writes an answer of any size to a client in its own process", function()
    for _, given in ipairs { { fault = "slow_headers" }, { fault = "slow_body" }, { fault = "cut" } } do
      local box, client = boxes.of(support.provider(support.operations .. 'text "name" {},'))
      local name = ("x"):rep(7 * 1024 * 1024)
      local made = assert(client.things:create { name = name })
      given.on, given.seconds = "acme things get", given.fault ~= "cut" and 0.02 or nil
      box:fault(given)
      local record, err = client.things:get(made.id)
      if given.fault == "cut" then support.is_error({ kind = "protocol", outcome = "unknown" }, err, record)
      else assert.is_true(assert(record, tostring(err)).name == name) end
      boxes.stop()
    end
  end)

  it("leaves nothing behind when the sandbox ends with requests that wait", function()
    local box = ocamba()
    for _, name in ipairs { "late", "silent", "slow" } do
      box:fault { fault = name, on = "ocamba", times = 5 }
    end
    box:fault { fault = "slow_body", on = "ocamba", times = 5, seconds = 100 }
    local client = assert(luaprov.client("ocamba", { base_url = box.base_url.ocamba, token = "sandbox-token",
                                                     timeout = 0.2 }))
    local names = {}
    for i = 1, 20 do names[i] = "n" .. i end
    local _, errors = luaprov.map(names, function(name) return client.integrations:create(boxes.mitto(name)) end,
      { concurrency = 20 })
    local struck = 0
    for _ in pairs(errors) do struck = struck + 1 end
    assert.equal(20, struck)
    assert.is_true(box.server.listener:waiting() > 0)
    box:stop()
    support.is_error({ kind = "network", outcome = "not_sent" }, select(2, client.integrations:list()))
  end)
end)
