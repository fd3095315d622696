-- Plants secrets everywhere, makes every call there is, lets everything go wrong that a sandbox knows, and prints every
-- result, error, event and traceback in every way that there is to print it. Whoever starts it looks for the secrets:
--   lua5.4 tests/canary/run.lua FOLDER PROVIDER …
-- CANARY_LEAK=wire, scrub or listener: it leaks, so that the looking can be looked at; file: the provider file does not
-- say that the field CANARY_FIELD is secret.
-- CANARY_LONG=1: secrets are as long as tokens are.
local cli = require "luaprov.cli"
local echo = require "tests.canary.echo"
local faults = require "luaprov.sandbox.faults"
local http = require "luaprov.http"
local json = require "luaprov.json"
local load = require "luaprov.provider.load"
local luaprov = require "luaprov"
local made = require "tests.canary.made"
local plan = require "tests.canary.plan"
local secret = require "luaprov.secret"
local show = require "tests.canary.show"
local support = require "tests.support"
local tables = require "luaprov.tables"
local values = require "tests.canary.values"

local folder = table.remove(arg, 1)
local leak = os.getenv "CANARY_LEAK"
local long = os.getenv "CANARY_LONG"

-- ---- what is seen ----

local arrived, calls = {}, 0

local exchange = http.exchange
function http.exchange(request)
  calls = calls + 1
  local parts = { request.url, request.body or "" }
  for _, value in pairs(request.headers) do parts[#parts + 1] = value end
  local all = table.concat(parts, "\n")
  for name in all:gmatch(values.CORE .. "%-([%w._]+)%.") do arrived[name] = true end
  if leak == "wire" then print(all) end
  return exchange(request)
end

if leak == "scrub" then
  function secret.scrubber() return function(text) return text end, 0 end
end

for _, event in ipairs { "call", "attempt" } do
  luaprov.on(event, function(about)
    show.all(about)
    if leak == "listener" then print(values.of "listener") end
  end)
end

-- ---- the vendors ----

local function credentials_of(provider)
  local given = {}
  local function add(field)
    if field.type == "secret" then given[field.name] = values.of(provider.name .. "." .. field.name) end
  end
  for _, field in ipairs(provider.settings) do add(field) end
  for _, method in ipairs(provider.auth) do
    for _, field in ipairs(method.fields) do add(field) end
  end
  return given
end

local providers, credentials, names = {}, {}, {}
for i, name in ipairs(arg) do
  providers[i] = assert(load.load(name))
  for _, resource in ipairs(providers[i].resources) do made.plant(resource.shape) end
  -- Nobody waits for a turn here.
  for n = #providers[i].limits, 1, -1 do providers[i].limits[n] = nil end
  names[i], credentials[providers[i].name] = name, credentials_of(providers[i])
end

local options = { credentials = credentials, data = folder .. "/records", limits = false }
for i, name in ipairs(names) do options[i] = name end
local box = assert(luaprov.sandbox.start(options))

-- A client of one way to authenticate.
local function connect(index, way, more)
  local provider = providers[index]
  local method = provider.auth[way]
  local given = { base_url = box.base_url[provider.name], attempts = 1, timeout = 5 }
  if method.kind == "token_request" then given.token_url = box.token_url[provider.name] end
  local function add(field)
    local value = credentials[provider.name][field.name]
    if value and not long then value = luaprov.secret(value) end
    given[field.name] = value or method and field.required and "sandbox-" .. field.name:gsub("_", "-") or nil
  end
  for _, field in ipairs(provider.settings) do
    if field.type == "secret" then add(field) end
  end
  for _, field in ipairs(method.fields) do add(field) end
  for name, value in pairs(more or {}) do given[name] = value end
  return assert(luaprov.client(names[index], given)), given
end

-- A walk through its inside comes to the provider file's examples, too.
local function show_client(client)
  print(tostring(client), (json.encode(client)))
  print((support.shown(client):gsub(values.CORE .. "%-made[%w_-]*", "")))
end

-- ---- the calls ----

local parents_of = {} -- provider -> field -> id

local function parents(provider)
  local own = parents_of[provider.name]
  if own then return own end
  own = { tenantId = "c-1" }
  parents_of[provider.name] = own
  return own
end

local function query_of(provider) return provider.name == "myreports" and { tenantId = "c-1" } or nil end

-- Every operation on every variant, each said as it comes. Returns the records that are left.
local function walk(index, client)
  local provider, records = providers[index], {}
  show_client(client)
  for _, variant in ipairs(plan.variants(provider)) do
    local resource, operations = client[variant.resource], provider.resource[variant.resource].operations
    local fields = plan.fields(variant, parents(provider))
    local record, err = resource:create(fields)
    show(variant.name .. " create", record, err)
    assert(record, err)
    if not record.hubId or not parents(provider).hubId then parents(provider).hubId = record.hubId end
    show("get", resource:get(record.id, record))
    show("update", resource:update(record.id, { name = fields.name, Name = fields.Name }, record))
    show("update all", resource:update(record.id, plan.changes(variant, parents(provider)), record))
    show("again", resource:create(fields))
    show("list", resource:list(query_of(provider)))
    records[#records + 1] = { variant = variant, record = record }
    if operations.delete then
      local other = resource:create(plan.fields(variant, parents(provider)))
      show("delete", resource:delete(other.id, other))
      show("gone", resource:get(other.id, other))
    end
  end
  return records
end

-- What is called while a fault strikes.
local function jobs_of(index, client, records)
  local provider, jobs = providers[index], {}
  for i, item in ipairs(records) do
    local resource, operations = client[item.variant.resource], provider.resource[item.variant.resource].operations
    local record = item.record
    jobs[#jobs + 1] = { "create", function()
      return resource:create(plan.fields(item.variant, parents(provider)))
    end }
    jobs[#jobs + 1] = { "update", function()
      return resource:update(record.id, plan.changes(item.variant, parents(provider)), record)
    end }
    if i == 1 then
      jobs[#jobs + 1] = { "get", function() return resource:get(record.id, record) end }
      jobs[#jobs + 1] = { "list", function()
        return resource:list(query_of(provider))
      end }
      if operations.delete then
        jobs[#jobs + 1] = { "delete", function() return resource:delete("no-such-id", record) end }
      end
    end
  end
  return jobs
end

local function only(operation, jobs)
  local list = {}
  for _, job in ipairs(jobs) do
    if job[1] == operation then list[#list + 1] = job end
  end
  return list
end

local function strike(fault, label, jobs)
  fault = box:fault(fault)
  luaprov.map(jobs, function(job)
    local result, err = job[2]()
    show(label .. " " .. job[1], result, err)
  end, { concurrency = 64 })
  assert(fault.struck > 0, label .. " struck nobody")
  fault.times = 0
end

local QUICK = { seconds = 0.01, bytes = 200000 }
local WAITS = { silent = true, late = true }

local function every_fault(index, records, connected)
  local name = providers[index].name
  local on = name .. (connected.token and " token" or "")
  local function jobs(more)
    if not connected.token then return jobs_of(index, connect(index, connected.way, more), records) end
    -- Each asks for a token of its own.
    local list = {}
    for i = 1, 2 do list[i] = jobs_of(index, (connect(index, connected.way, more)), records)[2 * i] end
    return list
  end
  for _, fault in ipairs(tables.keys(faults.faults)) do
    local definition = faults.faults[fault]
    if not fault:find "^echo_" and definition.play then
      local given = { fault = fault, on = on }
      for option, value in pairs(QUICK) do given[option] = definition.takes[option] and value end
      strike(given, fault, jobs { timeout = WAITS[fault] and 0.1 or 5, response_limit = 100000 })
    end
  end
  strike({ fault = "status", on = on, acts = true, retry_after = 0 }, "acts", jobs { attempts = 2, patience = 0.01 })
  if connected.token then return end
  -- What it looks at, to find out what became of a create, is printed with its error.
  local list = only("create", jobs { attempts = 2, patience = 1, timeout = 0.5 })
  strike({ fault = "html", on = name .. " * create", status = 502 }, "settle", list)
end

-- Some say most with another status.
local STATUSES = { echo_json = { 200, 400, 401, 500 }, echo_location = { 201, 302, 400 } }

local function every_echo(index, records, connected)
  local name = providers[index].name
  local client = connect(index, connected.way)
  for _, fault in ipairs(echo.names) do
    for _, status in ipairs(STATUSES[fault] or { 200, 400, 500 }) do
      local label = fault .. " " .. status
      if connected.token then
        local jobs = jobs_of(index, (connect(index, connected.way)), records)
        strike({ fault = fault, status = status, on = name .. " token" }, label, { jobs[1] })
      else
        local jobs = jobs_of(index, client, records)
        strike({ fault = fault, status = status, on = name }, label, jobs)
        -- Some read the record first: what is struck here is the update itself.
        strike({ fault = fault, status = status, on = name .. " * update" }, label, only("update", jobs))
      end
    end
  end
end

-- Secrets where they do not belong.
local function misuse(index, client, records)
  local item = records[1]
  local resource, record = client[item.variant.resource], item.record
  local stray = luaprov.secret(values.of "stray")
  for i, fn in ipairs {
    function() return resource:get(stray) end, function() return resource:create(stray) end,
    function() return resource:update(record.id, stray) end, function() return resource:delete(stray) end,
    function() return resource:list(stray) end, function() return resource:list { q = stray } end,
    function() return resource:create({}, stray) end, function() return resource:create({}, { timeout = stray }) end,
    function() return resource:create { [values.mark ""] = nil, name = stray, Name = stray } end,
    function() return client[stray] end, function() return resource[stray] end,
    function() return luaprov.client(stray) end, function() return luaprov.client(names[index], stray) end,
    function() return luaprov.client(names[index], { token = stray, base_url = stray }) end,
    function() return luaprov.client(names[index], { token = stray, timeout = stray, region = stray }) end,
    function() return luaprov.client(names[index], { token = stray, proxy = stray, ca_file = stray }) end,
    function() return luaprov.map(stray, print) end, function() return luaprov.sleep(stray) end,
    function() return luaprov.on(stray) end, function() return luaprov.secret(stray) .. stray end,
    function() return json.encode { stray, a = stray } end, function() return #stray end,
    function() return stray + 1 end, function() return stray < stray end, function() return stray.x.y end,
    function() return stray() end, function() return ("x"):rep(stray) end,
  } do
    local ok, result, err = xpcall(fn, function(err) return debug.traceback(tostring(err)) end)
    show("misuse " .. i .. " " .. tostring(ok), result, err)
  end
  -- Every field of the first variant as a secret.
  local fields = plan.fields(item.variant, parents(providers[index]))
  for _, name in ipairs(tables.keys(fields)) do
    local given = tables.copy(fields)
    given[name] = stray
    local stored, err = resource:create(given)
    show("stray " .. name, stored, err)
    if stored then
      resource:update(stored.id, plan.fields(item.variant, parents(providers[index])), stored)
    end
    show("stray " .. name, resource:update(record.id, { [name] = stray }, record))
    -- What the provider file does not call secret is none when it is read the next time.
    resource:update(record.id, { [name] = fields[name] }, record)
  end
end

-- ---- the command line ----

local function flat(fields, prefix, words, file)
  for _, name in ipairs(tables.keys(fields)) do
    local value, path = fields[name], prefix .. name
    if secret.is(value) then words[#words + 1] = path .. "=@" .. file(value:reveal())
    elseif type(value) == "string" then words[#words + 1] = path .. "=" .. value
    elseif type(value) ~= "table" or json.is_array(value) then
      local text = json.encode(value)
      if text:find "secret" then
        local opened = {}
        for i, item in ipairs(value) do
          opened[i] = secret.is(item) and item:reveal() or { within = item.within:reveal() }
        end
        words[#words + 1] = path .. ":=@" .. file(json.encode(luaprov.array(opened)))
      else words[#words + 1] = path .. ":=" .. text end
    else flat(value, path .. ".", words, file) end
  end
  return words
end

local files = 0

-- Beside the folder that is searched: these are the caller's own.
local function file(text)
  files = files + 1
  local name = folder .. ".given/" .. files
  local out = assert(io.open(name, "wb"))
  out:write(text)
  out:close()
  return name
end

local function command(...)
  local words = {}
  for _, list in ipairs { ... } do
    for _, word in ipairs(list) do words[#words + 1] = word end
  end
  print("== luaprov " .. #words)
  print(cli.main("call", words))
end

local function command_line(index, way, records)
  local provider = providers[index]
  local _, given = connect(index, way)
  local sets = {}
  given.attempts = 1
  for _, name in ipairs(tables.keys(given)) do
    local value = given[name]
    sets[#sets + 1] = "--set"
    sets[#sets + 1] = name .. "=" .. (secret.is(value) and "@" .. file(value:reveal()) or tostring(value))
  end
  local modes = { { "--json" }, { "--table" }, { "--curl" }, { "--verbose", "--json" } }
  for i, item in ipairs(records) do
    local fields = plan.fields(item.variant, parents(provider))
    local words = flat(fields, "", {}, file)
    for j, mode in ipairs(modes) do
      if i == 1 or j == i % 4 + 1 then
        command({ names[index], item.variant.resource, "create" }, words, sets, mode)
        command({ names[index], item.variant.resource, "update", tostring(item.record.id) }, words, sets, mode)
        command({ names[index], item.variant.resource, "get", tostring(item.record.id),
          item.record.tenantId and "tenantId=c-1" }, sets, mode)
        local fault = box:fault { fault = echo.names[(i + j) % #echo.names + 1], on = provider.name, status = 400 }
        command({ names[index], item.variant.resource, "create" }, words, sets, mode)
        fault.times = 0
        fault = box:fault { fault = "redirect", on = provider.name }
        command({ names[index], item.variant.resource, "create" }, words, sets, mode)
        fault.times = 0
        command({ names[index], item.variant.resource, "create" }, { words[1], "none=x" }, sets, mode)
      end
    end
  end
end

-- ---- all of it ----

for index, provider in ipairs(providers) do
  -- One way is enough to see a leak.
  for way = 1, leak and 1 or #provider.auth do
    local method = provider.auth[way]
    local client = connect(index, way)
    local records = walk(index, client)
    if not long then every_fault(index, records, { way = way }) end
    every_echo(index, records, { way = way })
    if method.kind == "token_request" then
      if not long then every_fault(index, records, { way = way, token = true }) end
      local encodings = provider.settings
      for _, field in ipairs(encodings) do
        if field.name == method.encoding then
          for _, encoding in ipairs(field.value_list) do
            client = connect(index, way, { [field.name] = encoding })
            show(encoding, jobs_of(index, client, records)[3][2]())
          end
        end
      end
      every_echo(index, records, { way = way, token = true })
    end
    show_client(client)
    if not long then misuse(index, client, records) end
    if not long then command_line(index, way, records) end
  end
end

local missing = {}
for name in pairs(values.made) do
  if not arrived[name] and name ~= "stray" and name ~= "listener" then missing[#missing + 1] = name end
end
table.sort(missing)

-- A call that is on its way when the script ends.
box:fault { fault = "silent", on = providers[1].name }
luaprov.spawn(function()
  local client = connect(1, #providers[1].auth)
  client[plan.variants(providers[1])[1].resource]:list(query_of(providers[1]))
end)
luaprov.sleep(0.05)

for _, name in ipairs(missing) do print("never sent: " .. name:gsub(values.CORE, "")) end
print(("done: %d exchanges, %d errors, %d secrets"):format(calls, show.told(), #tables.keys(values.made)))
