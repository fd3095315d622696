local run = require "tests.cli.support"

local function quote(word) return run.quote(word) end

describe("luaprov completion", function()
  -- What bash offers where the line ends.
  local function offered(...)
    local script = run.run { "completion", "bash" }
    local words = {}
    for i, word in ipairs { "luaprov", ... } do words[i] = quote(word) end
    local out, err, code = run.sh("bash --norc -c " .. quote(script .. ("\nCOMP_WORDS=(%s)\nCOMP_CWORD=%d\n_luaprov\n"
      .. "printf '%%s\\n' \"${COMPREPLY[@]}\""):format(table.concat(words, " "), #words - 1)))
    assert.equal(0, code, err)
    local set = {}
    for word in out:gmatch("%S+") do set[word] = true end
    return set
  end

  it("completes the commands in bash", function()
    local all = offered("")
    for _, command in ipairs(require("luaprov.cli").commands) do
      local name = command.name
      assert.is_true(all[name])
    end
    assert.same({ call = true, check = true, completion = true }, offered("c"))
  end)

  it("and their options", function()
    local options = offered("call", "ocamba", "--")
    for _, name in ipairs { "--curl", "--json", "--verbose", "--providers", "--set", "--help" } do
      assert.is_true(options[name], name)
    end
    assert.same({ ["--curl"] = true }, offered("call", "--c"))
    assert.is_nil(offered("providers", "--")["--curl"])
  end)

  it("is printed for zsh and fish, too", function()
    local out, err, code = run.run { "completion", "zsh" }
    assert.equal(0, code, err)
    assert.truthy(out:find("^#compdef luaprov\n"), out)
    assert.truthy(out:find("--curl", 1, true))
    out, err, code = run.run { "completion", "fish" }
    assert.equal(0, code, err)
    assert.truthy(out:find("complete -c luaprov", 1, true), out)
  end)

  it("refuses another shell with 64", function()
    local out, err, code = run.run { "completion", "tcsh" }
    assert.equal(64, code)
    assert.equal("", out)
    assert.truthy(err:find("must be one of 'bash', 'zsh', 'fish'", 1, true), err)
  end)
end)
