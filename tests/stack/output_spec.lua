-- Where outputs may go.
local outputs = require "luaprov.stack.output"

describe("the folder of an output", function()
  local open = io.open
  after_each(function() io.open = open end) -- luacheck: ignore 122

  local function unplaced()
    return outputs.unplaced { outputs = { { path = "apiKey", kind = "file", target = "there/key" } } }
  end

  it("need not be one that can be read", function()
    for code, count in pairs { [2] = 1, [20] = 1, [13] = 0 } do
      io.open = function() return nil, "there/.: so it is", code end -- luacheck: ignore 122
      assert.equal(count, #unplaced())
    end
    io.open = open -- luacheck: ignore 122
    assert.same({ "the output apiKey is to go to there/key, and there is no folder there/" }, unplaced())
  end)
end)
