-- What luaprov does on its command line and lua does not.
local programs = require "tests.interpreter.programs"
local support = require "tests.support"

local version = "luaprov " .. require "luaprov.version" .. " (Lua 5.4."

describe("the interpreter's command line", function()
  local folder
  setup(function()
    folder = programs.folder()
    programs.write(folder .. "/work/script.lua", "print('script', ...)")
  end)
  teardown(support.clean)

  local function run(arguments, options)
    return programs.sh(folder, programs.alone .. " " .. programs.luaprov .. " " .. arguments, options)
  end

  for arguments, wrong in pairs {
    ["-x"] = "-x", ["--no-such-option"] = "--no-such-option", ["-vv"] = "-vv", ["-i3"] = "-i3", ["-Wx"] = "-Wx",
    ["-Ex"] = "-Ex", ["-hx"] = "-hx", ["--helpme"] = "--helpme", ["-e 'print(1)' -x script.lua"] = "-x",
  } do
    it("refuses " .. arguments .. " with 64, and runs nothing", function()
      local result = run(arguments)
      assert.equal(64, result.status)
      assert.equal("", result.out)
      assert.truthy(result.err:find(": unknown option '" .. wrong .. "'\nusage: luaprov [", 1, true), result.err)
    end)
  end

  for arguments, wrong in pairs { ["-e"] = "-e", ["-l"] = "-l", ["-e -v"] = "-e", ["-l -i script.lua"] = "-l" } do
    it("refuses " .. arguments .. " with 64, as what is to be run is not there", function()
      local result = run(arguments)
      assert.equal(64, result.status)
      assert.equal("", result.out)
      assert.truthy(result.err:find(": option '" .. wrong .. "' lacks its value\nusage: ", 1, true), result.err)
    end)
  end

  it("takes a folder of provider files, for scripts and commands, before those of LUAPROV_PATH", function()
    programs.write(folder .. "/work/acme.lua", support.provider(support.operations .. 'text "name" {},'))
    assert(os.execute("mkdir " .. folder .. "/work/other"))
    assert.equal(".:other\n", run("--providers other --providers . -e 'print(os.getenv \"LUAPROV_PATH\")'").out)
    assert.truthy(run("--providers . providers acme --json").out:find('"name":"acme"', 1, true))
    local bare = run("--providers")
    assert.equal(64, bare.status)
    assert.truthy(bare.err:find("option '--providers' lacks its value", 1, true), bare.err)
  end)

  it("refuses a folder of provider files that is none with 64, and runs nothing", function()
    for word, name in pairs { ["nowhere"] = "nowhere", ["script.lua"] = "script.lua", ["''"] = "''" } do
      for _, what in ipairs { "providers", "script.lua", "-e 'print(1)'" } do
        local result = run("--providers " .. word .. " " .. what)
        assert.same({ "", 64 }, { result.out, result.status })
        assert.truthy(result.err:find(": --providers: there is no folder " .. name .. "\nusage: ", 1, true), result.err)
      end
    end
  end)

  it("lists luaprov's own commands, and hints at them", function()
    local out = run("--help").out
    for _, command in ipairs(require("luaprov.cli").commands) do
      assert.truthy(out:find("\n  " .. command.name .. " +" .. command.summary:sub(1, 10)), out)
    end
    local result = run("provider")
    assert.equal(64, result.status)
    assert.truthy(result.err:find("did you mean 'providers'", 1, true), result.err)
  end)

  it("prints how it is used, with an example, and runs nothing", function()
    for _, arguments in ipairs { "--help", "-h", "-e 'print \"ran\"' -h script.lua" } do
      local result = run(arguments)
      assert.equal(0, result.status)
      assert.equal("", result.err)
      for _, words in ipairs { "luaprov COMMAND", "[SCRIPT [ARGUMENTS]]", "-e CODE", "-i ", "./NAME", "Examples:\n" } do
        assert.truthy(result.out:find(words, 1, true), words .. " is not in: " .. result.out)
      end
      assert.falsy(result.out:find("ran\n"))
    end
    assert.equal("script\t--help\n", run("script.lua --help").out)
  end)

  it("says so when its help cannot be printed", function()
    for where, why in pairs { [">/dev/full"] = "No space left on device", [">&-"] = "Bad file descriptor" } do
      for _, option in ipairs { "--help", "-h" } do
        local result = run(option .. " " .. where)
        assert.equal(1, result.status)
        assert.truthy(result.err:find(": cannot write to standard output: " .. why .. "\n$"), result.err)
      end
    end
    local gone = "mkfifo go; { cat go >/dev/null; %s " .. programs.luaprov
      .. " --help; echo status $? >&2; } | { exec <&-; echo >go; }; rm go"
    for _, before in ipairs { "env --default-signal=PIPE", "env --ignore-signal=PIPE" } do
      local result = programs.sh(folder, gone:format(before))
      assert.equal("status 141\n", result.err)
    end
  end)

  it("has examples in its help that work", function()
    local last = run("--help").out:match("([^\n]*)\n$")
    local line = last:gsub("^  luaprov", programs.luaprov)
    assert.equal('{"id":12345678901234567}\n', programs.sh(folder, programs.alone .. " " .. line).out)
    local script = run("--help").out:match("\n  luaprov (examples/%S+)\n")
    assert(io.open(script)):close()
  end)

  it("names luaprov's version and Lua's, and loads no engine for it", function()
    for _, arguments in ipairs { "-v", "--version" } do
      local result = run(arguments)
      assert.equal(0, result.status)
      assert.equal(version, result.out:sub(1, #version))
      assert.truthy(result.out:find("^[^\n]+%)\n$"))
    end
    local after = run("-v -e 'print(package.loaded[\"luaprov.core\"], package.loaded[\"cjson\"])'")
    assert.truthy(after.out:find("\nnil\tnil\n$"), after.out)
    assert.truthy(run("-v script.lua one").out:find("\nscript\tone\n$"))
  end)

  it("needs no libcurl to start", function()
    local result = programs.sh(folder, "ldd " .. programs.luaprov)
    assert.truthy(result.out:find("libc.so"), result.out)
    assert.falsy(result.out:find("libcurl") or result.out:find("libreadline"), result.out)
  end)

  it("ends with 1 when the script on its standard input fails", function()
    local failed = run("", { input = "error 'x'" })
    assert.equal(1, failed.status)
    assert.truthy(failed.err:find("stdin:1: x\n", 1, true), failed.err)
    assert.equal(1, run("", { input = "x =" }).status)
    assert.equal(0, run("", { input = "x = 1" }).status)
  end)

  it("sends what is printed nowhere when its streams are closed, and not into what is opened next", function()
    local code = [[local f = io.open("opened", "w") io.write("printed") io.stderr:write("said")
      print(io.stdout:flush()) f:write("kept") f:close()]]
    for _, closed in ipairs { ">&-", "2>&-", "<&- >&- 2>&-" } do
      assert.equal(0, run("-e '" .. code .. "' " .. closed).status)
      assert.equal("kept", programs.sh(folder, "cat opened").out)
    end
  end)

  it("runs on without its modules, and says so in its version", function()
    local made = programs.sh(folder, ("mkdir -p bare/bin && cp %s bare/bin && %s bare/bin/luaprov -v script.lua one")
      :format(programs.luaprov, programs.alone))
    assert.truthy(made.out:find("^luaprov without its modules %(Lua 5%.4%.%d+%)\nscript\tone\n$"), made.out)
  end)
end)
