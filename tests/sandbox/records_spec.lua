-- How a sandbox finds its records: what it removes and what it lists are reached without a walk through all of them.
local boxes = require "tests.sandbox.boxes"
local http = require "luaprov.http"
local json = require "luaprov.json"
local records = require "luaprov.sandbox.records"

local function answer(vendor, method, path, body)
  local request = { method = method, path = path, query = "", body = body and json.encode(body) or "",
                    headers = { authorization = "Bearer sandbox-token" } }
  local head, query = path:match("^(.-)%?(.*)$")
  if head then request.path, request.query = head, query end
  local reply = vendor:answer(request, vendor:route(request))
  return reply.status, reply.body ~= "" and json.decode(reply.body) or nil
end

local function no_walk() error "walks through all records" end

describe("The sandbox's records", function()
  after_each(boxes.stop)

  it("are removed with what belongs to them, and nothing else is looked at", function()
    local box = assert(boxes.start { "hubster", limits = false })
    local vendor, hubs = box.vendors[1], {}
    for i = 1, 3 do
      hubs[i] = select(2, answer(vendor, "POST", "/hubster/api/v1/hubs", { name = "h" .. i, description = "d" })).hubId
      for j = 1, 2 do
        assert.equal(200, (answer(vendor, "POST", "/hubster/api/v1/integrations/hubs/" .. hubs[i], {
          name = "n" .. j, channelId = "Messenger", configuration = { pageAccessToken = "FAKE" } })))
      end
    end
    for _, collection in pairs(vendor.collections) do collection.each = no_walk end
    assert.equal(200, (answer(vendor, "DELETE", "/hubster/api/v1/hubs/" .. hubs[2]:upper())))
    for _, collection in pairs(vendor.collections) do collection.each = nil end
    local left = box:records("hubster", "integrations")
    assert.same({ 4, 2, hubs[1], hubs[3] }, { #left, #box:records("hubster", "hubs"), left[1].hubId, left[4].hubId })
  end)

  it("know who belongs to whom, also after a change, and forget it", function()
    local own = records.new { ids = "number", shape = { fields = { { name = "up", parent = "x" }, { name = "n" } } } }
    local guid = "0A000000-0000-4000-8000-000000000001"
    own:put { id = 1, parents = {}, body = { up = guid } }
    own:put { id = 2, parents = { up = 7 }, body = {} }
    own:put { id = 3, parents = {}, body = { up = json.null } }
    own:put { id = 4, parents = {}, body = {} }
    local lower = guid:lower()
    assert.same({ 1, 1, 0 }, { #own:owned("up", lower), own:owned("up", "7")[1].id - 1, #own:owned("up", "nil") })
    own:put { id = 1, parents = {}, body = { up = "B" } }
    assert.same({ 0, 1 }, { #own:owned("up", guid), own:owned("up", "B")[1].id })
    own:remove(1)
    own:remove(2)
    assert.is_nil(next(own.owners.up))
  end)

  it("are listed by the page, and the rest is not looked at", function()
    local box = assert(boxes.start { "hubster", limits = false, faults = { { fault = "others", on = "hubster hubs",
      count = 250, records = { { name = "n{n}", description = "d" } } } } })
    local vendor = box.vendors[1]
    local hubs = vendor.collections.hubs
    hubs.each = no_walk
    local function page(number)
      local _, body = answer(vendor, "GET", "/hubster/api/v1/hubs?pageSize=100&pageNumber=" .. number)
      local results = body.results
      return #results .. " of " .. body.total .. ": " .. (results[1] and results[1].name or "")
    end
    assert.same({ "100 of 250: n1", "100 of 250: n101", "50 of 250: n201", "0 of 250: " },
      { page(0), page(1), page(2), page(3) })
    for _, i in ipairs { 1, 101, 250 } do assert(hubs:remove(hubs.order[i].id)) end
    assert.same({ "100 of 247: n2", "100 of 247: n103", "47 of 247: n203" }, { page(0), page(1), page(2) })
    -- One that is not listed yet is none of them.
    hubs.each = nil
    hubs:hide(hubs.order[1], http.now() + 100)
    assert.equal("100 of 246: n3", page(0))
  end)
end)
