local errors = require "luaprov.errors"

describe("errors", function()
  it("read as: where, kind, message, and the facts in brackets", function()
    local err = errors.new {
      provider = "acme", resource = "things", operation = "create", kind = "conflict", outcome = "refused",
      message = "Name exists.", status = 400, codes = { "E1", "E2" },
    }
    assert.equal("acme things create: conflict: Name exists. (400, E1, E2)", tostring(err))
    assert.equal("acme: timeout: late", tostring(errors.new { provider = "acme", kind = "timeout", message = "late" }))
    assert.equal("network: gone", tostring(errors.new { kind = "network", message = "gone" }))
  end)

  it("can be joined with text on either side", function()
    local err = errors.new { kind = "network", message = "gone" }
    assert.equal("network: gone!", err .. "!")
    assert.equal("oh: network: gone", "oh: " .. err)
    assert.equal("network: gonenetwork: gone", err .. err)
  end)

  it("always have codes, and are told from other tables", function()
    local err = errors.new { kind = "network", message = "gone" }
    assert.same({}, err.codes)
    assert.is_true(errors.is(err))
    for _, other in ipairs { {}, "network: gone", 5, false } do assert.is_false(errors.is(other)) end
    assert.is_false(errors.is(nil))
  end)

  it("of a table tell every fault with its path", function()
    local faults = { { path = "a.b", message = "is required" }, { path = "", message = "is odd" } }
    local err = errors.invalid(faults, { provider = "acme" })
    assert.equal("acme: invalid: a.b is required; is odd", tostring(err))
    assert.equal("not_sent", err.outcome)
    assert.equal(faults, err.details)
    assert.equal("unsupported", errors.invalid(faults, { kind = "unsupported" }).kind)
  end)

  it("take their kind from a status where nothing better is known", function()
    local kinds = {}
    for _, kind in ipairs(errors.kinds) do kinds[kind] = true end
    for status, kind in pairs {
      [400] = "invalid", [401] = "unauthorized", [402] = "payment_required", [403] = "forbidden", [404] = "not_found",
      [405] = "rejected", [408] = "timeout", [409] = "conflict", [410] = "not_found", [417] = "rejected",
      [422] = "invalid", [429] = "rate_limited", [500] = "unavailable", [501] = "unsupported", [503] = "unavailable",
      [599] = "unavailable", [204] = "protocol", [302] = "protocol",
    } do
      assert.equal(kind, errors.kind_of_status(status), status)
      assert.is_true(kinds[kind])
    end
  end)

  it("take their outcome from a status", function()
    for status, outcome in pairs {
      [200] = "unknown", [302] = "unknown", [400] = "refused", [401] = "refused", [404] = "refused",
      [408] = "unknown", [409] = "refused", [429] = "refused", [499] = "refused", [500] = "unknown", [501] = "unknown",
      [503] = "unknown",
    } do
      assert.equal(outcome, errors.outcome_of_status(status), status)
    end
    assert.equal("refused", errors.outcome_of_status(503, 5))
    assert.equal("refused", errors.outcome_of_status(503, 0))
    assert.equal("unknown", errors.outcome_of_status(500, 5))
    assert.equal("unknown", errors.outcome_of_status(408, 5))
  end)
end)
