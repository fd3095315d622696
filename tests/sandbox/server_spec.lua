-- The sandbox's turn, over a listener that is made up: what the last run of a turn brings must not wait for the next.
local load = require "luaprov.provider.load"
local servers = require "luaprov.sandbox.server"
local support = require "tests.support"
local vendors = require "luaprov.sandbox.vendor"

describe("a turn of the sandbox", function()
  it("answers a request that comes while the answer before it is written", function()
    local provider = assert(load.compile(support.provider(support.operations .. 'text "name" {},'), "acme.lua", "acme"))
    local vendor = vendors.new(provider, { url = "http://127.0.0.1:1" })
    local coming, arrived, answered = { "first", "second" }, {}, {}
    local listener = {
      run = function() arrived[#arrived + 1] = table.remove(coming, 1) end,
      next = function()
        local id = table.remove(arrived, 1)
        return id and { id = id, method = "GET", path = "/acme/things", query = "", headers = {}, body = "" }
      end,
      answer = function(_, id, status) answered[#answered + 1] = id .. " " .. status return true end,
      timeout = function() end,
    }
    local server = servers.new(listener, { vendor }, { faults = {} })
    server:turn()
    assert.same({ "first 401", "second 401" }, answered)
  end)
end)
