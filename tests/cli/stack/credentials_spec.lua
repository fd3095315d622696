-- Of a manifest's accounts only those want their credentials that a command has to do with.
local stacks = require "tests.cli.stack.stacks"

local HEAD = "local other = use('./other.lua', { base_url = env 'OTHER_URL', token = secret.env 'OTHER_TOKEN' })\n"

describe("the credentials of an account that is not touched", function()
  local stack
  before_each(function()
    stack = stacks.start()
    local file = assert(io.open(stack.folder .. "/other.lua", "w"))
    file:write((stacks.ACME:gsub("Acme", "Other")))
    file:close()
    stack.environment.OTHER_URL = stack.environment.LUAPROV_ACME_BASE_URL
    stack.environment.OTHER_TOKEN = "sandbox-token"
    stack:write(HEAD .. stacks.TWO)
    stack:done "apply --yes"
    stack:write(HEAD .. stacks.TWO .. "other.hubs('far', { name = 'Far' })")
  end)
  after_each(stacks.stop)

  for what, set in pairs {
    ["cannot be opened"] = function() stack.environment.OTHER_TOKEN = nil end,
    ["are not set"] = function() stack.environment.OTHER_URL = nil end,
  } do
    it("are not wanted where they " .. what, function()
      set()
      assert.truthy(stack:done("plan --target acme"):find("no changes; 2 unchanged", 1, true))
      assert.truthy(stack:done("apply --yes --target acme.hubs"):find("no changes", 1, true))
      assert.truthy(stack:done("refresh"):find("2 records, 0 changed, 0 gone", 1, true))
      assert.truthy(stack:done("plan --destroy"):find("2 to delete", 1, true))
      assert.truthy(stack:done("destroy --yes --target acme.lines"):find("1 deleted", 1, true))
      assert.truthy(stack:done("destroy --yes"):find("1 deleted", 1, true))
      for _, words in ipairs { "plan", "plan --target other", "apply --yes", "apply --yes --target other.hubs.far" } do
        local out, err, code = stack:run(words)
        assert.same({ "", 1 }, { out, code })
        assert.truthy(err:find("^luaprov: luaprov.lua:2: .*environment variable OTHER_%u+ is not set\n$"), err)
      end
    end)
  end

  it("are wanted where their records are needed, or may go along", function()
    stack:write(HEAD .. "acme.hubs('desk', { name = 'Desk', about = 'front' }, { depends_on = { 'other.hubs.far' } })"
      .. "other.hubs('far', { name = 'Far' })")
    stack.environment.OTHER_URL = nil
    for _, words in ipairs { "plan --target acme", "destroy --yes --target acme" } do
      local _, err, code = stack:run(words)
      assert.equal(1, code)
      assert.truthy(err:find("environment variable OTHER_URL is not set", 1, true), err)
    end
  end)

  it("are a fault all the same where a record has them, too, or there is no such option", function()
    stack.environment.OTHER_URL = nil
    stack:write("local url = env 'OTHER_URL'\nlocal other = use('./other.lua', { base_url = url })\n"
      .. "acme.hubs('desk', { name = 'Desk', about = url })")
    assert.truthy(select(2, stack:run "plan --target acme"):find("luaprov.lua:2: environment variable OTHER_URL", 1,
      true))
    stack:write("local other = use('./other.lua', { base_uri = 'x' })\nacme.hubs('desk', { name = 'Desk' })")
    assert.truthy(select(2, stack:run "plan --target acme"):find("other: base_uri is unknown", 1, true))
  end)

  it("change nothing of what the state has of it", function()
    stack:done "apply --yes"
    local store = stack:store()
    local account = store:record("other.hubs.far").account
    store:close()
    stack.environment.OTHER_TOKEN = nil
    stack:write(HEAD .. stacks.TWO:gsub("front", "back") .. "other.hubs('far', { name = 'Far' }, { protect = true })")
    assert.truthy(stack:done("apply --yes --target acme"):find("1 updated", 1, true))
    store = stack:store()
    local row = store:record("other.hubs.far")
    store:close()
    assert.same({ account, nil }, { row.account, row.protect })
  end)
end)
