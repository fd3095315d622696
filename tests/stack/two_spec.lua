-- Two applies at once, and a database that is restarted in the midst of one.
local luaprov = require "luaprov"
local server = require "tests.store.server"
local stacks = require "tests.stack.stacks"
local support = require "tests.support"

local TEXT = 'for i = 1, 60 do acme.hubs("h" .. i, { name = "H" .. i }) end'

local function names()
  local list = {}
  for i = 1, 60 do list[i] = "hubs H" .. i end
  return list
end

describe("A state that two want", function()
  after_each(stacks.stop)

  it("is one's after the other's: the second does what is left, which is nothing", function()
    local stack = stacks.start()
    local seen = {}
    local results = luaprov.map({ 1, 2 }, function()
      return (stack:apply(TEXT, { pause = luaprov.sleep, on_wait = function(err) seen[#seen + 1] = err end }))
    end, { concurrency = 2 })
    local done = { results[1].done, results[2].done }
    table.sort(done)
    assert.same({ 0, 60 }, done)
    assert.equal("held", seen[1].kind)
    assert.matches("^spec has the state since ", seen[1].message)
    stack:is(TEXT, names())
  end)
end)

describe("A database that is restarted", function()
  after_each(function()
    stacks.stop()
    support.clean()
  end)

  it("costs an apply nothing but time", function()
    local postgres = server.start()
    local stack = stacks.start { place = postgres.url }
    local restarted
    local result = stack:apply(TEXT, { on_event = function(event)
      if event.what == "done" and not restarted then
        restarted = true
        postgres:stop "INT"
        assert(postgres:run())
      end
    end })
    assert.is_true(restarted)
    assert.same({ 60, {}, {} }, { result.done, result.failed, result.unknown })
    stack:is(TEXT, names())
    postgres:stop()
  end)

  it("and does not come back stops the sending; what was sent is found by the next", function()
    local postgres = server.start()
    local stack = stacks.start { place = postgres.url }
    local gone, told = nil, {}
    local result = stack:apply(TEXT, { patience = 0.5, keep = true, parallel = 8, on_event = function(event)
      if event.what == "skipped" then told[event.message] = true end
      if event.what == "done" and not gone then
        gone = true
        postgres:stop "INT"
      end
    end })
    assert.is_table(result.broken)
    assert.equal(60, result.done + #result.failed + #result.unknown + #result.skipped)
    assert.is_true(#result.skipped > 0)
    assert.same({ ["the state is out of reach"] = true }, told)
    assert(postgres:run())
    local again = stack:apply(TEXT)
    assert.same({ {}, {} }, { again.failed, again.unknown })
    stack:is(TEXT, names())
    postgres:stop()
  end)
end)
