-- What a plan costs: a manifest of COUNT records (100,000; a half of them with a secret and a reference), all of them
-- in the state, nothing changed, no vendor asked. Prints, for 1,000 and each ten times more, the processor time of each
-- part and the most memory that the process has had: a process of its own for each size; its rows come as JSON lines.
--
--   BUILD=build build/bin/luaprov tests/bench/stack.lua [COUNT]
local graph = require "luaprov.stack.graph"
local json = require "luaprov.json"
local key = require "luaprov.stack.key"
local manifests = require "luaprov.stack.manifest"
local plans = require "luaprov.stack.plan"
local reference = require "luaprov.stack.reference"
local remember = require "luaprov.stack.remember"

local MANIFEST = [[
local hubster = use("hubster", { token = secret "FAKE-token" })
for i = 1, %d do
  local slug = "customer-" .. i
  local hub = hubster.hubs(slug, { name = "Hub of " .. slug, description = "Support of " .. slug })
  hubster.integrations(slug .. "-sms", {
    hubId = hub.id, channelId = "TwilioSMS", name = hub.name .. " SMS",
    configuration = { accountSid = "AC" .. slug, authToken = secret("FAKE-" .. slug), numberSid = "PN" .. slug },
  })
end
]]

local function manifest_of(count) return assert(manifests.read(MANIFEST:format(count / 2), "luaprov.lua")) end

-- What apply would have left.
local function write_rows(count, path)
  local manifest, file, hub = manifest_of(count), assert(io.open(path, "w")), nil
  for i, node in ipairs(manifest.records) do
    if node.resource == "hubs" then hub = ("00000000-0000-4000-8000-%012d"):format(i) end
    local fields = reference.fill(node.fields, function() return hub end)
    local record = {}
    for name, value in pairs(fields) do record[name] = value end
    record.id = node.resource == "hubs" and hub or ("00000000-0000-4000-9000-%012d"):format(i)
    record.statusId = 2000
    if fields.configuration then
      local sent = fields.configuration
      record.configuration = { accountSid = sent.accountSid, numberSid = sent.numberSid }
    end
    local known, secrets = remember.of(node.description, fields, record)
    file:write(assert(json.encode {
      address = node.address, provider = node.provider, resource = node.resource, id = record.id,
      fields = known, secrets = json.encode(secrets), key = key.of(node.description, fields),
      depends_on = node.needs[1] and node.needs or nil,
      base_url = manifest.account.hubster.state.base_url, account = "",
    }), "\n")
  end
  file:close()
end

local function most_memory() -- megabytes
  local file = assert(io.open("/proc/self/status"))
  local kilobytes = file:read("*a"):match("VmHWM:%s+(%d+)")
  file:close()
  return kilobytes / 1024
end

-- Processor seconds: other processes are not what is measured.
local function measure(count, path)
  -- What a command that plans does best: less memory than by generations, in the same time.
  collectgarbage "incremental"
  collectgarbage("setpause", 180)
  local began = os.clock()
  local rows = {}
  for line in io.lines(path) do rows[#rows + 1] = assert(json.decode(line)) end
  local read = os.clock()
  local manifest = manifest_of(count)
  local declared = os.clock()
  local plan = assert(plans.make { manifest = manifest, rows = rows })
  local planned = os.clock()
  assert(plan.counts.unchanged == count and plans.is_empty(plan), "something has changed")
  local nodes, needs, edges = {}, {}, 0
  for i, node in ipairs(manifest.records) do
    nodes[i], needs[node.address] = node.address, node.needs
    edges = edges + #node.needs
  end
  local sorted = os.clock()
  assert(graph.order(nodes, needs))
  print(("%7d records: rows %.2f s, manifest %.2f s, plan %.2f s, together %.2f s; %.0f MB; order of %d edges %.3f s")
    :format(count, read - began, declared - read, planned - declared, planned - began, most_memory(), edges,
      os.clock() - sorted))
end

if arg[1] == "write" then return write_rows(tonumber(arg[2]), arg[3]) end
if arg[1] == "measure" then return measure(tonumber(arg[2]), arg[3]) end

local most, path = tonumber(arg[1]) or 100000, os.tmpname()
local luaprov = (os.getenv("BUILD") or "build") .. "/bin/luaprov"
local count = 1000
while count <= most do
  for _, what in ipairs { "write", "measure" } do
    assert(os.execute(("%s tests/bench/stack.lua %s %d %s"):format(luaprov, what, count, path)))
  end
  count = count * 10
end
os.remove(path)
