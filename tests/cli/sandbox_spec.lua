-- luaprov sandbox: what it says where it cannot start. What it does is in tests/sandbox.
local run = require "tests.cli.support"
local support = require "tests.support"

describe("luaprov sandbox", function()
  after_each(support.clean)

  -- Were one to start, it would serve for ever.
  local function refused(words)
    table.insert(words, 1, "sandbox")
    local out, err, code = run.sh("timeout 60 " .. run.command(words))
    assert.equal("", out)
    assert.is_nil(err:find("traceback", 1, true), err)
    return err, code
  end

  it("refuses options that cannot be, with 64 and in the words of the command line", function()
    for said, words in pairs {
      ["--token-life must be a number of seconds above zero and below 1e9"] = { "--token-life", "1e12" },
      ["--token-life must be a number of seconds above zero"] = { "--token-life", "0" },
      ["--port must be a whole number from 0 to 65535"] = { "--port", "65536" },
      ["--data must be the path of a file"] = { "--data", "" },
      ["--port must be a whole number from 0 to 65535\n"] = { "--port", "abc" },
      ["--token-life must be a number of seconds above zero and below 1e9\n"] = { "--token-life", "x" },
      ["unknown option '-1' (a value that begins with - stands behind a =, as in --id=-5)\n"] = { "--port", "-1" },
      ["a provider is given by its name, or the path of its file"] = { "" },
    } do
      local err, code = refused(words)
      assert.equal(64, code, err)
      assert.truthy(err:find("luaprov: sandbox: " .. said, 1, true), err)
    end
  end)

  it("refuses a name that means nothing with 64, and a provider file that breaks with 1", function()
    local err, code = refused { "ocamba", "hubser" }
    assert.equal(64, code)
    assert.truthy(err:find("there is no provider 'hubser' (did you mean 'hubster'?)", 1, true), err)
    err, code = refused { "./nowhere.lua" }
    assert.equal(64, code)
    assert.truthy(err:find("there is no provider file ./nowhere.lua", 1, true), err)
    local file = support.file("acme.lua", "return provider {\n  titel = 'x',\n}\n")
    err, code = refused { "ocamba", file }
    assert.equal(1, code)
    assert.truthy(err:find(file .. ":2: provider: unknown option 'titel'", 1, true), err)
  end)

  it("refuses a file of faults that is none with 1", function()
    local path = support.file("faults.lua", "return { { fault = 'drop' }, times = 1 }")
    local err, code = refused { "ocamba", "--faults", path }
    assert.equal(1, code)
    assert.truthy(err:find(path .. ": faults must be a list of faults", 1, true), err)
    err, code = refused { "ocamba", "--faults", path .. ".not" }
    assert.equal(1, code)
    assert.truthy(err:find(path .. ".not", 1, true), err)
  end)
end)
