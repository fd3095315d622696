-- luaprov help.
local cli = require "luaprov.cli"
local run = require "tests.cli.support"
local support = require "tests.support"

describe("luaprov help", function()
  after_each(support.clean)

  it("is --help, and lists all commands", function()
    assert.equal((run.run { "plan", "--help" }), (run.run { "help", "plan" }))
    local out, err, code = run.run { "help" }
    assert.same({ "", 0 }, { err, code })
    for _, command in ipairs(cli.commands) do
      assert.truthy(out:find("\n" .. command.name .. "[^\n]*" .. command.summary:gsub("%p", "%%%0"))
        or out:find("^" .. command.name), command.name)
    end
  end)

  it("knows no other words", function()
    local out, err, code = run.run { "help", "plna" }
    assert.same({ "", 64 }, { out, code })
    assert.truthy(err:find("luaprov: help: there is no command 'plna' (did you mean 'plan'?)\n", 1, true), err)
  end)
end)
