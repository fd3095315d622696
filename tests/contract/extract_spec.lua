-- The page fixtures are what the vendors' pages say: extracted anew and compared, where the pages are at hand.

local control = require "tests.contract.control"

local pages = "../shared/vendors/pages"
local providers = { "onebox", "ocamba", "hubster", "myreports" }

local function read(name)
  local file = io.open(name, "rb")
  if not file then return nil end
  local text = file:read("*a")
  file:close()
  return text
end

local function page(provider)
  local by_name = {}
  for _, exchange in ipairs(control.fixtures(provider)) do
    if exchange.source == "page" and not by_name[exchange.name] then by_name[exchange.name] = exchange end
  end
  return by_name
end

describe("the page fixtures", function()
  for _, provider in ipairs(providers) do
    it("are what the page of " .. provider .. " says", function()
      if not read(pages .. "/hubster-portal.rst") then
        pending("skipped: the vendors' pages are not in " .. pages)
        return
      end
      local extract = dofile("tests/contract/extract.lua")
      assert.equal(extract.run(pages)[provider], read("tests/contract/fixtures/pages/" .. provider .. ".json"))
    end)
  end

  -- A few facts read off the pages by eye, so that an error of the extraction is seen without the pages too.
  it("hold what the pages show", function()
    local onebox = page("onebox")
    local request = onebox["create instagram"].request
    assert.same({ "POST", "/api/connection" }, { request.method, request.path })
    assert.equal("17841432079529884", request.json.TargetId)
    assert.equal("646", onebox["update example"].response.json.Id)
    assert.equal("/api/connection/{connection-id}", onebox["update email outbound"].request.path)
    assert.equal("PVD12", onebox["create facebook"].response.json.ProviderId)
    assert.equal(control.null, onebox["create facebook"].response.json.LastActivity)
    assert.equal(200, onebox["create error: account not approved"].response.status)
    assert.equal("", onebox["update error: over quota"].response.json.records.devMessage)

    local ocamba = page("ocamba")
    assert.same({ authorization = "Bearer {TOKEN}", ["content-type"] = "application/json" },
      ocamba["create mailgun"].request.headers)
    assert.equal("user@example.com", ocamba["create custom"].request.json.settings.username)
    assert.equal("1165", ocamba["create twilio"].response.json.id)
    assert.is_nil(ocamba["create error 500"].response.json.message)

    local hubster = page("hubster")
    assert.same({ "PUT", "/api/v1/hubs/{hubId}" }, { hubster["hubs update"].request.method,
      hubster["hubs update"].request.path })
    assert.equal("/api/v1/hubs?pageNumber={pageNumber}&pageSize={pageSize}", hubster["hubs list"].request.path)
    assert.equal(2, #hubster["hubs list"].response.json.results)
    assert.is_nil(hubster["hubs delete"].response.unshown)
    assert.equal("Messenger", hubster["integrations create Messenger"].request.json.channelId)
    assert.is_nil(hubster["hubs list error 404"])
    assert.equal(404, hubster["hubs update error 404"].response.status)

    local myreports = page("myreports")
    local kazoo, three = myreports["create KazooPbxConnectionProfile"], myreports["create ThreeCxConnectionProfile"]
    assert.equal("true", kazoo.request.headers["accept-charges"])
    assert.equal("https://rest.example.com", kazoo.request.json.hostRest)
    assert.equal(false, kazoo.response.json.data.enabled)
    assert.matches("/pbxs/{PBX_ID}$", three.response.headers.location)
    assert.is_nil(three.response.json.data.id)
    assert.equal("true", three.request.json.enableRecordingArchive)
    assert.is_nil(myreports["create error 401"].response.json)
    assert.equal("The value '<tenant id>' is not valid.", myreports["create error 400"].response.json.message)
  end)
end)
