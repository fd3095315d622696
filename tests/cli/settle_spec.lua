-- luaprov settle: somebody who has looked says what became of a call.
local json = require "luaprov.json"
local stacks = require "tests.cli.stack.stacks"

describe("luaprov settle", function()
  local stack
  before_each(function()
    stack = stacks.start { { fault = "drop", on = "acme boxes create", times = 1 } }
    stack:write "acme.boxes('b', { name = 'Box' })"
  end)
  after_each(stacks.stop)

  it("ends a create that was done, with the record's id", function()
    stack:run "apply --yes"
    local id = stack:there()["boxes Box"].id
    local _, err, code = stack:run "settle acme.boxes.b --adopt 99"
    assert.equal(1, code)
    assert.truthy(err:find("acme boxes get: not_found", 1, true), err)
    local object = json.decode((stack:done("settle --json acme.boxes.b --adopt " .. id)))
    assert.same({ "settled", "adopted", "acme.boxes.b" }, { object.what, object.verdict, object.address })
    assert.equal("no changes; 1 unchanged\n", (stack:done "apply --yes"))
    assert.same({ "boxes Box" }, stack:names())
  end)

  it("says what of its outputs is lost", function()
    stack:write "acme.boxes('b', { name = 'Box' }, { outputs = { name = command { 'false' } } })"
    stack:run "apply --yes"
    local out = stack:done("settle acme.boxes.b --adopt " .. stack:there()["boxes Box"].id)
    assert.truthy(out:find("note: acme.boxes.b: name did not get to the command false: it ended with exit status 1\n",
      1, true), out)
  end)

  it("is what the apply names that cannot tell: where there is no way to look, no later one can", function()
    local _, err, code = stack:run "apply --yes"
    assert.equal(1, code)
    assert.truthy(err:find("acme.boxes.b: nobody knows what became of the create", 1, true), err)
    local commands = "luaprov settle acme.boxes.b --adopt ID, or luaprov settle acme.boxes.b --absent\n"
    assert.truthy(err:find(commands, 1, true), err)
    assert.is_nil(err:find("the next apply settles it", 1, true))
  end)

  it("ends one that was not done, which then is planned again", function()
    stack:run "apply --yes"
    local out = stack:done "settle acme.boxes.b --absent"
    assert.equal("acme.boxes.b: nothing came of it; luaprov plan shows what is to be done\n", out)
    assert.truthy(stack:done("plan"):find("+ create acme.boxes.b\n", 1, true))
    local _, err, code = stack:run "settle acme.boxes.b --absent"
    assert.same({ "luaprov: nothing is open of acme.boxes.b\n", 1 }, { err, code })
  end)

  it("comes before another record is taken over there", function()
    stack:run "apply --yes"
    for _, words in ipairs { "import acme.boxes.b %s", "adopt acme.boxes.b=%s" } do
      local out, err, code = stack:run(words:format(stack:there()["boxes Box"].id))
      assert.same({ "", 1 }, { out, code })
      assert.truthy(err:find("an earlier create of acme.boxes.b has no known end", 1, true), err)
    end
    local listed = assert(json.decode((stack:done "state list")))
    assert.same({ "acme.boxes.b", "create", nil }, { listed.address, listed.open, listed.id })
  end)

  it("wants to be told one of both", function()
    for said, words in pairs {
      ["say what you have seen: --adopt ID, or --absent"] = "settle acme.boxes.b",
      ["option '--absent' can not be used together with option '--adopt'"] = "settle a.b.c --adopt 1 --absent",
    } do
      local out, err, code = stack:run(words)
      assert.same({ "", 64 }, { out, code })
      assert.truthy(err:find(said, 1, true), err)
    end
  end)
end)
