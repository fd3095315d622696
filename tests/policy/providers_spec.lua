-- Creates of our own providers whose answer is lost: see `settle_spec`.
local support = require "tests.support"
local vendors = require "tests.policy.vendors"

-- What each of our providers is sent, and how soon it lists it, scaled.
local FIRST = {
  ocamba = { integrations = { name = "n", provider_id = "1004",
                              settings = { api_key = "FAKE-key", sender_name = "sender" } } },
  onebox = { connections = { MediaId = "EMAIL", ProviderId = "PVD9", Name = "n", UserId = "u@acme.invalid",
                             Password = "FAKE-password", Host = "mail.acme.invalid", Port = 993, From = "u" } },
  myreports = { pbxs = { tenantId = "t", _type = "ThreeCxConnectionProfile", name = "n", licenseKey = "FAKE-licence",
                         username = "u", password = "FAKE-password", enableRecordingArchive = true } },
  hubster = { hubs = { name = "n", description = "d", statusId = 2000 } },
}

describe("A create of our providers whose answer is lost", function()
  after_each(vendors.stop)

  local function start(provider, faults)
    local text = support.read("lua/luaprov/providers/" .. provider .. ".lua")
    return vendors.start((text:gsub('(resource "[%w_]+" {)', "%1 settles_in = 0.2,")), faults, provider)
  end

  for provider, creates in pairs(FIRST) do
    for resource, fields in pairs(creates) do
      for _, acts in ipairs { true, false } do
        it(("%s %s, which the vendor %s"):format(provider, resource, acts and "made" or "did not make"), function()
          local vendor = start(provider, { { fault = "drop", acts = acts, times = 1 } })
          local record, err = vendor:client()[resource]:create(fields)
          vendor:is("done", 1, record, err)
        end)
      end
    end
  end

  it("hubster integrations, within their hub", function()
    local vendor = start("hubster", { { fault = "drop", on = "hubster integrations create", times = 1 } })
    local client = vendor:client()
    local hub = assert(client.hubs:create(FIRST.hubster.hubs))
    local made, err = client.integrations:create {
      hubId = hub.id:upper(), channelId = "WebChat", name = "chat",
      configuration = { allowedOrigins = { "https://acme.invalid", "https://b.invalid" } },
    }
    assert(made, tostring(err))
    assert.equal(2, #vendor:new())
    assert.truthy(vendor:records()["integrations " .. made.id])
  end)
end)
