-- Records that are given a secret that the vendor of another shows once.
local json = require "luaprov.json"
local remember = require "luaprov.stack.remember"
local rows_of = require "luaprov.stack.rows"
local secret = require "luaprov.secret"
local stacks = require "tests.stack.stacks"
local stores = require "luaprov.stack.store"

local PROVIDER = stacks.ACME:gsub('"apiKey" { computed = true', '%0, example = "FAKE-key"'):format("", "0.2")

local TEXT = 'local a = acme.hubs("a", { name = "A", site = "here" })\n'
  .. 'acme.hubs("b", { name = "B", pin = a.apiKey })'

local function addresses(list)
  local out = {}
  for i, entry in ipairs(list) do out[i] = entry.address end
  return out
end

-- The one whose update is refused once.
local function start(fault)
  return stacks.start { provider = PROVIDER, faults = {
    fault or { fault = "status", on = "acme hubs update", status = 400, times = 1 } } }
end

-- From now on it shows the one secret nevermore, and of the other a mask.
local function mask(stack)
  local manifest = stack.manifest
  function stack:manifest(text)
    local read = manifest(self, text)
    local state = read.account.acme.state
    local exchange = state.exchange
    function state.exchange(request, what)
      local response, err, part = exchange(request, what)
      local body = response and what == "get" and json.decode(response.body)
      if body and body.name then
        body.apiKey, body.pin = nil, body.pin and "****"
        response.body = json.encode(body)
      end
      return response, err, part
    end
    return read
  end
end

local function row_of(stack, address)
  local store = assert(stores.open(stack.place))
  local row = rows_of.open(assert(store:record(address)))
  store:close()
  return row
end

describe("a record that has another's secret", function()
  after_each(stacks.stop)

  it("is known to have the old one, whatever comes before it is changed", function()
    local stack = start()
    assert.equal(2, stack:apply(TEXT).done)
    local result = stack:apply((TEXT:gsub("here", "there")))
    assert.same({ "acme.hubs.b" }, addresses(result.failed))
    assert.is_nil(stack:rows()["acme.hubs.b"].secrets.pin.sent)
    local again = stack:apply((TEXT:gsub("here", "elsewhere")))
    assert.same({ 3, {} }, { again.done, again.failed })
    assert.is_string(stack:rows()["acme.hubs.b"].secrets.pin.sent)
  end)

  it("is not taken to have the new one because of a mask, nor where it was imported", function()
    for _, was_imported in ipairs { false, true } do
      local stack = start()
      mask(stack)
      local function import(_, args)
        for i, row in ipairs(args.rows) do
          args.rows[i] = rows_of.open(row)
          args.rows[i].secrets = {}
        end
      end
      assert.equal(2, stack:apply(TEXT).done)
      local changed = TEXT:gsub("here", "there")
      local result = stack:apply(changed, { on_plan = was_imported and import })
      assert.same({ "acme.hubs.b" }, addresses(result.failed))
      local row = row_of(stack, "acme.hubs.b")
      assert.same({ pin = { secret = true } }, row.secrets)
      local _, secrets = remember.again(stack.provider.resource.hubs, row, { id = row.id, pin = secret "****" })
      assert.same(row.secrets, secrets)
      result = stack:apply(changed)
      assert.matches("only a record that is made anew has", tostring(result.failed[1].err), 1, true)
      local other = TEXT:gsub("here", "elsewhere")
      assert.equal(3, stack:apply(other).done)
      assert.equal(0, stack:apply(other).done)
    end
  end)

  it("is known to have it still, where the vendor has refused the other one anew", function()
    local stack = start { fault = "status", on = "acme hubs create", status = 400, after = 2, times = 1 }
    mask(stack)
    assert.equal(2, stack:apply(TEXT).done)
    local before = stack:rows()["acme.hubs.b"].secrets
    local result = stack:apply((TEXT:gsub('"A"', '"AA"'):gsub("here", "there")))
    assert.same({ "acme.hubs.a" }, addresses(result.failed))
    assert.same(before, stack:rows()["acme.hubs.b"].secrets)
    local again = stack:apply(TEXT)
    assert.same({ 0, {} }, { again.done, again.failed })
  end)
end)
