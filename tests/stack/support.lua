-- What the specs of stack/ share: a made-up provider, manifests, and a state as apply would have left it.
local json = require "luaprov.json"
local load = require "luaprov.provider.load"
local key = require "luaprov.stack.key"
local manifests = require "luaprov.stack.manifest"
local plans = require "luaprov.stack.plan"
local reference = require "luaprov.stack.reference"
local remember = require "luaprov.stack.remember"
local secret = require "luaprov.secret"

local M = {}

-- Hubs have lines; boxes can be made and read only, and cards cannot be made; `site` is left as it is by updates.
M.ACME = [[
return provider {
  base_url = "https://api.acme.invalid", auth = bearer "token", limits = { { 2, per = 1 } },
  resource "hubs" {
    path = "/hubs", key = { "name" }, unique = true, id = "hubId",
    text "name" { required = true }, text "about" {}, integer "port" { sent_as = "string", min = 1 },
    boolean "open" {}, choice "state" { values = { [1001] = "on", [1002] = "off" }, codes = { [1001] = "ON" } },
    url "site" { fixed = "ignored" }, list "tags" { any_order = true, of = text {} }, list "steps" { of = text {} },
    list "people" { of = group { text "name" {}, secret "pin" {} } },
    text "hubId" { computed = true }, text "seen" { computed = true }, secret "apiKey" { computed = true },
    group "mail" { whole = true, text "from" { required = true }, text "reply" {}, secret "password" {} },
    group "voice" { text "number" {}, text "greeting" {} },
    create = post {}, get = get {}, update = patch {}, delete = delete {}, list = get { items = "items" },
  },
  resource "lines" {
    path = "/hubs/{hub}/lines", key = { "hub", "name" },
    text "hub" { required = true, path = true, fixed = true, parent = "hubs" }, text "name" { required = true },
    choice "kind" { required = true, fixed = true, values = { "sms", "call" } }, text "next" {},
    by "kind" { sms = { secret "token" { required = true } }, call = { secret "code" { fixed = true }, text "to" {} } },
    create = post {}, get = get {}, update = patch { returns = "nothing" }, delete = delete {},
    list = get { items = "items" },
  },
  resource "boxes" { path = "/boxes", key = { "name" }, text "name" { required = true }, text "color" {},
    create = post {}, get = get {} },
  resource "cards" { path = "/cards", text "name" {}, list = get { items = "items" } },
}
]]

local acme = assert(load.compile(M.ACME, "acme.lua", "acme"))
M.acme = acme

M.HEAD = 'local acme = use("acme", { token = secret "tok-0000" })\n'

local function provider(name)
  if name == "acme" then return acme end
  return load.load(name)
end

--- @return table|nil manifest, luaprov.Error|nil err
function M.read(text, options)
  options = options or {}
  options.provider = provider
  options.getenv = options.getenv or function(name) return ({ REGION = "eu", EMPTY = "" })[name] end
  return manifests.read(text, options.file or "luaprov.lua", options)
end

--- A manifest that is right; `acme` is there.
function M.manifest(text, options) return assert(M.read(M.HEAD .. text, options)) end

--- The message of a manifest that is wrong.
function M.faults(text, options)
  local manifest, err = M.read(text, options)
  assert(manifest == nil, "the fault was not seen")
  assert(err.kind == "invalid" and err.outcome == "not_sent")
  return err.message, err
end

-- Secrets stay what they are: a copy of one would be none.
local function copy(value)
  if type(value) ~= "table" or secret.is(value) then return value end
  local into = setmetatable({}, getmetatable(value))
  for key_there, inner in pairs(value) do into[key_there] = copy(inner) end
  return into
end

--- The state after all of a manifest was applied: ids are "id-ADDRESS", and the vendor shows what it was sent, changed
--- by `answer` (address, record). Also what the vendor then has.
---@return table rows, table observed
function M.applied(manifest, answer)
  local rows, observed = {}, {}
  local function lookup(address, path)
    if path[1] == "id" or path[1] == "hubId" then return "id-" .. address end
    return reference.at(observed[address], path)
  end
  for _, address in ipairs(manifest.order) do
    local node = manifest.record[address]
    local fields, left = reference.fill(node.fields, lookup)
    assert(left == 0)
    local record = copy(fields)
    record.id = "id-" .. address
    if node.resource == "hubs" then record.hubId = record.id end
    if answer then answer(address, record) end
    observed[address] = record
    local known, secrets = remember.of(node.description, fields, record)
    rows[#rows + 1] = {
      address = address, provider = node.provider, resource = node.resource, id = record.id,
      fields = json.decode(known),
      secrets = secrets, key = key.of(node.description, fields), parents = {}, depends_on = node.needs,
      protect = node.protect, base_url = manifest.account[node.alias].state.base_url,
    }
  end
  return rows, observed
end

function M.plan(args) return assert(plans.make(args)) end

--- What a plan does, a line a step.
function M.steps(plan)
  local out = {}
  for i, step in ipairs(plan.steps) do out[i] = step.action .. " " .. step.address end
  return out
end

--- A change as one text.
function M.change(change)
  local function text(value)
    if reference.is(value) then return reference.shown(value) end
    return tostring(value)
  end
  return change.path .. ": " .. (change.secret and "secret " .. change.secret or text(change.old) .. " > "
    .. text(change.new)) .. (change.fixed and " fixed" or "") .. (change.later and " later" or "")
    .. (change.unseen and " unseen" or "")
end

function M.changes(list)
  local out = {}
  for i, change in ipairs(list) do out[i] = M.change(change) end
  return out
end

return M
