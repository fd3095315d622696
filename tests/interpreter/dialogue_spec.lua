-- -i and the prompt, at a terminal and through a pipe; with readline, with libedit, and with neither.
local programs = require "tests.interpreter.programs"
local support = require "tests.support"
local terminal = require "tests.interpreter.terminal"

local UP = "\27[A"

describe("the interpreter's dialogue", function()
  local folder
  setup(function()
    folder = programs.folder()
    programs.write(folder .. "/work/script.lua", "x = 'of the script' print(...)")
    programs.write(folder .. "/work/fails.lua", "x = 'set' error 'failed'")
    -- Libraries that cannot be loaded, found before the system's: as if these were not installed.
    for name, libraries in pairs { plain = { "libreadline.so.8", "libedit.so.2" }, libedit = { "libreadline.so.8" } } do
      assert(os.execute("mkdir " .. folder .. "/" .. name))
      for _, library in ipairs(libraries) do programs.write(folder .. "/" .. name .. "/" .. library, "no library\n") end
    end
  end)
  teardown(support.clean)

  local function start(who, arguments, environment)
    return terminal.start(folder, ("%s %s %s/%s/lua %s"):format(programs.alone, environment or "", folder, who,
      arguments or ""))
  end

  -- What is said without the name and version on the first line.
  local function body(text)
    return (text:gsub("^[^\n]*\n", "", 1))
  end

  local dialogues = {
    ["expressions"] = { "1 + 1", "'a', nil, 2", "nil", "=3", "= 4, 5", "print(6)", "", "x = 7", "x" },
    ["chunks of several lines"] = { "for i = 1, 2 do", "print(i)", "end", "local t = {", "1,", "}", "x = [[a", "b]]",
                                    "x", "= #{", "}, 1 and", "2", "return 1,", "2" },
    ["mistakes"] = { "x =", ")", "error 'e'", "error {}", "nowhere.x", "local = 1", "for" .. (" "):rep(3) .. "end",
                     "(function() error('deep') end)()", "1 +", "2" },
    ["prompts of its own"] = { "_PROMPT = 'say> '", "1", "_PROMPT2 = 'more> '", "do", "end", "_PROMPT = 17 .. '> '",
                               "_PROMPT = setmetatable({}, { __tostring = function() return 'made> ' end })", "2",
                               "_PROMPT = nil" },
    ["a print of its own"] = { "p = print", "print = function(...) p('mine', ...) end", "1, 2", "print = nil", "3",
                               "print = p", "4" },
    ["globals between chunks, not locals"] = { "local a = 1", "a", "b = 2", "b", "arg[0]", "#arg" },
    ["warnings"] = { "warn 'quiet'", "warn '@on'", "warn 'loud'" },
  }

  for what, lines in pairs(dialogues) do
    it("is lua's: " .. what, function()
      local theirs, their_status = start("theirs"):say(lines)
      local ours, status = start("ours"):say(lines)
      assert.truthy(ours:find("^luaprov %d"), ours)
      assert.equal(body(theirs), (body(ours):gsub("ours/lua", "theirs/lua")))
      assert.equal(their_status, status)
    end)
  end

  for _, arguments in ipairs { "-i", "-i script.lua one", "-i fails.lua", "-i -e 'x = 1'", "-i - </dev/null",
                               "-e 'x = 1' -i", "-i -l s=string" } do
    it("follows lua " .. arguments, function()
      local results = {}
      for i, who in ipairs { "ours", "theirs" } do
        local talk = start(who, arguments)
        local text, status
        -- Nobody types where the input is not the terminal, or where a script's failure ends it all.
        if not arguments:find("<", 1, true) and talk:wait_for_prompt() then
          talk:type("x\n")
          assert(talk:wait_for_prompt())
          talk:type("\4")
        end
        text, status = talk:finish()
        results[i] = { body(text):gsub("theirs/lua", "ours/lua"), status }
      end
      assert.same(results[2], results[1])
    end)
  end

  it("takes up an earlier line again, as lua does", function()
    local lines = { "print('on' .. 'ce')", UP, "do", "print 'in a block' end", UP, UP .. UP .. UP }
    local theirs = start("theirs"):say(lines)
    local ours = start("ours"):say(lines)
    assert.equal(body(theirs), body(ours))
    assert.equal(3, select(2, ours:gsub("\nonce\n", "")))
  end)

  it("takes up an earlier line through libedit", function()
    if programs.sh(folder, "ldconfig -p | grep -q libedit.so.2 || /sbin/ldconfig -p | grep -q libedit.so.2").status ~= 0
    then return pending("libedit is not installed") end
    local talk = start("ours", "", "LD_LIBRARY_PATH=" .. folder .. "/libedit")
    for _, line in ipairs { "print('on' .. 'ce')", UP } do
      assert(talk:wait_for_prompt())
      talk:type(line .. "\n")
    end
    assert(talk:wait_for_prompt())
    -- No Ctrl-D: libedit prompts before it takes the terminal over, and one that comes between is lost.
    talk:type("os.exit()\n")
    local ours = talk:finish()
    assert.equal(2, select(2, ours:gsub("\nonce\n", "")), ours)
  end)

  it("does without a line editor", function()
    local ours, status = start("ours", "", "LD_LIBRARY_PATH=" .. folder .. "/plain"):say { "print('on' .. 'ce')", UP,
      "for i = 1, 2 do", "print('line ' .. i) end", "=" .. ("1+"):rep(1000) .. "1" }
    assert.equal(1, select(2, ours:gsub("\nonce\n", "")), ours)
    assert.truthy(ours:find("attempt to load a binary chunk", 1, true), ours)
    assert.truthy(ours:find("\nline 1\nline 2\n> ", 1, true), ours)
    assert.truthy(ours:find("\n1001\n> ", 1, true), ours)
    assert.equal(0, status)
  end)

  for what, library in pairs { readline = "", ["no line editor"] = "LD_LIBRARY_PATH=%s/plain" } do
    local environment = function() return (library:gsub("%%s", folder)) end

    it("interrupts a loop and goes on, with " .. what, function()
      local talk = start("ours", "", environment())
      talk:wait_for_prompt()
      talk:type("io.write('run', 'ning') io.flush() while true do end\n")
      assert(talk:wait_for("running"))
      talk:type("\3")
      local said = assert(talk:wait_for_prompt())
      assert.truthy(said:find("interrupted!\r\nstack traceback:", 1, true), said)
      local text, status = talk:say_after { "'still ' .. 'here'" }
      assert.truthy(text:find("\nstill here\n", 1, true), text)
      assert.equal(0, status)
    end)

    it("ends at a Ctrl-C at the prompt, as lua does, with " .. what, function()
      -- lua5.4 of Debian is linked to readline: without it there is none to compare with.
      for _, who in ipairs { "ours", what == "readline" and "theirs" or nil } do
        local talk = start(who, "", environment())
        assert(talk:wait_for_prompt())
        talk:type("1 + 1\n") -- a chunk has run: its end gives the signal back
        assert(talk:wait_for_prompt())
        talk:type("\3")
        assert.equal(130, select(2, talk:finish()), who)
      end
    end)
  end

  it("waits in a transfer until a Ctrl-C, and goes on", function()
    local socket = require "socket"
    local server = assert(socket.bind("127.0.0.1", 0))
    server:settimeout(30)
    local _, port = server:getsockname()
    local talk = start("ours")
    talk:wait_for_prompt()
    talk:type(("c = require('luaprov').client('ocamba', { token = 't', base_url = 'http://127.0.0.1:%d' })\n"):format(
      port))
    talk:wait_for_prompt()
    talk:type("c.integrations:get('1')\n")
    local connection = assert(server:accept())
    assert(connection:receive("*l"))
    talk:type("\3")
    local said = assert(talk:wait_for_prompt())
    assert.truthy(said:find("interrupted!", 1, true), said)
    local text = talk:say_after { "'still ' .. 'here'" }
    assert.truthy(text:find("\nstill here\n", 1, true), text)
    connection:close()
    server:close()
  end)

  describe("through a pipe", function()
    local function run(arguments, input)
      return programs.sh(folder, programs.alone .. " " .. programs.luaprov .. " " .. arguments, { input = input })
    end

    it("prompts and answers", function()
      local result = run("-i", "1 + 1\nfor i = 1, 2 do\nprint(i)\nend\n=3")
      assert.equal("> 2\n> >> >> 1\n2\n> 3\n> \n", body(result.out))
      assert.same({ "", 0 }, { result.err, result.status })
    end)

    it("says what is wrong without the program's name", function()
      local result = run("-i", "x =\n\n)\nerror 'e'\nfor")
      assert.truthy(result.err:find("^stdin:3: unexpected symbol near '%)'\nstdin:1: e\nstack traceback:"), result.err)
      assert.truthy(result.err:find("\nstdin:1: <name> expected near <eof>\n$"), result.err)
      assert.equal(0, result.status)
    end)

    it("looks for no line editor", function()
      local result = programs.sh(folder, programs.alone .. " LD_DEBUG=files " .. programs.luaprov .. " -i",
        { input = "1" })
      assert.truthy(result.err:find("libc.so", 1, true))
      assert.falsy(result.err:find("readline", 1, true))
    end)
  end)
end)
