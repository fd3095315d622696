-- What one kill is played on: sandboxes of its own in this process, which outlives it, and a folder with the manifest
-- and the state.
local cells = require "tests.faults.kill.cells"
local declared = require "tests.faults.kill.declared"
local json = require "luaprov.json"
local luaprov = require "luaprov"
local processes = require "tests.faults.kill.processes"
local sqlite = require "luaprov.sqlite"

local M = {}

local Stage = {}
Stage.__index = Stage

local build = os.getenv "LUAPROV_BUILD" or "build"
if build:sub(1, 1) ~= "/" then build = processes.text "pwd":gsub("\n", "") .. "/" .. build end
local TIMEOUT, LEASE = 3, 4 -- seconds

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

local function id_field(provider, resource)
  return ({ ["hubster hubs"] = "hubId", ["hubster integrations"] = "integrationId",
            ["onebox connections"] = "Id" })[provider .. " " .. resource] or "id"
end

local function has(list, wanted)
  for _, name in ipairs(list) do
    if name == wanted then return true end
  end
end

--- @param cell table of cells.lua
--- @param folder string an empty one
function M.new(cell, folder)
  local self = setmetatable({ cell = cell, folder = folder, foreign = {}, accounts = {} }, Stage)
  write(folder .. "/blind.lua", cells.BLIND)
  self.resources = cell.blind and { { "blind", "phones" } } or cells.RESOURCES
  local served = { limits = false }
  for _, names in ipairs(self.resources) do
    local file = names[1] == "blind" and folder .. "/blind.lua" or names[1]
    if not has(served, file) then
      served[#served + 1] = file
      self.accounts[#self.accounts + 1] = { names[1] == "blind" and "./blind.lua" or names[1], names[1] }
    end
  end
  self.box = assert(luaprov.sandbox.start(served))
  for _, account in ipairs(self.accounts) do
    local options = self.box:options(account[2])
    account[3] = { timeout = TIMEOUT, limits = false, base_url = options.base_url,
                   token = declared.secret(options.token), region = options.region }
  end
  for _, fault in ipairs(cell.foreign and cells.FOREIGN or {}) do self.box:fault(fault) end
  for _, names in ipairs(self.resources) do
    for _, record in ipairs(self.box:records(names[1], names[2])) do
      self.foreign[names[1] .. " " .. names[2] .. " " .. tostring(record[id_field(names[1], names[2])])] =
        json.encode(record)
    end
  end
  return self
end

--- Runs a command of luaprov.
function Stage:luaprov(arguments) return processes.run(self.folder, build .. "/bin/luaprov " .. arguments) end

--- Has a manifest declare something.
function Stage:declare(list) write(self.folder .. "/luaprov.lua", declared.manifest(list, self.accounts)) end

--- What is there before the run that is killed, and what the vendors do from now on.
function Stage:prepare()
  if self.cell.before then
    self:declare(self.cell.before)
    local status, output = self:luaprov "apply --yes"
    assert(status == 0, output)
  end
  self:declare(self.cell.declared)
  for _, fault in ipairs(self.cell.faults or {}) do self.box:fault(fault) end
end

--- Runs apply under strace.
--- @param options string of strace
--- @return string path of what it wrote
function Stage:trace(options)
  local path = self.folder .. "/trace"
  os.remove(path)
  local status, output = processes.run(self.folder, ("strace -f -qq -ttt -s 4000 -o trace %s "
    .. "%s/bin/luaprov apply --yes --allow-delete 100 --lease %d --parallel %d"):format(options, build, LEASE,
    self.cell.parallel))
  return path, status, output
end

--- The intents of the state as a file has them now; the state itself is not touched.
function Stage:intents()
  os.execute(("cd '%s' && rm -rf copy && mkdir copy && cp .luaprov/state.db* copy/ 2>/dev/null"):format(self.folder))
  local db = sqlite.open(self.folder .. "/copy/state.db", false, 1)
  if not db then return {} end
  local rows = db:query "SELECT * FROM luaprov_intents ORDER BY fence, number"
  db:close()
  return rows or {}
end

--- The records of the state: address -> row.
function Stage:rows()
  local db = assert(sqlite.open(self.folder .. "/.luaprov/state.db", false, 5))
  local rows = {}
  for _, row in ipairs(assert(db:query "SELECT * FROM luaprov_records")) do
    row.id = json.decode(row.id)
    rows[row.address] = row
  end
  db:close()
  return rows
end

--- What the vendors have, beside what is declared.
function Stage:compare(list)
  return declared.compare(list, self.resources, function(...) return self.box:records(...) end, id_field, self.foreign)
end

--- The id of the one record that has a declaration's fields.
function Stage:id_of(address)
  for _, item in ipairs(self.cell.declared) do
    if item[1] == address then return self:compare({ item }).ids[address] end
  end
end

function Stage:close()
  self.box:stop()
  os.execute("rm -rf '" .. self.folder .. "'")
end

return M
