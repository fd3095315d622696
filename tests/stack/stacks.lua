-- A manifest that is applied to a vendor in a process of its own, with a state in a file.
local account = require "luaprov.stack.account"
local apply = require "luaprov.stack.apply"
local guard = require "luaprov.stack.guard"
local json = require "luaprov.json"
local manifests = require "luaprov.stack.manifest"
local plans = require "luaprov.stack.plan"
local providers = require "luaprov.provider.load"
local settle = require "luaprov.stack.settle"
local stores = require "luaprov.stack.store"
local support = require "tests.support"
local vendors = require "tests.policy.vendors"

local M = {}
M.__index = M

--- Hubs have lines, and phones that may be given to another hub; boxes and cards cannot be looked for; the ids of
--- numbers are what they are created with.
M.ACME = [[return provider { title = "Acme", base_url = "https://acme.invalid", auth = bearer "token",
  errors = { message = "message" },
  resource "hubs" {
    path = "/hubs", key = { "name" }, %s settles_in = %s,
    text "name" { required = true }, text "about" {}, text "site" { fixed = true }, text "color" {}, secret "pin" {},
    secret "apiKey" { computed = true },
    create = post { expect = 201 }, get = get {}, update = patch {}, delete = delete { expect = 204 },
    list = get { items = "items", pages = numbered { query = "page={page}&size={size}", first = 1, size = 100,
      total = "total" } },
  },
  resource "lines" {
    path = "/hubs/{hub}/lines", key = { "hub", "name" }, settles_in = 0.2,
    text "hub" { required = true, path = true, fixed = true, parent = "hubs" }, text "name" { required = true },
    text "to" {},
    create = post { expect = 201 }, get = get {}, update = patch {}, delete = delete { expect = 204 },
    list = get { items = "items" },
  },
  resource "phones" { path = "/phones", key = { "name" }, settles_in = 0.2,
    text "hub" { required = true, parent = "hubs" }, text "name" { required = true },
    create = post { expect = 201 }, get = get {}, update = patch {}, delete = delete { expect = 204 },
    list = get { items = "items" },
  },
  resource "boxes" { path = "/boxes", text "name" { required = true },
    create = post { expect = 201 }, get = get {}, delete = delete { expect = 204 } },
  resource "cards" { path = "/cards", key = { "name" }, text "name" { required = true, fixed = true },
    create = post { expect = 201 }, get = get {}, delete = delete { expect = 204 } },
  resource "numbers" { path = "/numbers", id = "name", key = { "name" }, unique = true,
    text "name" { required = true, fixed = true }, text "site" { fixed = true },
    create = post { expect = 201 }, get = get {}, delete = delete { expect = 204 }, list = get { items = "items" } },
}]]

--- @param options table|nil faults, unique, settles_in, timeout, patience, place (of the state), provider (its text)
function M.start(options)
  options = options or {}
  local text = options.provider or M.ACME:format(options.unique and "unique = true," or "", options.settles_in or 0.2)
  local self = setmetatable({ vendor = vendors.start(text, options.faults or {}) }, M)
  local _, folder = support.file("state.db.place", "")
  self.folder, self.place = folder, options.place or folder .. "/state.db"
  self.client = self.vendor:client { settle = false }
  local exports = self.vendor.process.exports
  local function plain(name) return (exports["LUAPROV_ACME_" .. name]:gsub("^'(.*)'$", "%1")) end
  self.head = ("local acme = use(%q, { base_url = %q, token = secret %q, limits = false, timeout = %g, "
    .. "patience = %g })\n"):format("acme", plain "BASE_URL", plain "TOKEN", options.timeout or 0.5,
    options.patience or 2)
  self.provider = assert(providers.load(self.vendor.file))
  return self
end

M.stop = vendors.stop

function M:manifest(text)
  return assert(manifests.read(self.head .. text, self.folder .. "/luaprov.lua",
    { provider = function() return self.provider end }))
end

-- What the vendor has of the state's records.
local function observe(args)
  local observed = {}
  for _, row in ipairs(args.rows) do
    local resource = args.manifest.account.acme.client[row.resource]
    local record, err = resource:get(row.id, row.parents)
    assert(record or err.kind == "not_found", err)
    observed[row.address] = record or false
  end
  return observed
end

--- The whole of what `apply` does.
--- @param text string of the manifest
--- @param options table|nil on_event, on_plan, on_wait, stop, parallel, keep (the lease stays), destroy; pause and
---   patience of the store
--- @return table result of apply, table plan, table settled
function M:apply(text, options)
  options = options or {}
  local manifest = self:manifest(text)
  local store = assert(stores.open(self.place, { pause = options.pause, patience = options.patience }))
  local lease = assert(store:lease { holder = "spec", seconds = guard.seconds(manifest), wait = 60,
                                     on_wait = options.on_wait })
  local args = { manifest = manifest, store = store, lease = lease, accounts = account.all(manifest, store),
                 rows = assert(store:records()), on_event = options.on_event, stop = options.stop,
                 parallel = options.parallel, same_accounts = options.same_accounts }
  local settled = assert(settle.open(args))
  args.rows, args.blocked = assert(store:records()), {}
  for _, entry in ipairs(settled.left) do args.blocked[entry.address] = settle.left(entry) end
  args.plan = assert(plans.make { manifest = manifest, rows = args.rows, accounts = args.accounts,
                                  destroy = options.destroy, observed = observe(args) })
  if options.on_plan then options.on_plan(args.plan, args) end
  local result = apply.run(args)
  if #result.failed + #result.unknown + #result.skipped == 0 then
    args.rows = assert(store:records())
    assert(#assert(settle.later(args, settled.later)).left == 0, "something is left")
  end
  if not options.keep then assert(lease:release(apply.may_act(result) and result.last or nil)) end
  store:close()
  return result, args.plan, settled
end

--- An exchange of an operation that is carried out, and whose task ends before anything is noted: for `on_plan`.
--- @param operation string
--- @param times integer|nil how many: 1
function M.dies(operation, times)
  times = times or 1
  return function(_, args)
    local state = args.manifest.account.acme.state
    local exchange = state.exchange
    state.exchange = function(request, what)
      local response, err, part = exchange(request, what)
      if what == operation and times > 0 then
        times = times - 1
        error("it died", 0)
      end
      return response, err, part
    end
  end
end

--- The same before anything is sent.
function M.dies_before(operation)
  return function(_, args)
    args.manifest.account.acme.state.exchange = (function(exchange)
      return function(request, what)
        if what == operation then error("it died", 0) end
        return exchange(request, what)
      end
    end)(args.manifest.account.acme.state.exchange)
  end
end

--- Every create is answered as the first one was.
function M.answers_as_first()
  local first
  return function(_, args)
    local state = args.manifest.account.acme.state
    local exchange = state.exchange
    state.exchange = function(request, what)
      local response, err, part = exchange(request, what)
      if what ~= "create" then return response, err, part end
      first = first or { status = response.status, headers = response.headers, body = response.body }
      return { status = first.status, headers = first.headers, body = first.body }
    end
  end
end

--- Puts a row into the state.
function M:put(row)
  local store = assert(stores.open(self.place))
  local lease = assert(store:lease { holder = "spec", seconds = 5, wait = 60 })
  assert(store:commit { { record = row } })
  lease:release()
  store:close()
end

--- What the state has, by address.
function M:rows()
  local store, rows = assert(stores.open(self.place)), {}
  for _, row in ipairs(assert(store:records())) do rows[row.address] = row end
  local open = assert(store:open_intents())
  store:close()
  return rows, open
end

--- What the vendor has, "RESOURCE NAME" -> record; with how many of each.
function M:there()
  local records, counts = {}, {}
  for id, record in pairs((self.vendor:records())) do
    local name = id:match "^%S+" .. " " .. tostring(record.name)
    records[name], counts[name] = record, (counts[name] or 0) + 1
    record.id = id:match " ([^%z]*)"
  end
  return records, counts
end

--- Fails unless the vendor has exactly these, once each, and the state the same; and a plan says that nothing is to do.
function M:is(text, names)
  local records, counts = self:there()
  local found = {}
  for name, count in pairs(counts) do found[#found + 1] = count == 1 and name or name .. " " .. count .. " times" end
  table.sort(found)
  table.sort(names)
  assert(json.encode(json.array(found)) == json.encode(json.array(names)),
    "the vendor has " .. table.concat(found, ", "))
  local rows, open = self:rows()
  local count = 0
  for _, row in pairs(rows) do
    count = count + 1
    local record = records[row.resource .. " " .. tostring(row.fields.name)]
    assert(record and tostring(record.id) == tostring(row.id), row.address .. " has another id than the vendor's")
  end
  assert(count == #names, "the state has " .. count .. " records")
  assert(#open == 0, "an intent is open")
  local manifest = self:manifest(text)
  local list = {}
  for _, row in pairs(rows) do list[#list + 1] = row end
  local observed = observe { manifest = manifest, rows = list }
  local plan = assert(plans.make { manifest = manifest, rows = list, observed = observed })
  assert(plans.is_empty(plan) and not plan.faults[1], "the next plan is not empty")
end

return M
