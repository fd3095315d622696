-- What luaprov does as lua does: every case runs through both, and must give the same output, messages and status.
local programs = require "tests.interpreter.programs"
local support = require "tests.support"

local files = {
  ["args.lua"] = "for i = -9, 9 do if arg[i] then print(i, arg[i]) end end print(select('#', ...), ...)",
  ["shebang.lua"] = "#!/usr/bin/env lua\nprint 'ok'\nerror 'line 3'",
  ["trace.lua"] = "local function f() error('boo') end\nlocal ok = pcall(f)\nf()",
  ["syntax.lua"] = "print(1)\nlocal = 3",
  ["mod.lua"] = "print('mod', ...) return { value = 42 }",
  ["init.lua"] = "print('init', ...)",
  ["word"] = "print('a script without an ending', ...)",
  ["exits.lua"] = "os.exit(tonumber(arg[1]) or arg[1] == 'true', arg[2] == 'close')",
  ["tostring.lua"] = "error(setmetatable({}, { __tostring = function() return 'spoken' end }))",
  ["tostring_nothing.lua"] = "error(setmetatable({}, { __tostring = function() return 1 == 1 end }))",
  ["gc.lua"] = "setmetatable({}, { __gc = function() error('in gc') end })",
  ["big.lua"] = "print(#arg, select('#', ...), (select(200, ...)))",
  ["hit.lua"] = [[
    io.stdout:setvbuf("no")
    -- Not os.execute, which keeps the signal away from who calls it.
    function hit() io.popen("kill -INT $PPID"):close() end]],
  ["loop.lua"] = "hit = io.popen('kill -INT $PPID') while true do end",
  ["caught.lua"] = "dofile 'hit.lua' print(pcall(hit)) for i = 1, 1000 do tostring(i) end print 'goes on'",
  ["twice.lua"] = "dofile 'hit.lua' print(pcall(hit)) hit() print 'not reached'",
}

local cases = {
  -- -e
  { arguments = "-e 'print(1)' -e 'print(2)'" },
  { arguments = "-e'print(1)'" },
  { arguments = "-e ''" },
  { arguments = "-e 'x = 3' -e 'print(x, #arg, arg[0], arg[1])'" },
  { arguments = "-e 'print(...)' args.lua one" },
  { arguments = "-e 'error \"x\"' args.lua" },
  { arguments = "-e 'x ='" },
  { arguments = "-e 'error()'" },
  { arguments = "-e 'error {}'" },
  { arguments = "-e 'error(42)'" },
  { arguments = "-e 'local t <close> = setmetatable({}, { __close = function() print(9) end }) error \"e\"'" },
  { arguments = "-e 'print(collectgarbage \"incremental\")'" },
  { arguments = "-e 'print(_PROMPT, _VERSION, _G == _ENV)'" },
  -- -l
  { arguments = "-l mod -e 'print(mod.value)'" },
  { arguments = "-lmod -e 'print(mod.value)'" },
  { arguments = "-l g=mod -e 'print(g.value, mod)'" },
  { arguments = "-l s=string args.lua" },
  { arguments = "-l nowhere args.lua", first_line_only = true },
  { arguments = "-l syntax -e 'print(1)'", first_line_only = true },
  -- -W, -E
  { arguments = "-W -e 'warn(\"one \", \"two\")'" },
  { arguments = "-e 'warn \"quiet\" warn \"@on\" warn \"loud\"'" },
  { arguments = "-e 'warn \"quiet\"' -W -e 'warn \"loud\"'" },
  { arguments = "-W gc.lua" },
  { arguments = "gc.lua" },
  { arguments = "-E -e 'print(package.path:find \"marked\")'", environment = "LUA_PATH='/marked/?.lua;;'" },
  { arguments = "-e 'print(package.path:find \"marked\" ~= nil)'", environment = "LUA_PATH='/marked/?.lua;;'" },
  { arguments = "-e 'print(package.cpath:find \"marked\" ~= nil)'", environment = "LUA_CPATH_5_4='/marked/?.so;;'" },
  -- LUA_INIT
  { arguments = "args.lua", environment = "LUA_INIT='print(1, ...)'" },
  { arguments = "args.lua one", environment = "LUA_INIT=@init.lua" },
  { arguments = "args.lua", environment = "LUA_INIT='print(1)' LUA_INIT_5_4='print(2)'" },
  { arguments = "-E args.lua", environment = "LUA_INIT='print(1)' LUA_INIT_5_4='print(2)'" },
  { arguments = "args.lua", environment = "LUA_INIT='error(1)'" },
  { arguments = "args.lua", environment = "LUA_INIT='x ='" },
  { arguments = "args.lua", environment = "LUA_INIT=@nowhere.lua" },
  { arguments = "args.lua one", environment = "LUA_INIT='arg = { \"changed\", \"twice\" }'" },
  { arguments = "args.lua", environment = "LUA_INIT=" },
  -- The script, its arguments, arg
  { arguments = "args.lua" },
  { arguments = "args.lua one 'two three' ''" },
  { arguments = "-W -e '' -l string args.lua one -e two" },
  { arguments = "-- args.lua -i" },
  { arguments = "./args.lua -- -" },
  { arguments = "word one" },
  { arguments = "./word one" },
  { arguments = "big.lua $(seq 300)" },
  { arguments = "-e 'arg = 1' args.lua" },
  { arguments = "-e 'arg = nil' args.lua" },
  { arguments = "-e 'arg = {}' args.lua one" },
  { arguments = "shebang.lua" },
  { arguments = "trace.lua" },
  { arguments = "syntax.lua" },
  { arguments = "tostring.lua" },
  { arguments = "tostring_nothing.lua" },
  { arguments = "binary.luac one" },
  { arguments = "truncated.luac" },
  { arguments = "empty.lua" },
  { arguments = "nowhere.lua" },
  { arguments = "./nowhere" },
  { arguments = "nowhere/" },
  { arguments = "./folder" },
  { arguments = "folder/" },
  { arguments = "''" },
  -- Standard input
  { arguments = "", input = "print('piped', ...) print(arg[0])" },
  { arguments = "", input = "" },
  { arguments = "", input = "#!first line\nprint 'second'" },
  { arguments = "-", input = "print('piped', ...)" },
  { arguments = "- one two", input = "print(arg[-1], arg[0], ...)" },
  { arguments = "-W - one", input = "print(arg[-2], ...)" },
  { arguments = "-", input = "error 'x'" },
  { arguments = "-", input = "x =" },
  { arguments = "-- -", input = "print 'not read'" },
  { arguments = "-e 'print(io.read(\"n\"))'", input = "17" },
  { arguments = "-e ''", input = "print 'not read'" },
  { arguments = "- one", input = "print(io.read 'l', ...)\nsecond" },
  -- Exit status
  { arguments = "exits.lua 7" },
  { arguments = "exits.lua 0 close" },
  { arguments = "exits.lua 256" },
  { arguments = "exits.lua true" },
  { arguments = "exits.lua false close" },
  -- Streams that are closed, or full
  { arguments = "-e 'print(1)' >&-" },
  { arguments = "-e 'print(1)' >/dev/full" },
  { arguments = "-e 'io.write \"x\" io.stderr:write(select(2, io.stdout:flush()))' >&-" },
  { arguments = "-e 'error \"unheard\"' 2>&-" },
  { arguments = "-e 'print(io.read())' <&-" },
  { arguments = "- <&-" },
  -- Ctrl-C
  { arguments = "loop.lua", err = "interrupted!", status = 130 }, -- it may be met before it loops
  { arguments = "caught.lua" },
  { arguments = "twice.lua" },
}

describe("luaprov, as lua:", function()
  local folder

  setup(function()
    folder = programs.folder()
    for name, text in pairs(files) do programs.write(folder .. "/work/" .. name, text) end
    programs.write(folder .. "/work/empty.lua", "")
    local made = programs.sh(folder, "mkdir folder && luac5.4 -o binary.luac args.lua"
      .. " && head -c 60 binary.luac > truncated.luac")
    assert.equal(0, made.status, made.err)
    local ours, theirs = programs.both(folder, { arguments = "-v" })
    assert(ours.out:find("^luaprov ") and theirs.out:find("^Lua 5"), "the two programs are not the two")
  end)
  teardown(support.clean)

  for _, case in ipairs(cases) do
    local title = (case.environment and case.environment .. " " or "") .. "lua " .. case.arguments
      .. (case.input and " <<< " .. ("%q"):format(case.input):gsub("\n", "n") or "")
    it(title, function()
      local ours, theirs = programs.both(folder, case)
      assert.equal(theirs.out, ours.out)
      if case.err then
        assert.truthy(theirs.err:find(case.err, 1, true), theirs.err)
        assert.truthy(ours.err:find(case.err, 1, true), ours.err)
      elseif case.first_line_only then -- what follows names the folders that were searched
        assert.equal(theirs.err:match("^[^\n]*"), ours.err:match("^[^\n]*"))
      else
        assert.equal(theirs.err, ours.err)
      end
      assert.equal(case.status or theirs.status, ours.status)
    end)
  end
end)
