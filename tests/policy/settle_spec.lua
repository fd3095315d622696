-- Creates whose answer is lost: what the vendor, in a process of its own, has afterwards is what luaprov reports.
local http = require "luaprov.http"
local luaprov = require "luaprov"
local retry = require "luaprov.policy.retry"
local runtime = require "luaprov.runtime"
local support = require "tests.support"
local things = require "tests.policy.things"
local vendors = require "tests.policy.vendors"

local acme, thing = things.acme, things.thing

-- Somebody else's, made after luaprov has noted what was there. Another address is another account: what a client of
-- ours makes is known to all others of its account.
local function made_by_others(vendor, fields)
  local client = vendor:client { settle = false, host = "localhost" }
  return assert(client.things:create(fields))
end

describe("A create whose answer is lost", function()
  after_each(vendors.stop)

  it("is found when the vendor acts two seconds after the client gave up", function()
    local vendor = vendors.start(acme { settles_in = 4 }, { { fault = "late", seconds = 2, times = 1 } })
    local began = http.now()
    local record, err = vendor:client().things:create(thing())
    vendor:is("done", 1, record, err)
    assert.is_true(http.now() - began >= 2.3)
  end)

  it("is found when the list shows it only later", function()
    local vendor = vendors.start(acme { settles_in = 2 }, { { fault = "unlisted", answers = false, seconds = 0.5 } })
    vendor:is("done", 1, vendor:client().things:create(thing()))
  end)

  it("is made again when it was not made, and never sooner than it could have appeared", function()
    local vendor = vendors.start(acme { settles_in = 0.6 }, { { fault = "drop", acts = false, times = 1 } })
    local began = http.now()
    local record, err = vendor:client().things:create(thing())
    vendor:is("done", 1, record, err)
    assert.is_true(http.now() - began >= 0.9)
  end)

  it("is told as not done where one try is all, and it is not there", function()
    local vendor = vendors.start(acme(), { { fault = "drop", acts = false } })
    local err = vendor:is("not done", 0, vendor:client({ attempts = 1 }).things:create(thing()))
    support.is_error({ kind = "network", outcome = "refused", has = "says that nothing was created" }, err)
    assert.same({ 1, "not done" }, { #err.attempts, err.attempts[1].settled })
  end)

  it("is found where one try is all", function()
    local vendor = vendors.start(acme(), { { fault = "drop" } })
    vendor:is("done", 1, vendor:client({ attempts = 1 }).things:create(thing()))
  end)

  for _, acts in ipairs { true, false } do
    it("is not somebody else's that was there before and is the same; the vendor "
      .. (acts and "acted" or "did not act"), function()
      local vendor = vendors.start(acme(), {
        { fault = "others", on = "acme things", records = { thing(), thing { colour = "blue" } } },
        { fault = "drop", acts = acts, times = 1 },
      })
      vendor:is("done", 1, vendor:client().things:create(thing()))
    end)
  end

  it("is one of two that are equal and made at once: each gets its own", function()
    for _, acts in ipairs { true, false } do
      local vendor = vendors.start(acme(), { { fault = "drop", acts = acts, times = 1 } })
      -- Two clients: what is known of a collection belongs to the account.
      local clients = { vendor:client(), vendor:client() }
      local records = luaprov.map(clients, function(client) return assert(client.things:create(thing())) end)
      local ids = { tostring(records[1].id), tostring(records[2].id) }
      table.sort(ids)
      assert.same(vendor:new(), ids)
      assert.not_equal(ids[1], ids[2])
      vendors.stop()
    end
  end)

  it("is unknown when somebody else has made several that are equal meanwhile", function()
    local vendor = vendors.start(acme(), { { fault = "drop", acts = false, after = 3 } })
    local client = vendor:client()
    assert(client.things:create(thing { name = "before" }))
    local others = { made_by_others(vendor, thing()), made_by_others(vendor, thing()) }
    local err = vendor:is("unknown", 3, client.things:create(thing()))
    support.is_error({ kind = "network", has = { "several new records are equal",
      ("look at things %s, %s"):format(others[1].id, others[2].id) } }, err)
    assert.same({ others[1].id, others[2].id }, { err.candidates[1].id, err.candidates[2].id })
    assert.equal("<secret>", tostring(err.candidates[1].pin))
  end)

  it("is unknown when a new record has its key and other fields", function()
    local vendor = vendors.start(acme(), { { fault = "drop", acts = false, after = 2 } })
    local client = vendor:client()
    assert(client.things:create(thing { name = "before" }))
    local other = made_by_others(vendor, thing { colour = "blue" })
    local err = vendor:is("unknown", 2, client.things:create(thing()))
    support.is_error({ has = "look at things " .. other.id }, err)
    assert.equal("blue", err.candidates[1].colour)
  end)

  it("is unknown when a new record may have its key, spelled otherwise", function()
    local vendor = vendors.start(acme(), { { fault = "drop", acts = false, after = 2 } })
    local client = vendor:client()
    assert(client.things:create(thing { name = "before" }))
    local other = made_by_others(vendor, thing { name = "Front Desk" })
    local err = vendor:is("unknown", 2, client.things:create(thing { name = " front-desk" }))
    assert.equal(other.id, err.candidates[1].id)
  end)

  it("does not take for its own what an unknown one was told to have made perhaps", function()
    local vendor = vendors.start(acme(), {
      { fault = "drop", acts = false, after = 2, times = 1 }, { fault = "drop", acts = false, times = 1, after = 2 },
    })
    local client = vendor:client()
    assert(client.things:create(thing { name = "before" }))
    made_by_others(vendor, thing { colour = "blue" })
    assert.equal("unknown", select(2, client.things:create(thing())).outcome)
    local record = assert(client.things:create(thing { colour = "blue" }))
    assert.equal(tostring(record.id), vendor:new()[3])
    assert.equal(3, #vendor:new())
  end)
end)

describe("A create whose answer is lost, where the vendor keeps the key unique,", function()
  after_each(vendors.stop)

  it("is made again at once, and found when the vendor refuses the second", function()
    local vendor = vendors.start(acme { unique = true, settles_in = 100 }, { { fault = "drop", times = 1 } })
    vendor:is("done", 1, vendor:client().things:create(thing()))
  end)

  it("is made again at once, and done when the first was not", function()
    local vendor = vendors.start(acme { unique = true, settles_in = 100 },
      { { fault = "drop", acts = false, times = 2 } })
    vendor:is("done", 1, vendor:client().things:create(thing()))
  end)

  it("is done once although the first try is acted upon after the second", function()
    local vendor = vendors.start(acme { unique = true, settles_in = 2 },
      { { fault = "late", seconds = 0.6, times = 1 } })
    local record, err = vendor:client().things:create(thing())
    -- Until it has acted: nobody tells when.
    luaprov.sleep(0.7)
    vendor:is("done", 1, record, err)
  end)

  it("is refused when somebody else's was there before", function()
    local vendor = vendors.start(acme { unique = true, settles_in = 100 }, {
      { fault = "others", on = "acme things", records = { thing() } }, { fault = "drop", times = 1 },
    })
    local err = vendor:is("not done", 0, vendor:client().things:create(thing()))
    support.is_error({ kind = "conflict", outcome = "refused" }, err)
  end)

  it("is unknown, with the record named, when nobody noted what was there", function()
    local vendor = vendors.start(acme { unique = true }, { { fault = "drop", times = 1 } })
    local err = vendor:is("unknown", 1, vendor:client({ settle = false }).things:create(thing()))
    support.is_error({ kind = "conflict", has = "nobody noted what was there before; look at things "
      .. vendor:new()[1] }, err)
  end)

  it("is found when the vendor never answers", function()
    local vendor = vendors.start(acme { unique = true }, {
      { fault = "drop", times = 1 }, { fault = "drop", acts = false },
    })
    vendor:is("done", 1, vendor:client({ attempts = 2 }).things:create(thing()))
  end)

  it("is found when it was acted upon after it had seemed not to be there, and the second is refused", function()
    -- The provider file says too little: what the vendor does takes longer.
    local vendor = vendors.start(acme { settles_in = 0.4 }, {
      { fault = "late", seconds = 0.9, times = 1 }, { fault = "problem", problem = "exists", times = 1 },
    })
    vendor:is("done", 1, vendor:client().things:create(thing()))
  end)

  it("is unknown when the vendor says that it exists and does not list it", function()
    local vendor = vendors.start(acme { settles_in = 0.2 }, {
      { fault = "unlisted", answers = false, seconds = 100, times = 1 }, { fault = "problem", problem = "exists" },
    })
    local err = vendor:is("unknown", 1, vendor:client().things:create(thing()))
    support.is_error({ kind = "conflict", has = { "its list does not have it", "look for things with name 'n'" } }, err)
  end)

  it("is refused when the second is refused for another reason, and it is not there", function()
    local vendor = vendors.start(acme(), {
      { fault = "drop", acts = false, times = 1 }, { fault = "status", status = 402 },
    })
    local err = vendor:is("not done", 0, vendor:client().things:create(thing()))
    assert.equal("payment_required", err.kind)
  end)
end)

describe("A create whose answer is lost, and the list:", function()
  after_each(vendors.stop)

  it("there is none", function()
    for _, acts in ipairs { true, false } do
      local vendor = vendors.start(acme { list = false }, { { fault = "drop", acts = acts } })
      local err = vendor:is("unknown", acts and 1 or 0, vendor:client().things:create(thing()))
      support.is_error({ has = { "has no list", "look for things with name 'n'" } }, err)
      assert.same({ 1, {} }, { #err.attempts, err.candidates })
      vendors.stop()
    end
  end)

  it("there is none, and the key is a secret to whoever sent it: no error shows it", function()
    local vendor = vendors.start(acme { list = false }, { { fault = "drop" } })
    local fields = thing { name = luaprov.secret "canary-name" }
    local err = vendor:is("unknown", 1, vendor:client().things:create(fields))
    assert.is_nil(support.shown(err):find("canary", 1, true))
    vendors.stop()
    vendor = vendors.start(acme(), { { fault = "drop" } })
    err = vendor:is("unknown", 1, vendor:client({ settle = false }).things:create(fields))
    assert.same({ 1, "<secret>" }, { #err.candidates, tostring(err.candidates[1].name) })
    assert.is_nil(support.shown(err):find("canary", 1, true))
  end)

  it("nothing says how to recognise a record", function()
    local vendor = vendors.start(acme { key = false }, { { fault = "drop" } })
    support.is_error({ has = "look for things" }, vendor:is("unknown", 1, vendor:client().things:create(thing())))
  end)

  it("has 3,000 records, of which many have the key", function()
    local vendor = vendors.start(acme(), {
      { fault = "others", on = "acme things", records = { thing { name = "n{n}" }, thing() }, count = 1500 },
      { fault = "drop", times = 1 }, { fault = "drop", acts = false, times = 1 },
    })
    local client = vendor:client()
    local first = assert(client.things:create(thing()))
    vendor:is("done", 1, first)
    -- The second try of the next one.
    local second = assert(client.things:create(thing()))
    assert.equal(2, #vendor:new())
    assert.not_equal(first.id, second.id)
  end)

  it("gives pages of any size", function()
    local vendor = vendors.start(acme(), {
      { fault = "others", on = "acme things", records = { thing() }, count = 30 },
      { fault = "drop", times = 1 }, { fault = "short_pages", size = 7, on = "acme things list" },
    })
    vendor:is("done", 1, vendor:client().things:create(thing()))
  end)

  it("cannot be read once", function()
    local vendor = vendors.start(acme(), {
      { fault = "drop", times = 1 }, { fault = "status", on = "acme things list", after = 1, times = 1 },
    })
    vendor:is("done", 1, vendor:client({ attempts = 1 }).things:create(thing()))
  end)

  it("cannot be read any more", function()
    for _, acts in ipairs { true, false } do
      local vendor = vendors.start(acme(), {
        { fault = "drop", acts = acts }, { fault = "html", status = 500, on = "acme things list", after = 1 },
      })
      local err = vendor:is("unknown", acts and 1 or 0,
        vendor:client({ patience = 0.6 }).things:create(thing()))
      support.is_error({ kind = "network", has = { "the list cannot be read: ", "look for things" } }, err)
      assert.equal(1, #err.attempts)
      vendors.stop()
    end
  end)

  it("may not be read any more", function()
    local vendor = vendors.start(acme { settles_in = 100 }, {
      { fault = "drop" }, { fault = "status", status = 403, on = "acme things list", after = 1 },
    })
    support.is_error({ has = "the list cannot be read: " },
      vendor:is("unknown", 1, vendor:client().things:create(thing())))
  end)

  it("cannot be read before: nothing is sent, and the next create reads it", function()
    local vendor = vendors.start(acme(), {
      { fault = "status", status = 403, message = "not today", on = "acme things list", times = 1 },
    })
    local client = vendor:client()
    local err = vendor:is("not done", 0, client.things:create(thing()))
    support.is_error({ kind = "forbidden", outcome = "not_sent", operation = "create",
      has = "cannot be listed first: not today" }, err)
    vendor:is("done", 1, client.things:create(thing()))
  end)

  it("nobody noted what was there", function()
    for _, acts in ipairs { true, false } do
      local vendor = vendors.start(acme(), {
        { fault = "others", on = "acme things", records = { thing() } }, { fault = "drop", acts = acts },
      })
      local err = vendor:is("unknown", acts and 1 or 0, vendor:client({ settle = false }).things:create(thing()))
      assert.equal(acts and 2 or 1, #err.candidates)
      vendors.stop()
    end
  end)
end)

describe("A client that settles", function()
  after_each(vendors.stop)

  it("makes many at once, and lists once", function()
    local vendor = vendors.start(acme(), { { fault = "slow", seconds = 0.4 } })
    local client, lists, names = vendor:client { timeout = 10 }, 0, {}
    local off = luaprov.on("call", function(call) lists = lists + (call.operation == "list" and 1 or 0) end)
    for i = 1, 50 do names[i] = "n" .. i end
    local began = http.now()
    luaprov.map(names, function(name) return assert(client.things:create(thing { name = name })) end,
      { concurrency = 50 })
    off()
    assert.is_true(http.now() - began < 5)
    assert.same({ 50, 1 }, { #vendor:new(), lists })
  end)

  it("has all its time when what was there is noted", function()
    local vendor = vendors.start(acme(), {
      { fault = "slow", seconds = 0.5, on = "acme things list", times = 1 },
      { fault = "drop", acts = false, times = 1 },
    })
    vendor:is("done", 1, vendor:client({ timeout = 0.6, patience = 1.2 }).things:create(thing()))
  end)

  it("tries once when it is told so, whatever the vendor says", function()
    local vendor = vendors.start(acme(), { { fault = "status", status = 429, retry_after = 0 } })
    local err = vendor:is("not done", 0, vendor:client({ attempts = 1, timeout = 5 }).things:create(thing()))
    assert.same({ "rate_limited", 1 }, { err.kind, #err.attempts })
  end)

  it("leaves a create unknown when it is cancelled, and the next one with its key goes on", function()
    local vendor = vendors.start(acme { settles_in = 100 }, { { fault = "drop", acts = false, times = 1 } })
    local client, err, record = vendor:client(), nil, nil
    local first = luaprov.spawn(function() record, err = client.things:create(thing()) end)
    local second = luaprov.spawn(function() return assert(client.things:create(thing())) end)
    luaprov.sleep(0.3)
    assert.is_false(second:done())
    first:cancel()
    first:wait()
    second:wait()
    support.is_error({ kind = "network", outcome = "unknown", has = "cancelled while it was looked for" }, err, record)
    assert.equal(1, #vendor:new())
  end)

  it("ends with the deadline, and says how long it would have waited", function()
    local vendor = vendors.start(acme { settles_in = 100 }, { { fault = "drop", acts = false } })
    local client, began = vendor:client(), http.now()
    local record, err = luaprov.deadline(0.8, function() return client.things:create(thing()) end)
    vendor:is("unknown", 0, record, err)
    support.is_error({ has = { "it may appear for another ", "no time to wait" } }, err)
    assert.is_true(http.now() - began < 50)
    -- So does the time of the call itself.
    record, err = client.things:create(thing { name = "m" }, { patience = 0.6 })
    vendor:is("unknown", 0, record, err)
    assert.is_true(http.now() - began < 50)
  end)

  it("goes on when an error is raised in the midst of a create, as by a Ctrl-C", function()
    local vendor = vendors.start(acme(), {})
    local client, run = vendor:client(), retry.run
    retry.run = function(call)
      if call.operation == "create" then error "ouch" end
      return run(call)
    end
    local ok, why = pcall(client.things.create, client.things, thing())
    retry.run = run
    assert.is_false(ok)
    assert.truthy(tostring(why):find("ouch", 1, true))
    assert(client.things:create(thing()))
    assert.equal(1, #vendor:new())
  end)

  it("goes on when an error is raised while it notes what is there, as by a Ctrl-C", function()
    local vendor = vendors.start(acme(), {})
    local client, share, guard, unguard, held = vendor:client(), runtime.share, runtime.guard, runtime.unguard, {}
    runtime.guard = function() held[1] = {} return held[1] end
    runtime.unguard = function(it) held[1] = it ~= held[1] and held[1] or nil end
    runtime.share = function() error "ouch" end
    local ok, why = pcall(client.things.create, client.things, thing())
    runtime.share, runtime.guard, runtime.unguard = share, guard, unguard
    assert.is_false(ok)
    assert.truthy(tostring(why):find("ouch", 1, true))
    assert.same({}, held)
    assert(luaprov.deadline(5, function() return client.things:create(thing()) end))
    assert.equal(1, #vendor:new())
  end)
end)
