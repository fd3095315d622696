-- A folder with a manifest, a vendor in a process of its own, and the commands that are run there.
local run = require "tests.cli.support"
local stores = require "luaprov.stack.store"
local support = require "tests.support"
local vendors = require "tests.policy.vendors"

local M = {}
M.__index = M

-- Hubs have lines; boxes cannot be looked for.
M.ACME = [[return provider { title = "Acme", base_url = "https://acme.invalid", auth = bearer "token",
  errors = { message = "message" }, limits = { { 1000, per = 1 } },
  resource "hubs" {
    path = "/hubs", key = { "name" }, settles_in = 0.1,
    text "name" { required = true, max = 20 }, text "about" {}, text "site" { fixed = true }, secret "pin" {},
    secret "apiKey" { computed = true, example = "key-FAKE" },
    create = post { expect = 201 }, get = get {}, update = patch {}, delete = delete { expect = 204 },
    list = get { items = "items" },
  },
  resource "lines" {
    path = "/hubs/{hub}/lines", key = { "hub", "name" }, settles_in = 0.1,
    text "hub" { required = true, path = true, fixed = true, parent = "hubs" }, text "name" { required = true },
    create = post { expect = 201 }, get = get {}, update = patch {}, delete = delete { expect = 204 },
    list = get { items = "items" },
  },
  resource "boxes" { path = "/boxes", text "name" { required = true },
    create = post { expect = 201 }, get = get {}, delete = delete { expect = 204 } },
}]]

--- A manifest: a hub and a line of it.
M.TWO = [[
local hub = acme.hubs("desk", { name = "Desk", about = "front", pin = secret "FAKE-pin" })
acme.lines("one", { hub = hub.id, name = "One" })
]]

--- @param faults table[]|nil of the vendor
--- @param provider string|nil the text of its provider file
function M.start(faults, provider)
  local self = setmetatable({ vendor = vendors.start(provider or M.ACME, faults or {}), folder = support.folder() }, M)
  self.head = ("local acme = use(%q, { timeout = 2, patience = 5 })\n"):format(self.vendor.file)
  self.environment = {}
  for name, value in pairs(self.vendor.process.exports) do
    self.environment[name] = value:gsub("^'(.*)'$", "%1")
  end
  return self
end

--- Ends all of them.
M.stop = vendors.stop

--- Writes the manifest.
function M:write(text, name)
  local file = assert(io.open(self.folder .. "/" .. (name or "luaprov.lua"), "wb"))
  file:write(self.head, text)
  file:close()
end

--- Runs a command in the folder.
---@param words string|string[] the command and its arguments
---@param before string|nil Lua to run first
---@return string out, string err, integer code
function M:run(words, before)
  if type(words) == "string" then words = run.words(words) end
  return run.sh(("cd %s && %s </dev/null"):format(self.folder, run.command(words, self.environment, before)))
end

--- The same, which must end with 0.
function M:done(words)
  local out, err, code = self:run(words)
  assert(code == 0, ("%s: %d\n%s%s"):format(type(words) == "table" and words[1] or words, code, out, err))
  return out, err
end

--- Runs a command at a terminal, where somebody types.
---@return string shown, integer code
function M:at_terminal(words, typed)
  local command = run.quote(run.command(run.words(words), self.environment))
  local out, _, code = run.sh(("cd %s && printf '%%s' %s | env -u LD_PRELOAD script -qec %s /dev/null"):format(
    self.folder, run.quote(typed), command))
  return (out:gsub("\r\n", "\n")), code
end

--- What the vendor has, made since the start: "RESOURCE NAME" -> record.
function M:there()
  local there = {}
  for key, record in pairs(self.vendor:records()) do
    there[key:match("^%S+") .. " " .. tostring(record.name)] = record
  end
  return there
end

--- The names of it.
function M:names()
  local names = {}
  for name in pairs(self:there()) do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- The state, opened beside the commands.
function M:store(options) return assert(stores.open(self.folder .. "/.luaprov/state.db", options)) end

--- Changes a record at the vendor, past luaprov's stack.
function M:change(resource, id, fields)
  return assert(self.vendor:client { settle = false }[resource]:update(id, fields))
end

return M
