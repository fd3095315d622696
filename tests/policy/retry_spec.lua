-- When a call is made again: by the rule, and as a vendor sees it.
local control = require "tests.contract.control"
local core = require "luaprov.core"
local errors = require "luaprov.errors"
local http = require "luaprov.http"
local luaprov = require "luaprov"
local retry = require "luaprov.policy.retry"
local support = require "tests.support"

local function fault(kind, outcome, more)
  local fields = { kind = kind, outcome = outcome, message = kind }
  for name, value in pairs(more or {}) do fields[name] = value end
  return errors.new(fields)
end

describe("policy.retry decides by evidence:", function()
  local function again(operation, kind, outcome, more)
    return (retry.wait_before(operation, fault(kind, outcome, more), 1))
  end

  it("what was not sent is sent again, whatever it is", function()
    for _, operation in ipairs { "create", "get", "update", "delete", "list", "test" } do
      for _, kind in ipairs { "network", "timeout", "unavailable", "rate_limited" } do
        assert.is_number(again(operation, kind, "not_sent"), operation .. " " .. kind)
      end
    end
  end)

  it("what another try would meet again is not", function()
    for _, outcome in ipairs { "not_sent", "refused", "unknown" } do
      for _, kind in ipairs { "invalid", "unsupported", "cancelled", "tls", "payment_required", "quota_exceeded",
                              "forbidden", "not_found", "conflict", "rejected", "too_large", "unauthorized" } do
        assert.is_nil(again("get", kind, outcome), kind .. " " .. outcome)
      end
    end
  end)

  it("what was refused until later is sent again, whatever it is; what was refused is not", function()
    for _, operation in ipairs { "create", "get", "update", "delete", "list", "test" } do
      assert.is_number(again(operation, "rate_limited", "refused"))
      assert.is_number(again(operation, "unavailable", "refused"))
      assert.is_nil(again(operation, "network", "refused"))
      assert.is_nil(again(operation, "protocol", "refused"))
    end
  end)

  it("what may have been done is done again only where that changes nothing", function()
    for _, kind in ipairs { "network", "timeout", "unavailable", "protocol" } do
      for operation, safe in pairs { get = true, list = true, update = true, delete = true, create = false,
                                     test = false } do
        assert.equal(safe, again(operation, kind, "unknown") ~= nil, operation .. " " .. kind)
      end
    end
  end)

  it("no earlier than the vendor says, and not all at one moment", function()
    for _ = 1, 50 do
      local seconds = again("create", "rate_limited", "refused", { retry_after = 7 })
      assert.is_true(seconds >= 7 and seconds <= 7.5, tostring(seconds))
      assert.is_true(again("get", "unavailable", "unknown", { retry_after = 7 }) >= 7)
      -- -1 names no time.
      assert.is_true(again("create", "rate_limited", "refused", { retry_after = -1 }) >= 0)
    end
  end)

  it("longer from one to the next, up to a bound, with all of it left to chance", function()
    for count, bound in pairs { [1] = 0.5, [2] = 1, [3] = 2, [6] = 16, [7] = 20, [60] = 20 } do
      local least, most = math.huge, 0
      for _ = 1, 400 do
        local seconds = retry.back_off(count)
        least, most = math.min(least, seconds), math.max(most, seconds)
      end
      assert.is_true(least >= 0 and least < 0.1 * bound and most > 0.9 * bound and most <= bound,
        ("%d: %g to %g"):format(count, least, most))
    end
  end)
end)

describe("policy.retry runs a call", function()
  local back_off = retry.back_off
  before_each(function() retry.back_off = function() return 0 end end)
  after_each(function() retry.back_off = back_off end)

  -- Tries that end as listed, one after the other: an error, or a value.
  local function run(ends, more)
    local count = 0
    local call = { operation = "create", changes = true, budget = { attempts = 5, ends = core.now() + 60 } }
    for name, value in pairs(more or {}) do call[name] = value end
    call.try = function()
      count = count + 1
      local result = assert(ends[count], "one try too many")
      if errors.is(result) then return nil, result, result.renew end
      return result
    end
    local value, err = retry.run(call)
    return value, err, count
  end

  local function why(err)
    local list = {}
    for i, attempt in ipairs(err.attempts) do
      list[i] = attempt.kind .. " " .. attempt.outcome .. ": " .. attempt.why
    end
    return list
  end

  it("as often as it may, and tells of every try", function()
    local refused = fault("unavailable", "refused", { status = 503 })
    local _, err, count = run({ refused, fault("network", "not_sent"), refused, refused, refused })
    assert.equal(5, count)
    assert.same({
      "unavailable refused: the vendor said later", "network not_sent: nothing was sent",
      "unavailable refused: the vendor said later", "unavailable refused: the vendor said later",
      "unavailable refused: these were all tries",
    }, why(err))
    for i, attempt in ipairs(err.attempts) do
      assert.is_true(attempt.at >= 0 and attempt.seconds >= 0)
      assert.equal(i < 5 and 0 or nil, attempt.waited)
      assert.equal(i ~= 2 and 503 or nil, attempt.status)
    end
    local value
    value, err, count = run { refused, refused, "done" }
    assert.same({ "done", 3 }, { value, count })
    assert.is_nil(err)
  end)

  it("once where it is told to, and says so", function()
    local _, err, count = run({ fault("network", "not_sent") }, { budget = { attempts = 1, ends = core.now() + 60 } })
    assert.equal(1, count)
    assert.same({ "network not_sent: it is tried once" }, why(err))
  end)

  it("until the vendor has counted enough, however often that is", function()
    local ends = {}
    for i = 1, 40 do ends[i] = fault("rate_limited", "refused", { retry_after = 0 }) end
    ends[41] = "done"
    assert.equal("done", (run(ends)))
  end)

  it("not where there is no time for another try: it says so at once", function()
    local later = fault("unavailable", "refused", { retry_after = 30 })
    local _, err = run({ later }, { budget = { attempts = 5, ends = core.now() + 20 } })
    assert.same({ "unavailable refused: there is no time for another try" }, why(err))
    assert.is_nil(err.attempts[1].waited)
    luaprov.deadline(20, function() _, err = run { later } end)
    assert.equal("unavailable", err.kind)
    assert.same({ "unavailable refused: there is no time for another try" }, why(err))
  end)

  it("and ends while it waits when its task is cancelled", function()
    local err
    local task = luaprov.spawn(function()
      local _
      _, err = run { fault("unavailable", "refused", { retry_after = 30 }) }
    end)
    luaprov.sleep(0)
    task:cancel()
    pcall(task.wait, task)
    assert.equal("unavailable", err.kind)
    assert.same({ "unavailable refused: cancelled while waiting for another try" }, why(err))
  end)

  it("once more with another token, which is none of its tries; not twice", function()
    local expired = fault("unauthorized", "refused", { status = 401, renew = true })
    local budget = { attempts = 1, ends = core.now() + 60 }
    assert.equal("done", (run({ expired, "done" }, { budget = budget })))
    local _, err, count = run({ expired, expired })
    assert.equal(2, count)
    assert.same({ "unauthorized refused: another token is asked for", "unauthorized refused: the vendor refused" },
      why(err))
  end)

  it("and says unknown at the end when an earlier try may have been carried out", function()
    local _, err = run({ fault("network", "unknown"), fault("forbidden", "refused") }, { operation = "update" })
    assert.same({ "forbidden", "unknown" }, { err.kind, err.outcome })
    assert.truthy(err.message:find("an earlier try may have been carried out", 1, true))
    -- Reading changes nothing: there is nothing to know.
    _, err = run({ fault("network", "unknown"), fault("forbidden", "refused") }, { operation = "get", changes = false })
    assert.equal("refused", err.outcome)
  end)

  it("of a delete: what is gone after a try that may have been carried out is gone", function()
    local value = run({ fault("network", "unknown"), fault("not_found", "refused") }, { operation = "delete" })
    assert.same({ gone = true }, value)
    local _, err = run({ fault("network", "not_sent"), fault("not_found", "refused") }, { operation = "delete" })
    assert.equal("not_found", err.kind)
  end)

  it("of a create that may have been carried out: as its settling says", function()
    local unknown = fault("network", "unknown")
    local asked = {}
    local function settle(...)
      local says = { ... }
      return function(err, is_last)
        asked[#asked + 1] = err.kind .. (is_last and ", the last" or "")
        local one = table.remove(says, 1)
        if one == "ours" then return { settled = "record" } end
        return nil, one
      end
    end
    local value = run({ unknown }, { settle = settle "ours" })
    assert.same({ settled = "record" }, value)
    assert.equal("done", (run({ unknown, "done" }, { settle = settle "not there" })))
    assert.equal("done", (run({ unknown, unknown, "done" }, { settle = settle("again", "not there") })))
    local _, err = run({ unknown }, { settle = settle "nobody can tell" })
    assert.same({ "network unknown: nobody can tell" }, why(err))
    assert.equal("unknown", err.outcome)
    -- What was not done is not unknown later; a refusal may be due to what was done after all.
    _, err = run({ unknown, fault("conflict", "refused") }, { settle = settle("not there", "refused") })
    assert.equal("refused", err.outcome)
    value = run({ unknown, fault("conflict", "refused") }, { settle = settle("not there", "ours") })
    assert.same({ settled = "record" }, value)
    -- Without another try, too, it is known what became of the last.
    local one = { attempts = 1, ends = core.now() + 60 }
    _, err = run({ fault("network", "unknown") }, { settle = settle "not there", budget = one })
    assert.same({ "network", "refused" }, { err.kind, err.outcome })
    assert.same({ "network", "network", "network", "network", "network", "network", "conflict", "network", "conflict",
                  "network, the last" }, asked)
  end)

  it("of a create that was cancelled, too: its settling says what to look at", function()
    local function settle(err)
      err.candidates = {}
      return nil, "cancelled before it could be looked for"
    end
    local _, err = run({ fault("cancelled", "unknown") }, { settle = settle })
    assert.same({ "cancelled", "unknown", {} }, { err.kind, err.outcome, err.candidates })
    assert.same({ "cancelled unknown: cancelled before it could be looked for" }, why(err))
    -- Nobody needs to look for what was not sent.
    _, err = run({ fault("cancelled", "not_sent") }, { settle = function() error "asked" end })
    assert.same({ "cancelled", "not_sent" }, { err.kind, err.outcome })
  end)

  it("of a create whose other try cannot be, although it is safe", function()
    local asked = {}
    local function settle(_, is_last)
      asked[#asked + 1] = is_last
      if not is_last then return nil, "again" end
      return { settled = "record" }
    end
    retry.back_off = function() return 30 end
    local budget = { attempts = 5, ends = core.now() + 20 }
    assert.same({ settled = "record" }, (run({ fault("network", "unknown") }, { settle = settle, budget = budget })))
    assert.same({ false, true }, asked)
    local task = luaprov.spawn(function() return (run({ fault("network", "unknown") }, { settle = settle })) end)
    luaprov.sleep(0)
    task:cancel()
    assert.same({ settled = "record" }, task:wait())
    assert.same({ false, true, false, true }, asked)
  end)
end)

describe("A call that is tried again", function()
  local listener
  local back_off = retry.back_off
  setup(function() listener = control.start() end)
  teardown(function() listener:stop() end)
  before_each(function()
    listener:reset()
    retry.back_off = function() return 0 end
  end)
  after_each(function() retry.back_off = back_off end)

  local TEXT = support.provider(support.operations .. 'text "name" {},')

  local function things(options)
    local given = { token = "tok-acme-0000", attempts = 5 }
    for name, value in pairs(options or {}) do given[name] = value end
    return support.client(TEXT, listener.url, given).things
  end

  local ITEM = { status = 200, json = { id = "7", name = "n" } }
  local DROP = { close = true }
  local limited_at_once = { status = 429, headers = { ["Retry-After"] = "0" } }

  local function seen()
    local requests = listener:requests(0)
    local list = {}
    for i, request in ipairs(requests) do list[i] = request.method end
    return table.concat(list, " ")
  end

  it("is one request more at the vendor, and none to whoever calls", function()
    for what, answers in pairs {
      ["a connection that ends"] = { DROP, ITEM },
      ["a 503 that says when"] = { { status = 503, headers = { ["Retry-After"] = "0" } }, ITEM },
      ["a 500"] = { { status = 500, text = "<html>" }, ITEM },
      ["an answer that is no JSON"] = { { status = 200, text = "<html>" }, ITEM },
      ["a 429"] = { { status = 429 }, ITEM }, ["half a status line"] = { { raw = "HTTP/1" }, ITEM },
    } do
      listener:reset()
      listener:script(answers)
      local record, err = things():get "7"
      assert.equal("n", record and record.name, what .. ": " .. tostring(err))
      assert.equal("GET GET", seen(), what)
    end
  end)

  it("is an update or a delete again, and a delete that was done is done", function()
    listener:script { DROP, ITEM }
    assert(things():update("7", { name = "n" }))
    assert.equal("PATCH PATCH", seen())
    listener:reset()
    listener:script { DROP, { status = 404, text = "" } }
    assert(things():delete "7")
    assert.equal("DELETE DELETE", seen())
    listener:reset()
    listener:script { { status = 404, text = "" } }
    support.is_error({ kind = "not_found", outcome = "refused" }, select(2, things():delete "7"))
  end)

  it("is never a create that may have been done", function()
    for _, answer in ipairs { DROP, { status = 500, text = "" }, { raw = "HTTP/1" },
                              { status = 201, text = "<html>" } } do
      listener:reset()
      listener:script { answer }
      local record, err = things():create { name = "n" }
      support.is_error({ outcome = "unknown" }, err, record)
      assert.equal("POST", seen())
      assert.equal(1, #err.attempts)
    end
  end)

  it("is a create that was refused until later", function()
    listener:script {
      { status = 429, headers = { ["Retry-After"] = "0" } },
      { status = 503, headers = { ["Retry-After"] = "Sun, 06 Nov 1994 08:49:37 GMT" } },
      { status = 503, headers = { ["Retry-After"] = "Sun Nov  6 08:49:37 1994" } },
      { status = 503, headers = { ["Retry-After"] = { "0", "Sunday, 06-Nov-94 08:49:37 GMT" } } },
      { status = 201, json = { id = "7", name = "n" } },
    }
    assert.equal("7", assert(things():create { name = "n" }).id)
    assert.equal("POST POST POST POST POST", seen())
  end)

  it("is nothing that the vendor has said no to", function()
    for status, kind in pairs { [400] = "invalid", [402] = "payment_required", [403] = "forbidden",
                                [404] = "not_found", [409] = "conflict" } do
      listener:reset()
      listener:script { { status = status, text = "" } }
      support.is_error({ kind = kind, outcome = "refused" }, select(2, things():create { name = "n" }))
      assert.equal("POST", seen(), kind)
    end
  end)

  it("takes as many tries as the client or the call says", function()
    for _ = 1, 9 do listener:script { DROP } end
    local _, err = things { attempts = 3 }:get "7"
    assert.equal(3, #err.attempts)
    _, err = things { attempts = 3 }:get("7", nil, { attempts = 2 })
    assert.equal(2, #err.attempts)
    _, err = things { attempts = 1 }:get("7", nil, { attempts = 4 })
    assert.equal(4, #err.attempts)
    assert.equal(9, #listener:requests(9))
  end)

  it("waits for nothing that lies beyond its patience", function()
    listener:script { { status = 503, headers = { ["Retry-After"] = "30" } }, { status = 503,
      headers = { ["Retry-After"] = "30" } } }
    local _, err = things { patience = 20, timeout = 5 }:get "7"
    support.is_error({ kind = "unavailable", retry_after = 30 }, err)
    assert.equal("there is no time for another try", err.attempts[1].why)
    _, err = things { timeout = 5 }:get("7", nil, { patience = 10 })
    assert.equal("there is no time for another try", err.attempts[1].why)
  end)

  it("has all of its time for a try that has begun, however little patience is left", function()
    local began = http.now()
    listener:script { limited_at_once, { status = 201, json = { id = "7", name = "n" }, hold = true } }
    local resource = things { patience = 0.3, timeout = 20 }
    local task = luaprov.spawn(function() return resource:create { name = "n" } end)
    while #listener:requests(0) < 2 or http.now() < began + 0.4 do luaprov.sleep(0.02) end
    listener:release()
    assert.equal("7", assert(task:wait()).id)
  end)

  it("begins no try when its patience is over, however long one may take", function()
    retry.back_off = function() return 0.05 end
    for _ = 1, 9 do listener:script { limited_at_once } end
    local _, err = things { patience = 0.2, timeout = 20 }:get "7"
    support.is_error({ kind = "rate_limited" }, err)
    assert.is_true(err.attempts[#err.attempts].at <= 0.2)
    assert.equal("there is no time for another try", err.attempts[#err.attempts].why)
  end)

  it("refuses options of a call that are none", function()
    for _, options in ipairs { { attempts = 0 }, { attempts = 1.5 }, { attempts = "2" }, { timeout = -1 },
                               { patience = "long" }, { retries = 3 } } do
      assert.is_false((pcall(function() things():get("7", nil, options) end)))
    end
    assert.equal("", seen())
  end)

  it("costs one quiet try where the vendor has ended a connection that was idle", function()
    listener:script { ITEM, DROP, ITEM }
    local resource = things()
    assert(resource:get "7")
    -- The second goes into the kept connection, which ends without a byte of an answer.
    assert(resource:get "7")
    local requests, connections = listener:requests(3)
    assert.same({ 3, 2 }, { #requests, connections })
  end)
end)
