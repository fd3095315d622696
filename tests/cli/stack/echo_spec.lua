-- A vendor that shows in plain text what is declared as a secret: its field is hidden, whatever stands in it.
local stacks = require "tests.cli.stack.stacks"
local support = require "tests.support"

describe("a secret that the vendor shows", function()
  local stack, id
  before_each(function() stack = stacks.start() end)
  after_each(stacks.stop)

  local function change(about) stack:change("hubs", id, { about = about }) end

  -- Nothing that is printed or kept has it, whatever is asked.
  local function is_hidden(...)
    local said = {}
    for _, words in ipairs { "plan", "plan --json", "refresh", "plan --destroy", "show", ... } do
      said[#said + 1] = stack:done(words)
    end
    local text = table.concat(said)
    assert.is_nil(text:find("FAKE", 1, true), text)
    for _, tail in ipairs { "", "-wal" } do
      local file = io.open(stack.folder .. "/.luaprov/state.db" .. tail)
      if file then
        file:close()
        assert.is_nil(support.read(stack.folder .. "/.luaprov/state.db" .. tail):find("FAKE", 1, true))
      end
    end
    return text
  end

  local function declare(about)
    stack:write(("acme.hubs('desk', { name = %q, about = %s })"):format(about and "Desk" or "Desk 2", about or "nil"))
  end

  it("stays hidden when it is declared no more", function()
    declare "secret 'FAKE-1'"
    stack:done "apply --yes"
    id = stack:there()["hubs Desk"].id
    is_hidden()
    change "FAKE-2"
    assert.truthy(is_hidden():find("about  (secret, changed)", 1, true))
    declare(nil)
    is_hidden()
    stack:done "apply --yes"
    is_hidden()
    change "FAKE-3"
    assert.truthy(is_hidden("apply --yes"):find("about  (secret, changed)", 1, true))
    declare "'open now'"
    local out = stack:done "apply --yes"
    assert.truthy(out:find("about  (secret, changed)", 1, true), out)
    change "open, too"
    assert.truthy(stack:done("plan"):find('about  "open now" → "open, too"', 1, true))
  end)

  it("is hidden in a record that is taken over", function()
    id = assert(stack.vendor:client { settle = false }.hubs:create { name = "Desk", about = "FAKE-1" }).id
    for _, how in ipairs { "", " --resend" } do
      declare "secret 'another'"
      stack:done("import acme.hubs.desk " .. id .. how)
      assert.truthy(is_hidden():find("about  (secret, not known what the vendor has: it is sent)", 1, true))
      change("FAKE-2" .. how)
      assert.truthy(is_hidden():find("about  (secret, changed)", 1, true))
      stack:done "state rm acme.hubs.desk"
    end
    declare "'plain'"
    stack:done("import acme.hubs.desk " .. id)
    change "FAKE-3"
    declare "secret 'another'"
    assert.is_nil(stack:done("plan"):find("FAKE-3", 1, true))
  end)

  it("is hidden where another record's secret goes", function()
    stack:write [[local key = acme.hubs("key", { name = "Key" })
      acme.hubs("desk", { name = "Desk", about = key.apiKey })]]
    assert.truthy(stack:done("plan"):find("about  (secret)\n", 1, true))
    stack:done "apply --yes"
    id = stack:there()["hubs Desk"].id
    is_hidden()
    stack:done "state rm acme.hubs.desk"
    stack:done("import acme.hubs.desk " .. id)
    is_hidden()
    change "FAKE-2"
    assert.truthy(is_hidden():find("about  (secret, changed)", 1, true))
  end)
end)
