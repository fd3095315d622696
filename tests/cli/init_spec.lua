local cli = require "luaprov.cli"
local run = require "tests.cli.support"
local support = require "tests.support"

describe("the commands", function()
  after_each(support.clean)

  it("are those seventeen", function()
    local names = {}
    for i, command in ipairs(cli.commands) do names[i] = command.name end
    assert.same({
      "providers", "call", "plan", "apply", "destroy", "refresh", "import", "adopt", "export", "show", "state",
      "settle", "sandbox", "check", "types", "completion", "help",
    }, names)
    for _, name in ipairs(names) do assert.is_true(cli.is_command(name)) end
    for _, name in ipairs { "", "plan.lua", "Call", "./call" } do assert.is_false(cli.is_command(name)) end
  end)

  for _, command in ipairs(cli.commands) do
    if pcall(require, "luaprov.cli." .. command.name) then
      it(command.name .. " has help with an example", function()
        for _, option in ipairs { "--help", "-h" } do
          local out, err, code = run.run { command.name, option }
          assert.equal(0, code)
          assert.equal("", err)
          assert.truthy(out:find("^Usage: luaprov " .. command.name), out)
          assert.truthy(out:find("\nExamples?:\n   luaprov " .. command.name), out)
          assert.truthy(out:find("--providers <folder>", 1, true), out)
        end
      end)

      it(command.name .. " refuses an option that it does not have, with 64", function()
        local out, err, code = run.run { command.name, "--verbos" }
        assert.equal(64, code)
        assert.equal("", out)
        assert.truthy(err:find("^Usage: luaprov " .. command.name), err)
        assert.truthy(err:find("luaprov: " .. command.name .. ": unknown option '--verbos'", 1, true), err)
        assert.is_nil(err:find("traceback", 1, true))
      end)
    end
  end

  it("say which one cannot be loaded", function()
    local out, err, code = run.run({ "types" }, {},
      "package.preload['luaprov.cli.types'] = function() error 'gone' end")
    assert.equal(1, code)
    assert.equal("", out)
    assert.truthy(err:find("luaprov: the command types cannot be loaded: .*gone"), err)
  end)

  it("say that argparse is missing, and how to get it", function()
    local _, err, code = run.run({ "providers" }, {}, "package.preload.argparse = function() error 'gone' end")
    assert.equal(1, code)
    assert.truthy(err:find("apt-get install lua-argparse", 1, true), err)
    assert.is_nil(err:find("traceback", 1, true))
  end)

  it("load nothing of the others", function()
    local out = run.run({ "providers", "--help" }, {}, [[
      local real = os.exit
      os.exit = function(...)
        print(package.loaded["luaprov.cli.call"], package.loaded["luaprov.provider.client"])
        real(...)
      end]])
    assert.truthy(out:find("nil\tnil\n$"), out)
  end)

  it("find provider files in the folders that --providers names, before all others", function()
    local _, first = support.file("hubster.lua", support.provider(support.operations))
    local _, second = support.file("acme.lua", support.provider(support.operations))
    local out, err, code = run.run { "providers", "hubster", "--providers", first, "--providers=" .. second, "--json" }
    assert.equal(0, code, err)
    assert.truthy(out:find(first .. "/hubster.lua", 1, true), out)
    out, err, code = run.run { "providers", "acme", "--providers", first, "--providers", second, "--json" }
    assert.equal(0, code, err)
    assert.truthy(out:find(second .. "/acme.lua", 1, true), out)
  end)

  it("refuse a folder that is none, with 64", function()
    local file = support.file("acme.lua", "")
    for _, folder in ipairs { "/nowhere/at/all", file, "" } do
      local out, err, code = run.run { "providers", "--providers", folder }
      assert.equal(64, code)
      assert.equal("", out)
      assert.truthy(err:find("luaprov: providers: --providers: there is no folder " .. folder, 1, true), err)
    end
  end)

  it("refuse an option that there is not on one line, with the one that was meant", function()
    for said, words in pairs {
      ["call: unknown option '--jsn' (did you mean '--json'?)"] = { "call", "hubster", "hubs", "list", "--jsn" },
      ["call: unknown option '-5' (a value that begins with - stands behind a =, as in --id=-5)"] =
        { "call", "hubster", "hubs", "get", "-5" },
      ["providers: unknown option '--tabel' (did you mean '--table'?)"] = { "providers", "--tabel" },
    } do
      local out, err, code = run.run(words)
      assert.same({ "", 64 }, { out, code })
      assert.truthy(err:find("luaprov: " .. said .. "\n", 1, true), err)
    end
  end)

  describe("end in silence when nobody reads", function()
    -- Nothing is written before the reader has closed its end.
    local function without_reader(command, before)
      local folder = support.folder()
      return run.sh(("mkfifo %s/go; { %s cat %s/go >/dev/null; %s; echo status $? >&2; } | { exec <&-; echo > %s/go; }")
        :format(folder, before, folder, command, folder))
    end

    it("and are stopped by the signal, as others are", function()
      local out, err = without_reader("env --default-signal=PIPE " .. run.command { "providers" }, "")
      assert.equal("", out)
      assert.equal("status 141\n", err)
    end)

    it("and with the same status where the signal is ignored", function()
      for _, arguments in ipairs { { "providers" }, { "providers", "--help" }, { "completion", "bash" } } do
        local _, err = without_reader(run.command(arguments), "trap '' PIPE;")
        assert.equal("status 141\n", err)
      end
    end)

    it("and say so where the disk is full", function()
      local _, err, code = run.sh(run.command { "providers", "hubster" } .. " > /dev/full")
      assert.equal(1, code)
      assert.truthy(err:find("^luaprov: cannot write to standard output: "), err)
      assert.is_nil(err:find("traceback", 1, true))
      _, err, code = run.sh(run.command { "providers", "--help" } .. " > /dev/full")
      assert.equal(1, code)
      assert.truthy(err:find("^luaprov: cannot write to standard output: "), err)
    end)
  end)
end)
