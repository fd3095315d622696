-- Ocamba with other limits, in a sandbox in a process of its own that enforces them; and what is needed to see whether
-- they are kept: for the spec and for the bench.
local core = require "luaprov.core"
local luaprov = require "luaprov"
local process = require "tests.sandbox.process"
local support = require "tests.support"

local M = {}
M.__index = M

-- What another process does that has the same account and keeps no limits: so many calls when a window of the vendor's
-- begins, and in every one after it, whatever they are answered.
local OTHER = [[
local http, luaprov = require "luaprov.http", require "luaprov"
local url, count, limit, seconds = arg[1], tonumber(arg[2]), arg[3], tonumber(arg[4])
local function get()
  local answer = assert(http.exchange { method = "GET", url = url .. "/integrations/1", deadline = http.now() + 5,
                                        headers = { Authorization = "Bearer sandbox-token" } })
  return answer.headers["x-ratelimit-remaining"]
end
-- Its first call is the one that leaves all but one.
while get() ~= ("%d"):format(limit - 1) do luaprov.sleep(0.005) end
local due, numbers = http.now(), {}
for i = 1, count do numbers[i] = i end
table.remove(numbers)
while true do
  luaprov.map(numbers, get, { concurrency = count })
  numbers[count] = count
  print "in the way"
  io.stdout:flush()
  due = due + seconds
  luaprov.sleep(math.max(0, due - http.now()))
end
]]

--- @param limits string the provider's, as Lua text: "{ 10, per = 1 }, { 150, per = 60 }"
--- @return table account client, url, refused (how many attempts were answered with 429)
function M.start(limits)
  local ours = support.read "lua/luaprov/providers/ocamba.lua"
  local text, count = ours:gsub("{ 10, per = 1 }, { 150, per = 60 }", limits)
  assert(count == 1, "Ocamba's limits stand elsewhere")
  local file = support.file("ocamba.lua", text)
  local self = setmetatable({ refused = 0, file = file, sandbox = process.start(file) }, M)
  self.url = self.sandbox.exports.LUAPROV_OCAMBA_BASE_URL
  self.client = assert(luaprov.client(file, { token = "sandbox-token", base_url = self.url }))
  self.off = luaprov.on("attempt", function(event)
    if event.status == 429 then self.refused = self.refused + 1 end
  end)
  return self
end

--- Another client of the same account.
function M:another(options)
  options.base_url = self.url
  return assert(luaprov.client(self.file, options))
end

--- Starts another process that makes `count` calls in each window, and returns when it has for the first time.
--- @param window table { calls, per = seconds } of the account
function M:share(count, window)
  local file = support.file("other.lua", OTHER)
  local build = os.getenv "LUAPROV_BUILD" or "build"
  self.pipe = assert(io.popen(("echo $$; exec %s/bin/luaprov %s '%s' %d %d %g"):format(build, file, self.url, count,
    window[1], window.per), "r"))
  self.pid = self.pipe:read("*l")
  assert(self.pipe:read("*l") == "in the way")
end

--- Creates so many records at once.
--- @return table done id -> name
--- @return luaprov.Error[] failed
--- @return number seconds
function M:create(count, concurrency)
  local names, done, failed, began = {}, {}, {}, core.now()
  for i = 1, count do names[i] = ("record %04d"):format(i) end
  luaprov.map(names, function(name)
    local record, err = self.client.integrations:create {
      name = name, provider_id = "1004", settings = { api_key = "FAKE-key", sender_name = "sender" },
    }
    if record then done[record.id] = name else failed[#failed + 1] = err end
  end, { concurrency = concurrency or count })
  return done, failed, core.now() - began
end

--- What the vendor has, as `create` returns it.
function M:records()
  local there = {}
  for record, err in self.client.integrations:each() do
    if not record then error(err, 0) end
    there[record.id] = record.name
  end
  return there
end

function M:stop()
  self.off()
  if self.pipe then
    os.execute("kill " .. self.pid)
    self.pipe:read("*a")
    self.pipe:close()
  end
  self.sandbox:stop()
end

--- The least time that so many calls take, when the first windows begin with the first call.
--- @param count integer
--- @param windows table[] { calls, per = seconds } each
--- @return number seconds
function M.least(count, windows)
  local at = {}
  for i = 1, count do
    at[i] = 0
    for _, window in ipairs(windows) do at[i] = math.max(at[i], (at[i - window[1]] or -math.huge) + window.per) end
  end
  return at[count]
end

return M
