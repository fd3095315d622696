-- Whose record is whose is asked of an index.
local account = require "luaprov.stack.account"
local settle = require "luaprov.stack.settle"
local stacks = require "tests.stack.stacks"
local stores = require "luaprov.stack.store"

describe("Many open intents and many rows", function()
  after_each(stacks.stop)

  it("are settled by looking at each row a few times, and not once for each intent", function()
    local stack = stacks.start { settles_in = 0 }
    stack:apply 'acme.hubs("h", { name = "H" })'
    local row, reads, rows, items = stack:rows()["acme.hubs.h"], 0, {}, {}
    for i = 1, 300 do
      local other = { address = "acme.hubs.r" .. i, provider = "acme", resource = "hubs", id = "r" .. i, fields = {},
                      base_url = row.base_url, account = row.account }
      rows[i] = setmetatable({}, { __index = function(_, name)
        if name == "id" then reads = reads + 1 end
        return other[name]
      end })
    end
    local manifest, store = stack:manifest "", assert(stores.open(stack.place))
    local lease = assert(store:lease { holder = "spec", seconds = 60, wait = 60 })
    for i = 1, 60 do
      local is_create = i <= 30
      items[i] = { intent = { id = store:next_id(), address = "acme.hubs.n" .. i, provider = "acme", resource = "hubs",
        operation = is_create and "create" or "delete", base_url = row.base_url, account = row.account, within = 0,
        fields = { name = "N" .. i }, noted = {}, record_id = not is_create and "n" .. i or nil } }
    end
    assert(store:commit(items))
    local settled = assert(settle.open { manifest = manifest, store = store, lease = lease, rows = rows,
      accounts = account.all(manifest, store) })
    lease:release()
    store:close()
    assert.same({ 60, 0 }, { #settled.settled, #settled.left })
    assert.is_true(reads > 0 and reads <= 10 * #rows, reads)
  end)
end)
