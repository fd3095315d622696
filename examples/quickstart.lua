-- Every documented connection of all four vendors: created, read, listed, changed and removed, a line a call.
-- Credentials and base URLs come from the environment (LUAPROV_ONEBOX_TOKEN, LUAPROV_ONEBOX_BASE_URL, …).
local luaprov = require "luaprov"

local calls, failures = 0, 0

local function say(where, operation, result, err)
  calls = calls + 1
  if err then failures = failures + 1 end
  print(("%-10s %-12s %-26s %-7s %s"):format(where.vendor, where.resource, where.variant or "-", operation,
    err and tostring(err) or result))
end

-- Makes a record, looks at it, lists its like, renames it, and removes it where the vendor lets one. `within` is what
-- else is done while it exists.
local function walk(client, where, fields, change, query, within)
  local resource = client[where.resource]
  local record, err = resource:create(fields)
  say(where, "create", record and record.id, err)
  if not record then return end
  local id = record.id

  record, err = resource:get(id, record)
  say(where, "get", record and record.id, err)

  local records
  records, err = resource:list(query)
  say(where, "list", records and #records .. " records", err)

  record, err = resource:update(id, change)
  say(where, "update", record and record.id, err)

  if within then within(id) end
  if where.keep then return end
  local done
  done, err = resource:delete(id, fields)
  say(where, "delete", done and id, err)
end

-- ---- OneBox: it has no delete ----
local onebox = assert(luaprov.client "onebox")
for _, connection in ipairs {
  { "test2-email-in", { MediaId = "EMAIL", ProviderId = "PVD9", Name = "test1-email-in", UserId = "test1@onebox.co.id",
    Password = "<mail-password>", Host = "mail.onebox.co.id", Port = 993, From = "test1@onebox.co.id" } },
  { "test2-email-out", { MediaId = "EMAIL", ProviderId = "PVD7", Name = "test1-email-out", ParentId = "612",
    UserId = "test1@onebox.co.id", Password = "<mail-password>", Host = "mail.onebox.co.id", Port = 587,
    From = "test1@onebox.co.id" } },
  { "Mydin22 Page", { MediaId = "FCBK", ProviderId = "PVD12", Name = "Mydin22", UserId = "469218373611012",
    Password = "<facebook-access-token>", Token = "<facebook-access-token>" } },
  { "onebox DEMO", { MediaId = "INST", ProviderId = "PVD28", Name = "onebox", UserId = "110334703943674",
    Password = "<facebook-access-token>", Token = "<facebook-access-token>", From = "onebox.demo",
    TargetId = "17841432079529884" } },
  { "trial_corp Official", { MediaId = "TWTR", ProviderId = "PVD10", Name = "trial_corp", UserId = "trial_corp",
    Password = "<twitter-token-secret>", Token = "<twitter-access-token>", From = "trial_corp",
    TargetId = "738567483435556864" } },
  { "onebox whatsapp 2", { MediaId = "WHATP", ProviderId = "PVD30", Name = "onebox whatsapp" } },
} do
  local new_name, fields = connection[1], connection[2]
  local variant = fields.MediaId .. " " .. fields.ProviderId
  walk(onebox, { vendor = "onebox", resource = "connections", variant = variant, keep = true }, fields,
    { Name = new_name })
end

-- ---- Ocamba ----
local ocamba = assert(luaprov.client "ocamba")
for _, integration in ipairs {
  { "1000", "Example Twilio", { account_sid = "AC7XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
    auth_token = luaprov.secret "464XXXXXXXXXXXXXXXXXXXXXXXXXXXXXX", default_phone_number = "+121XXXXXXXXX" } },
  { "1001", "Example Custom", { default_sender_email = "user@example.com", default_sender_name = "John Doe",
    sending_domain = "ex.example.com", port = 587, username = "user@example.com", password = "yourPassword123" } },
  { "1002", "Example Mailchimp", { api_key = "md-c8XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
    default_sender_name = "Example Name", default_sender_email = "user@example.com",
    default_reply_to_email = "user@example.com" } },
  { "1003", "Example SendGrid", { api_key = "SG.EKXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
    default_sender_name = "Example Name", default_sender_email = "user@example.com",
    default_reply_to_email = "user@example.com" } },
  { "1004", "Example Mitto", { api_key = "AScs8XXXXXXXXXXXXXXXXXXXXXXXXXXXXX", sender_name = "Example Name" } },
  { "1005", "Example Mailgun", { api_key = "568cXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX-XXXXXXXX-XXXXXXXX",
    domain = "sandboxXXXXXXXXXXXXXXXXXXXXXXXXXXXXX.mailgun.org", sender_email = "user@example.com",
    sender_name = "John Doe" } },
} do
  local provider_id, name, settings = integration[1], integration[2], integration[3]
  walk(ocamba, { vendor = "ocamba", resource = "integrations", variant = provider_id },
    { name = name, provider_id = provider_id, settings = settings, status = "active" }, { name = name .. " 2" })
end
local providers, err = ocamba.providers:list()
say({ vendor = "ocamba", resource = "providers" }, "list", providers and #providers .. " records", err)

-- ---- Hubster: integrations belong to a hub ----
local hubster = assert(luaprov.client "hubster")
local hub_fields = { name = "Your New Cool Hub Name", description = "Provide some brief description for your new Hub",
  closeDormantConversation = 30, statusId = 2000 }
local integrations = {
  { "TwilioSMS", "My cool integration name.", { authToken = "<twilio-auth-token>",
    accountSid = "AC00000000000000000000000000000000", numberSid = "PN00000000000000000000000000000000" } },
  { "Messenger", "My cool integration name.", { pageAccessToken = "<facebook-access-token>..." } },
  { "WebChat", "Website chat",
    { allowedOrigins = { "https://www.example.com", "https://shop.example.com" }, start = {} } },
  { "Direct", "Agents' desk",
    { integrationType = "Agent", echo = true, start = {}, webhookUrl = "https://hooks.example.com/hubster" } },
  { "System", "Event log",
    { webhookUrl = "https://hooks.example.com/hubster", events = { "message:customer", "message:agent" } } },
  { "Slack", "Slack workspace", { code = "FAKE-slack-code", nonce = "FAKE-slack-nonce" } },
}
walk(hubster, { vendor = "hubster", resource = "hubs" }, hub_fields, { name = hub_fields.name .. " 2" }, nil,
  function(hub_id)
    for _, integration in ipairs(integrations) do
      local channel, name, configuration = integration[1], integration[2], integration[3]
      walk(hubster, { vendor = "hubster", resource = "integrations", variant = channel },
        { hubId = hub_id, channelId = channel, name = name, statusId = 3000, configuration = configuration },
        { name = name .. " 2" }, { hubId = hub_id })
    end
  end)

-- ---- MyReports: profiles belong to a customer's tenant ----
local myreports = assert(luaprov.client "myreports")
local tenant = "00000000-0000-0000-0000-0000000000c0"
for _, pbx in ipairs {
  { _type = "KazooPbxConnectionProfile", name = "Clients ~.pbx.kazoo.name.~ Pbx", hostRest = "https://rest.example.com",
    hostWebsocket = "wss://ws.example.com", accountId = "12345", apiKey = "ABCDEF" },
  { _type = "ThreeCxConnectionProfile", name = "3CX Connection", licenseKey = "licenseKey-licenseKey-licenseKey",
    username = "username-username-username", password = luaprov.secret "password-password",
    enableRecordingArchive = true, recordingArchiveFrequency = "00:20:00" },
} do
  pbx.tenantId = tenant
  walk(myreports, { vendor = "myreports", resource = "pbxs", variant = pbx._type }, pbx,
    { tenantId = tenant, name = pbx.name .. " 2" }, { tenantId = tenant })
end

print(("%d calls, %d failed"):format(calls, failures))
os.exit(failures == 0)
