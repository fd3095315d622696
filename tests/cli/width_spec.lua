-- The columns that a text takes on a terminal.
local output = require "luaprov.cli.output"
local width = require "luaprov.cli.width"

describe("A text's width", function()
  it("is two columns for a wide character, one for others, none for a mark that combines", function()
    for text, columns in pairs { [""] = 0, ["abc"] = 3, ["äöü€"] = 4, ["日本語"] = 6, ["한국어"] = 6, ["ｆｕ"] = 4,
                                 ["e\204\129"] = 1, ["😀x"] = 3, ["𠀀"] = 2, ["…"] = 1, ["Ελλάς"] = 5 } do
      assert.equal(columns, width.of(text), text)
    end
  end)

  it("is what a cell is cut to", function()
    assert.equal("日本語", width.cut("日本語", 6))
    assert.equal("日本…", width.cut("日本語", 5))
    assert.equal("日…", width.cut("日本語", 4))
    assert.equal("abcd…", width.cut("abcdef", 5))
    assert.equal("e\204\129x…", width.cut("e\204\129xyz", 3))
  end)

  it("is what columns are made of", function()
    local lines = {}
    local out = setmetatable({ line = function(_, text) lines[#lines + 1] = text end },
      { __index = getmetatable(output.new("x", { table = true })).__index })
    out:columns { { "日本語", "a" }, { "abcdefg", "b" } }
    assert.same({ "日本語   a", "abcdefg  b" }, lines)
    lines = {}
    out.flush = function() end
    local rows = out:rows { "N", "M" }
    rows:add { "日本", "a" }
    rows:add { "abc", "b" }
    rows:flush()
    assert.same({ "N     M", "日本  a", "abc   b" }, lines)
  end)
end)
