-- What is killed: manifests, what the vendors do meanwhile, and how many calls go on at once.
local declared = require "tests.faults.kill.declared"

local id, secret = declared.id, declared.secret

local M = {}

-- Of vendors made up: one that has no list, so that nobody can look what became of a create; and one that deletes with
-- a hub the phones that are its own, and lets phones be given to another.
M.PROVIDERS = {
  blind = [[
return provider {
  base_url = "https://api.blind.invalid", auth = bearer "token",
  resource "phones" {
    path = "/phones",
    text "name" { required = true }, text "about" {},
    create = post { expect = 201 }, get = get {}, update = patch {}, delete = delete { expect = 204 },
  },
}
]],
  acme = [[
return provider {
  base_url = "https://api.acme.invalid", auth = bearer "token",
  resource "hubs" {
    path = "/hubs", key = { "name" },
    text "name" { required = true }, text "site" { required = true, fixed = true },
    create = post { expect = 201 }, get = get {}, update = patch {}, delete = delete { expect = 204 },
    list = get { items = "items" },
  },
  resource "phones" {
    path = "/phones", key = { "name" },
    text "name" { required = true }, text "hub" { required = true, parent = "hubs" },
    create = post { expect = 201 }, get = get {}, update = patch {}, delete = delete { expect = 204 },
    list = get { items = "items" },
  },
}
]],
}

M.RESOURCES = {
  { "hubster", "hubs" }, { "hubster", "integrations" }, { "ocamba", "integrations" }, { "myreports", "pbxs" },
  { "onebox", "connections" },
}

local function sms(hub, name, sid)
  return { hubId = id(hub), channelId = "TwilioSMS", name = name, configuration = {
    accountSid = sid, authToken = secret "FAKE-token", numberSid = "PN0001" } }
end

local function web(hub, name)
  return { hubId = id(hub), channelId = "WebChat", name = name, configuration = {
    allowedOrigins = { "https://acme.invalid" } } }
end

local function mitto(name, sender, key)
  return { name = name, provider_id = "1004", settings = { api_key = secret(key), sender_name = sender } }
end

local function twilio(name)
  return { name = name, provider_id = "1000", settings = { account_sid = "AC" .. ("0"):rep(32),
    auth_token = secret "FAKE-token", default_phone_number = "+15005550006" } }
end

local function kazoo(name, host, key)
  return { tenantId = "tenant1", _type = "KazooPbxConnectionProfile", name = name, hostRest = "https://" .. host,
    hostWebsocket = "wss://" .. host, accountId = "account1", apiKey = secret(key) }
end

local function page(name, user, token)
  return { MediaId = "FCBK", ProviderId = "PVD12", Name = name, UserId = user, Password = secret "FAKE-page",
    Token = secret(token) }
end

-- Those that are named by others come first.
local FIRST = {
  { "hubster.hubs.acme", { name = "Acme", description = "Support of Acme" } },
  { "hubster.hubs.blue", { name = "Blue", description = "Support of Blue" } },
  { "hubster.integrations.acme-sms", sms("hubster.hubs.acme", "Acme SMS", "AC0001") },
  { "hubster.integrations.acme-web", web("hubster.hubs.acme", "Acme web") },
  { "hubster.integrations.blue-web", web("hubster.hubs.blue", "Blue web") },
  { "ocamba.integrations.acme", mitto("Acme", "Acme", "FAKE-key") },
  { "ocamba.integrations.blue", mitto("Blue", "Blue", "FAKE-key") },
  { "myreports.pbxs.acme", kazoo("Acme", "pbx.acme.invalid", "FAKE-key") },
  { "myreports.pbxs.blue", kazoo("Blue", "pbx.blue.invalid", "FAKE-key") },
  { "onebox.connections.acme", page("Acme", "acme1", "FAKE-token") },
}

-- Over that: updates, also of secrets alone; a hub and what is in it deleted; one that is made anew in its place
-- (acme-sms: deleted first), two whose key is another then (acme-web and blue: created first), and new ones.
local SECOND = {
  { "hubster.hubs.acme", { name = "Acme", description = "Front desk of Acme" } },
  { "hubster.hubs.cyan", { name = "Cyan", description = "Support of Cyan" } },
  { "hubster.integrations.acme-sms", sms("hubster.hubs.acme", "Acme SMS", "AC0002") },
  { "hubster.integrations.acme-web", web("hubster.hubs.cyan", "Acme web") },
  { "hubster.integrations.cyan-sms", sms("hubster.hubs.cyan", "Cyan SMS", "AC0003") },
  { "ocamba.integrations.acme", mitto("Acme", "Acme Ltd", "FAKE-key2") },
  { "ocamba.integrations.blue", twilio "Blue SMS" },
  { "ocamba.integrations.dora", mitto("Dora", "Dora", "FAKE-key") },
  { "myreports.pbxs.acme", kazoo("Acme", "pbx2.acme.invalid", "FAKE-key") },
  { "myreports.pbxs.dora", kazoo("Dora", "pbx.dora.invalid", "FAKE-key") },
  { "onebox.connections.acme", page("Acme", "acme1", "FAKE-token2") },
}

-- What can be deleted.
local FEW = {}
for _, item in ipairs(FIRST) do
  if not item[1]:find "^onebox" then FEW[#FEW + 1] = item end
end

local THIRD = {
  { "blind.phones.a", { name = "A", about = "first" } },
  { "blind.phones.b", { name = "B", about = "second" } },
  { "blind.phones.c", { name = "C", about = "third" } },
}

local function phones(name, site)
  return {
    { "acme.hubs.h", { name = name, site = site } },
    { "acme.phones.a", { name = "A", hub = id "acme.hubs.h" } },
    { "acme.phones.b", { name = "B", hub = id "acme.hubs.h" } },
  }
end

local KEPT = { "hubster.hubs.acme", "ocamba.integrations.acme", "myreports.pbxs.acme", "onebox.connections.acme" }

-- Somebody else's: with the keys of ours, and equal to them in all that a vendor shows.
local function plain(item)
  local copy = {}
  for key, value in pairs(item) do
    if type(value) ~= "table" then copy[key] = value
    elseif value.text then copy[key] = value.text
    else copy[key] = plain(value) end
  end
  return copy
end

M.FOREIGN = {
  { fault = "others", on = "ocamba integrations", records = {
    plain(mitto("Acme", "Acme", "FAKE-key")), plain(mitto("Dora", "Dora", "FAKE-key")), plain(twilio "Blue SMS"),
    plain(mitto("Blue", "other", "FAKE-other")) } },
  { fault = "others", on = "myreports pbxs", records = {
    plain(kazoo("Acme", "pbx.acme.invalid", "FAKE-key")), plain(kazoo("Dora", "pbx.dora.invalid", "FAKE-key")) } },
  { fault = "others", on = "onebox connections", records = { plain(page("Acme", "acme1", "FAKE-token")) } },
  { fault = "others", on = "blind phones", records = { plain(THIRD[1][2]) } },
  { fault = "others", on = "acme hubs", records = {
    { name = "New", site = "there" }, { name = "Old", site = "here" } } },
  { fault = "others", on = "acme phones", records = { { name = "A", hub = "somebody's" } } },
}

-- Two seconds after the client has died.
local function late(...)
  local list = {}
  for i, on in ipairs { ... } do list[i] = { fault = "late", on = on, seconds = 2, times = 1 } end
  return list
end

-- Later than the next run begins, so that it has to wait.
local function unlisted(seconds, answers, ...)
  local list = {}
  for i, on in ipairs { ... } do
    list[i] = { fault = "unlisted", on = on, seconds = seconds, answers = answers, times = 1 }
  end
  return list
end

local function drop(...)
  local list = {}
  for i, on in ipairs { ... } do list[i] = { fault = "drop", on = on, acts = true, times = 1 } end
  return list
end

local CREATES = { "hubster hubs create", "ocamba integrations create", "myreports pbxs create",
                  "onebox connections create", "hubster integrations create" }
local unpack_ = table.unpack or unpack -- luacheck: ignore 113 143

-- ---- other commands than apply ----

local function destroys() return "destroy --yes --parallel 2" end

local TARGETS = { FIRST[1], FIRST[3], FIRST[6], FIRST[8] }

local function targeted(words)
  for _, item in ipairs(TARGETS) do words = words .. " --target " .. item[1] end
  return words
end

-- Addresses that the state does not know, with the ids of their records.
local function to_take(stage)
  local rows, list = stage:rows(), {}
  for _, item in ipairs(stage.cell.declared) do
    if not rows[item[1]] then list[#list + 1] = { item[1], tostring(stage.ids[item[1]]) } end
  end
  return list
end

local function adopts(stage)
  local words = {}
  for i, pair in ipairs(to_take(stage)) do words[i] = ("%s='%s'"):format(pair[1], pair[2]) end
  return words[1] and "adopt --parallel 4 " .. table.concat(words, " ")
end

local function imports(stage)
  local pair = to_take(stage)[1]
  return pair and ("import %s '%s'"):format(pair[1], pair[2])
end

local function addresses(list)
  local names = {}
  for i, item in ipairs(list) do names[i] = item[1] end
  return names
end

local TWO = { FIRST[6], FIRST[10] }
local SOME = { outside = 1, between = 1, intent = 1, sent = 2, answered = 1 }

--- name, resources (RESOURCES), declared, before (what is there when the killed run begins), keeps (addresses that
--- are to have the same record then), faults (from the killed run on), parallel, postgres (has the state), twice (the
--- run that settles is killed, too: its calls are the ones that are chosen from); words (function stage -> the command
--- in place of apply, nil: it has nothing to do any more), after (what is there in the end, in place of what is
--- declared), plan (its words, in place of a plan of all), takes (the vendors have what was there before, and the state
--- not), quota (kills by part of the run)
M.list = {
  { name = "creates", declared = FIRST, parallel = 1 },
  { name = "creates at once", declared = FIRST, parallel = 16 },
  { name = "creates that are done late", declared = FIRST, parallel = 1,
    faults = late("hubster hubs create", "ocamba integrations create", "myreports pbxs create") },
  { name = "creates that are listed late", declared = FIRST, parallel = 4,
    faults = unlisted(8, true, unpack_(CREATES)) },
  { name = "creates that are listed late and not answered", declared = FIRST, parallel = 16,
    faults = unlisted(8, false, unpack_(CREATES)) },
  { name = "creates whose answers are dropped", declared = FIRST, parallel = 16, faults = drop(unpack_(CREATES)) },
  { name = "changes", declared = SECOND, before = FIRST, keeps = KEPT, parallel = 1 },
  { name = "changes at once", declared = SECOND, before = FIRST, keeps = KEPT, parallel = 16 },
  { name = "changes that are done late", declared = SECOND, before = FIRST, keeps = KEPT, parallel = 1,
    faults = late("ocamba integrations update", "hubster integrations delete", "ocamba integrations create",
      "myreports pbxs delete") },
  { name = "changes whose answers are dropped", declared = SECOND, before = FIRST, keeps = KEPT, parallel = 16,
    faults = drop("hubster hubs update", "ocamba integrations update", "hubster integrations delete",
      "ocamba integrations create", "myreports pbxs update", "ocamba integrations delete",
      "onebox connections update") },
  { name = "creates, the state in PostgreSQL", declared = FIRST, parallel = 16, postgres = true },
  { name = "changes, the state in PostgreSQL", declared = SECOND, before = FIRST, keeps = KEPT, parallel = 1,
    postgres = true },
  { name = "deletes", declared = {}, before = FEW, parallel = 2,
    faults = drop("hubster hubs delete", "ocamba integrations delete") },
  { name = "a run that settles creates", declared = FIRST, parallel = 16, twice = true },
  { name = "a run that settles changes", declared = SECOND, before = FIRST, keeps = KEPT, parallel = 16, twice = true },
  { name = "creates where nobody can look", declared = THIRD, parallel = 3,
    resources = { { "blind", "phones" } } },
  { name = "a parent that is made anew", declared = phones("New", "there"), before = phones("Old", "here"),
    keeps = { "acme.phones.a", "acme.phones.b" }, parallel = 1,
    resources = { { "acme", "hubs" }, { "acme", "phones" } } },
  { name = "destroy", words = destroys, declared = FEW, before = FEW, after = {}, quota = SOME, parallel = 2 },
  { name = "apply of some records", words = function() return targeted "apply --yes --parallel 4" end, declared = FIRST,
    after = TARGETS, plan = targeted "plan", quota = SOME, parallel = 4 },
  { name = "adopt", words = adopts, declared = FIRST, before = FIRST, keeps = addresses(FIRST), takes = true,
    quota = { outside = 1, between = 4 }, parallel = 4 },
  { name = "import", words = imports, declared = TWO, before = TWO, keeps = addresses(TWO), takes = true,
    quota = { outside = 1, between = 4 }, parallel = 1 },
}

return M
