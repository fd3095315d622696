local graph = require "luaprov.stack.graph"

local NODES = { "roof", "walls", "floor", "door", "garden" }
local NEEDS = { roof = { "walls" }, walls = { "floor" }, door = { "walls", "floor" } }

local function all(run)
  local out = {}
  for node in function() return run:next() end do out[#out + 1] = node end
  return out
end

describe("a graph", function()
  it("has an order in which each comes after what it needs, else as they stood", function()
    assert.same({ "floor", "walls", "roof", "door", "garden" }, graph.order(NODES, NEEDS))
    assert.same({ "c", "b", "a" }, graph.order({ "c", "b", "a" }, {}))
    assert.same({}, graph.order({}, {}))
  end)

  it("leaves out needs that are no nodes, and bears the same twice", function()
    assert.same({ "b", "a" }, graph.order({ "a", "b" }, { a = { "b", "b", "elsewhere" } }))
  end)

  it("says what a circle is made of", function()
    local order, cycle = graph.order({ "x", "a", "b", "c", "after" },
      { x = { "a" }, a = { "b" }, b = { "c" }, c = { "a" }, after = { "c" } })
    assert.is_nil(order)
    assert.same({ "a", "b", "c" }, cycle)
    order, cycle = graph.order({ "a" }, { a = { "a" } })
    assert.is_nil(order)
    assert.same({ "a" }, cycle)
  end)

  it("gives out what is ready", function()
    local run = graph.run(NODES, NEEDS)
    assert.same({ "floor", "garden" }, all(run))
    assert.is_nil(run:next())
    assert.equal(2, run.running)
    run:done "garden"
    assert.is_nil(run:next())
    run:done "floor"
    assert.equal("walls", run:next())
    run:done "walls"
    assert.same({ "roof", "door" }, all(run))
    run:done "roof"
    run:done "door"
    assert.equal(0, run.left)
    assert.equal(0, run.running)
  end)

  it("leaves out, of one that fails, only what needs it", function()
    local run = graph.run(NODES, NEEDS)
    all(run)
    run:done "floor"
    assert.equal("walls", run:next())
    assert.same({ "roof", "door" }, run:failed "walls")
    run:done "garden"
    assert.is_nil(run:next())
    assert.equal(0, run.left)
    assert.equal(0, run.running)
  end)

  it("leaves out once what needs two that fail, and gives it out for neither that succeeds", function()
    local run = graph.run({ "a", "b", "c", "d" }, { c = { "a", "b" }, d = { "c" } })
    all(run)
    assert.same({ "c", "d" }, run:failed "a")
    run:done "b"
    assert.is_nil(run:next())
    assert.equal(0, run.left)
    run = graph.run({ "a", "b", "c" }, { c = { "a", "b" } })
    all(run)
    assert.same({ "c" }, run:failed "a")
    assert.same({}, run:failed "b")
    assert.equal(0, run.left)
  end)

  it("may be one long chain, or one that all need", function()
    local nodes, chain, star = {}, {}, {}
    for i = 1, 100000 do
      nodes[i] = i
      chain[i] = { i + 1 }
      star[i] = { 100000 }
    end
    star[100000] = nil
    local order = graph.order(nodes, chain)
    assert.equal(100000, order[1])
    assert.equal(1, order[100000])
    chain[100000] = { 1 }
    local none, cycle = graph.order(nodes, chain)
    assert.is_nil(none)
    assert.equal(100000, #cycle)
    local run = graph.run(nodes, star)
    assert.equal(100000, run:next())
    assert.equal(99999, #run:failed(100000))
    assert.equal(0, run.left)
  end)
end)
