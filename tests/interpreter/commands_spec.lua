-- `luaprov WORD`: when it is a command, when a script. The commands here are made up.
local programs = require "tests.interpreter.programs"
local support = require "tests.support"

local cli = [[
local M = { commands = { { name = "greet", summary = "says hello" }, { name = "fail-on-purpose", summary = "does" } } }
local known = { greet = true, odd = true, raise = true, ["fail-on-purpose"] = true, ["a-"] = true, wait = true }
function M.is_command(word)
  if word == "boom" then error "is_command broke" end
  return known[word] or false
end
function M.main(word, arguments)
  if word == "odd" then return tonumber(arguments[1]) or arguments[1] end
  if word == "raise" then error "the command broke" end
  if word == "wait" then io.popen("kill -INT $PPID"):close() while true do end end
  print(word, #arguments, table.concat(arguments, "|"), arg[0], arguments[0])
  return word == "greet" and 0 or 65
end
return M
]]

describe("the interpreter's commands", function()
  local folder, place
  local function set_cli(text)
    if text then programs.write(place .. "/init.lua", text) else os.remove(place .. "/init.lua") end
  end

  setup(function()
    folder = programs.folder()
    -- The program and its modules, with commands of our own: it looks beside itself first.
    local made = programs.sh(folder, ("cp -r %s/bin .. && mkdir -p ../share/lua && cp -r %s/share/lua/5.4 ../share/lua"
      .. " && rm -rf ../share/lua/5.4/luaprov/cli && mkdir ../share/lua/5.4/luaprov/cli"):format(programs.build,
      programs.build))
    assert.equal(0, made.status, made.err)
    place = folder .. "/share/lua/5.4/luaprov/cli"
    for name, text in pairs { greet = "print 'the script greet'", plan = "print 'the script plan'",
                              ["greet.lua"] = "print 'greet.lua'" } do
      programs.write(folder .. "/work/" .. name, text)
    end
    programs.sh(folder, "mkdir tests && echo x > closed && chmod 0 closed")
  end)
  teardown(support.clean)
  before_each(function() set_cli(cli) end)

  local function run(arguments, options)
    return programs.sh(folder, programs.alone .. " ../bin/luaprov " .. arguments, options)
  end

  it("runs a command with its arguments, and ends with what it returns", function()
    local result = run("greet one --two '' -e")
    assert.same({ "greet\t4\tone|--two||-e\tgreet\tnil\n", "", 0 }, { result.out, result.err, result.status })
    result = run("fail-on-purpose")
    assert.same({ "fail-on-purpose\t0\t\tfail-on-purpose\tnil\n", "", 65 }, { result.out, result.err, result.status })
  end)

  it("runs options before the command", function()
    assert.truthy(run("-e 'print \"before\"' greet").out:find("^before\ngreet\t0"))
  end)

  it("prefers a command to a script of its name, which is run by its path", function()
    assert.truthy(run("greet").out:find("^greet\t0"))
    assert.equal("the script greet\n", run("./greet").out)
    assert.equal("greet.lua\n", run("greet.lua").out)
  end)

  it("runs a script that is no command", function()
    assert.equal("the script plan\n", run("plan").out)
  end)

  it("says that there is neither, and what is near, with 64", function()
    local result = run("gret one")
    assert.same({ "", "../bin/luaprov: no command and no script 'gret' (did you mean 'greet'?)\n", 64 },
      { result.out, result.err, result.status })
    result = run("zzzzzz")
    assert.equal("../bin/luaprov: no command and no script 'zzzzzz' (there is fail-on-purpose, greet)\n", result.err)
    for _, word in ipairs { "Greet", "greet1", "tests" } do -- tests is a folder
      assert.equal(64, run(word).status, word)
    end
  end)

  it("leaves what looks like a file to lua's message, with 1", function()
    for _, word in ipairs { "gret.lua", "./gret", "nowhere/gret", "tests/" } do
      local result = run(word)
      assert.equal(1, result.status, word)
      assert.truthy(result.err:find("cannot ", 1, true), result.err)
    end
  end)

  it("never takes a file that it may not read for one that is not there", function()
    local result = run("closed")
    assert.equal(1, result.status)
    assert.falsy(result.err:find("no command", 1, true), result.err)
  end)

  it("treats a word as a script where no commands are installed", function()
    set_cli(nil)
    assert.equal("the script greet\n", run("greet").out)
    local result = run("gret")
    assert.same({ "../bin/luaprov: no command and no script 'gret'\n", 64 }, { result.err, result.status })
    assert.equal(0, run("--help").status)
  end)

  for what, text in pairs { ["a syntax error"] = "return {", ["an error"] = "error 'broken on purpose'",
                            ["no table"] = "return 3", ["no is_command"] = "return { main = print }",
                            ["no main"] = "return { is_command = print }", ["nothing to return"] = "" } do
    it("runs no script in place of a command when the commands have " .. what, function()
      set_cli(text)
      local result = run("greet")
      assert.equal(1, result.status)
      assert.equal("", result.out)
      assert.truthy(result.err:find("the commands cannot be loaded: ", 1, true), result.err)
      assert.equal("the script greet\n", run("./greet").out)
      assert.equal("greet.lua\n", run("greet.lua").out)
    end)
  end

  it("shows what is_command or a command raises, with 1", function()
    for word, message in pairs { boom = "is_command broke", raise = "the command broke" } do
      local result = run(word)
      assert.equal(1, result.status)
      assert.truthy(result.err:find(message .. "\nstack traceback:", 1, true), result.err)
    end
  end)

  it("says so when a command returns no exit code", function()
    for _, answer in ipairs { "words", "256", "-1", "1.5" } do
      local result = run("odd " .. answer)
      assert.same({ "../bin/luaprov: odd returned no exit code: " .. answer .. "\n", 1 }, { result.err, result.status })
    end
    assert.truthy(run("odd").err:find("no exit code: nil", 1, true))
    assert.equal(255, run("odd 255").status)
  end)

  it("can be interrupted", function()
    local result = run("wait")
    assert.equal(130, result.status)
    assert.truthy(result.err:find("interrupted!", 1, true), result.err)
  end)

  it("lists the commands in its help", function()
    local result = run("--help")
    assert.equal(0, result.status)
    assert.truthy(result.out:find("\n  greet +says hello\n  fail%-on%-purpose +does\n"), result.out)
    assert.equal("", result.err)
  end)

  it("takes a list of commands that is no list for none", function()
    for _, list in ipairs { "3", "{ 1, 2 }", "{ {} }", "nil" } do
      set_cli("return { commands = " .. list .. ", is_command = function() end, main = print }")
      assert.equal(0, run("--help").status)
      assert.equal("../bin/luaprov: no command and no script 'gret'\n", run("gret").err)
    end
  end)
end)
