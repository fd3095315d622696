-- What every customer of customers.json has at the four vendors. Another customer is another line there.
-- The vendors' credentials come from the environment (luaprov providers NAME says which); so do the customers' secrets.
local onebox, ocamba, hubster, myreports = use "onebox", use "ocamba", use "hubster", use "myreports"

for _, customer in ipairs(json_file "customers.json") do
  local slug = customer.slug
  local function of_customer(name) return secret.env(name .. "_" .. slug:upper()) end

  -- Support by SMS: a hub, and its integration, which is made when the hub's id is known.
  local hub = hubster.hubs(slug, { name = customer.name, description = "Support of " .. customer.name })
  hubster.integrations(slug .. "-sms", {
    hubId = hub.id, channelId = "TwilioSMS", name = customer.name .. " SMS",
    configuration = { accountSid = customer.sid, authToken = of_customer "TWILIO", numberSid = customer.number_sid },
  })

  -- Campaigns by the same number.
  ocamba.integrations(slug, {
    name = customer.name, provider_id = "1000", status = "active", settings = {
      account_sid = customer.sid, auth_token = of_customer "TWILIO", default_phone_number = customer.number,
    },
  })

  -- Mail. OneBox has no delete: these are never to go.
  onebox.connections(slug .. "-mail", {
    MediaId = "EMAIL", ProviderId = "PVD9", Name = customer.name, UserId = customer.mail,
    Password = of_customer "MAIL", Host = "mail.example", Port = 993, From = customer.mail,
  }, { protect = true })

  -- Reports on the telephone system.
  myreports.pbxs(slug, {
    tenantId = customer.tenant, _type = "ThreeCxConnectionProfile", name = customer.name .. " 3CX",
    licenseKey = of_customer "LICENSE", username = slug, password = of_customer "PBX",
  })
end
