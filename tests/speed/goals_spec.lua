-- What the bench makes of figures: whether a goal is met, whether something is worse than what is kept.
local goals = require "tests.bench.speed.goals"
local programs = require "tests.bench.speed.programs"
local report = require "tests.bench.speed.report"
local support = require "tests.support"
local table_of = require "tests.bench.speed.readme"

local function results(ours, other)
  return {
    [programs.luaprov.name] = { ratio = ours, ratios = { ours } },
    [programs.raw.name] = { ratio = other, ratios = { other } },
  }
end

local function judge(goal, ours, other) return goals.judge(goal, results(ours, other), programs.raw.name) end

describe("a goal", function()
  it("is a ratio to the limit at most, and may have a gate", function()
    local goal = goals.judge({ most = 1.5, gate = 1.8 }, results(1.7, 2), programs.luaprov.name)
    assert.same({ 1.7, false, false }, { goal.got, goal.met, goal.failed })
    assert.is_true(goals.judge({ most = 1.5, gate = 1.8 }, results(1.9, 2), programs.luaprov.name).failed)
    assert.is_true(goals.judge({ most = 1.5, gate = 1.8 }, results(1.5, 2), programs.luaprov.name).met)
  end)

  it("is how many times less luaprov takes", function()
    assert.is_true(judge({ less = 3 }, 2, 6).met)
    assert.is_false(judge({ less = 3 }, 2, 5).met)
  end)

  it("is a share of luaprov's call", function()
    local goal = judge({ share = 20 }, 2, 1.5)
    assert.same({ 25, false }, { goal.got, goal.met })
    assert.is_true(judge({ share = 20 }, 2, 1.7).met)
  end)
end)

describe("the bar of a goal", function()
  local function bar(goal, written) return goals.bar(goal, written) end

  it("is the gate where there is one, whatever is written down", function()
    assert.equal(1.8, bar({ goal = 1.5, gate = 1.8 }, 3))
    assert.equal(1.8, bar({ goal = 1.5, gate = 1.8 }, 1.2))
  end)

  it("is the goal as long as it is met by enough", function()
    assert.equal(20, bar({ goal = 20 }, 10))
    assert.equal(20, bar({ goal = 20 }, nil))
    assert.equal(3, bar({ goal = 3, more = true }, 6))
  end)

  it("is what is written down, and the tolerance, where it is not", function()
    assert.equal(50 * (1 + goals.TOLERANCE), bar({ goal = 20 }, 50))
    assert.equal(2 * (1 - goals.TOLERANCE), bar({ goal = 3, more = true }, 2))
    assert.equal(50 * 1.05, bar({ goal = 20, tolerance = 0.05 }, 50))
  end)

  it("is passed in one direction alone", function()
    assert.is_true(goals.is_worse({ got = 2.1 }, 2))
    assert.is_false(goals.is_worse({ got = 1 }, 2))
    assert.is_true(goals.is_worse({ got = 1, more = true }, 2))
    assert.is_false(goals.is_worse({ got = 3, more = true }, 2))
  end)
end)

describe("the report that is kept", function()
  local kept = assert(report.kept())

  it("has what is compared, by section and name", function()
    local row = kept.sections[1].rows[3]
    assert.equal(row.goal.got, report.got(kept, kept.sections[1].name, row.name))
    assert.equal(kept.figures[1].got, report.got(kept, nil, kept.figures[1].name))
    assert.is_nil(report.got(kept, kept.sections[1].name, "nobody"))
    assert.is_nil(report.got(nil, nil, "nothing"))
  end)

  it("is what the README shows (make bench-readme)", function()
    assert.equal(table_of.table(kept), table_of.of(support.read "README.md"))
  end)
end)
