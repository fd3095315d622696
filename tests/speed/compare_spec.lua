-- When a count is another one than what is written down.
local compare = require "tests.speed.compare"

describe("the comparison of counts", function()
  it("takes what is within five hundredths for the same", function()
    assert.equal("ok", compare.judge(2.0, 2.0))
    assert.equal("ok", compare.judge(2.09, 2.0))
    assert.equal("ok", compare.judge(1.91, 2.0))
  end)

  it("sees what is more, and what is less", function()
    assert.equal("more", compare.judge(2.11, 2.0))
    assert.equal("less", compare.judge(1.89, 2.0))
  end)

  it("knows what nobody has written down yet", function() assert.equal("new", compare.judge(2.0, nil)) end)

  it("says which versions are others, and nothing where all are the same", function()
    local written = { libcurl = "7.88.1", gcc = "12" }
    assert.is_nil(compare.difference({ libcurl = "7.88.1", gcc = "12", lua = "5.4.4" }, written))
    assert.equal("gcc is 14 and not 12, libcurl is nil and not 7.88.1", compare.difference({ gcc = "14" }, written))
  end)

  it("takes the middle one of several counts", function()
    local function counted(a, b) return { a = { ratio = a }, b = { ratio = b } } end
    local found = compare.median { counted(3, 1), counted(1, 2), counted(2, 3) }
    assert.same({ a = { ratio = 2 }, b = { ratio = 2 } }, found)
  end)
end)
