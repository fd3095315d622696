-- A row of the state that somebody has edited, and broken.
local sqlite = require "luaprov.sqlite"
local stacks = require "tests.cli.stack.stacks"

describe("a row whose JSON is broken", function()
  local stack
  before_each(function()
    stack = stacks.start()
    stack:write(stacks.TWO)
    stack:done "apply --yes"
  end)
  after_each(stacks.stop)

  local function break_it(column)
    local db = assert(sqlite.open(stack.folder .. "/.luaprov/state.db", false, 5))
    assert(db:query(("UPDATE luaprov_records SET %s = '{\"a' WHERE address = 'acme.hubs.desk'"):format(column)))
    db:close()
  end

  for _, column in ipairs { "fields", "secrets", "key" } do
    it("is named with its file, by whatever reads it: " .. column, function()
      break_it(column)
      for _, words in ipairs { "plan", "plan --no-refresh", "refresh", "apply --yes", "destroy --yes", "adopt", "show",
        "state list", "state show acme.hubs.desk", "import acme.lines.one 1001" } do
        local out, err, code = stack:run(words)
        assert.same({ "", 1 }, { out, code }, words)
        assert.equal("luaprov: .luaprov/state.db: the state has no JSON in " .. column
          .. " of acme.hubs.desk: string without an end at byte 3\n", err, words)
      end
      assert.same({ "hubs Desk", "lines One" }, stack:names())
    end)
  end

  it("leaves the lease to whoever comes next", function()
    break_it "fields"
    stack:run "apply --yes"
    local store = stack:store()
    assert.equal(0, store:holder().left)
    store:close()
  end)
end)
