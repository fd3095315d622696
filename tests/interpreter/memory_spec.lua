-- The interpreter's lists of small blocks: what Lua keeps in them stays what it is, and takes no more than with malloc.
local programs = require "tests.interpreter.programs"
local support = require "tests.support"

-- Strings, lists, tables with keys and coroutines of all sizes come, grow, shrink and go; then each is looked at.
local SCRIPT = [[
math.randomseed(7)
local kept, sizes = {}, {}
local makers = {
  function(size) return ("x"):rep(size) end,
  function(size) local list = {} for i = 1, size do list[i] = i end return list end,
  function(size) local map = {} for i = 1, size do map["k" .. i] = i end return map end,
  function(size)
    local fn = coroutine.wrap(function() local mine = size coroutine.yield() return mine end)
    fn()
    return fn
  end,
}
for i = 1, 60000 do
  local place = math.random(300)
  sizes[place] = math.random(i % 10 == 0 and 1500 or 60)
  kept[place] = { kind = math.random(4) }
  kept[place].value = makers[kept[place].kind](sizes[place])
  if i % 7 == 0 then kept[math.random(300)] = nil end
end
for place, one in pairs(kept) do
  local size, value = sizes[place], one.value
  if one.kind == 1 then assert(value == ("x"):rep(size)) end
  if one.kind == 2 then for i = 1, size do assert(value[i] == i) end end
  if one.kind == 3 then for i = 1, size do assert(value["k" .. i] == i) end end
  if one.kind == 4 then assert(value() == size) end
end
kept = nil
collectgarbage()
for line in io.lines "/proc/self/status" do
  if line:find "^VmHWM" then print(line:match "%d+") end
end
]]

describe("the interpreter's memory", function()
  local folder
  setup(function()
    folder = programs.folder()
    programs.write(folder .. "/work/script.lua", SCRIPT)
  end)
  teardown(support.clean)

  it("holds what Lua keeps, and is no larger than lua's own by half", function()
    local ours = programs.sh(folder, programs.alone .. " ../ours/lua script.lua")
    local theirs = programs.sh(folder, programs.alone .. " ../theirs/lua script.lua")
    assert.same({ status = 0, err = "" }, { status = ours.status, err = ours.err })
    if not programs.luaprov:find "/asan/" then
      assert.is_true(tonumber(ours.out) < 1.5 * tonumber(theirs.out), ours.out .. theirs.out)
    end
  end)
end)
