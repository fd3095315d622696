-- What one kill is played on: sandboxes of its own in this process, which outlives it, and a folder with the manifest
-- and the state.
local cells = require "tests.faults.kill.cells"
local declared = require "tests.faults.kill.declared"
local json = require "luaprov.json"
local luaprov = require "luaprov"
local postgres = require "luaprov.postgres"
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
--- @param server table|nil of PostgreSQL, for the state
function M.new(cell, folder, server)
  local self = setmetatable({ cell = cell, folder = folder, foreign = {}, accounts = {} }, Stage)
  self.state = cell.postgres and server:fresh() or nil
  self.resources = cell.resources or cells.RESOURCES
  local served = { limits = false }
  for _, names in ipairs(self.resources) do
    local own = cells.PROVIDERS[names[1]]
    local file = own and ("%s/%s.lua"):format(folder, names[1]) or names[1]
    if not has(served, file) then
      if own then write(file, own) end
      served[#served + 1] = file
      self.accounts[names[1]] = true
      self.accounts[#self.accounts + 1] = { own and ("./%s.lua"):format(names[1]) or names[1], names[1] }
    end
  end
  self.box = assert(luaprov.sandbox.start(served))
  for _, account in ipairs(self.accounts) do
    local options = self.box:options(account[2])
    account[3] = { timeout = TIMEOUT, limits = false, base_url = options.base_url,
                   token = declared.secret(options.token), region = options.region }
  end
  for _, fault in ipairs(cells.FOREIGN) do
    if self.accounts[fault.on:match "^%S+"] then self.box:fault(fault) end
  end
  for _, names in ipairs(self.resources) do
    for _, record in ipairs(self.box:records(names[1], names[2])) do
      self.foreign[names[1] .. " " .. names[2] .. " " .. tostring(record[id_field(names[1], names[2])])] =
        json.encode(record)
    end
  end
  assert(next(self.foreign), "nobody else has a record there")
  return self
end

--- Runs a command of luaprov.
function Stage:luaprov(arguments)
  return processes.run(self.folder, ("%s%s/bin/luaprov %s"):format(self:environment(), build, arguments))
end

function Stage:environment() return self.state and ("env LUAPROV_STATE='%s' "):format(self.state) or "" end

--- Has a manifest declare something.
function Stage:declare(list) write(self.folder .. "/luaprov.lua", declared.manifest(list, self.accounts)) end

--- What is there before the run that is killed, and what the vendors do from now on.
function Stage:prepare()
  if self.cell.before then
    self:declare(self.cell.before)
    local status, output = self:luaprov "apply --yes"
    assert(status == 0, output)
    self.ids = self:compare(self.cell.before).ids
    if self.cell.takes then os.execute("rm -rf '" .. self.folder .. "/.luaprov'") end
  end
  self:declare(self.cell.declared)
  self.faults = {}
  for i, fault in ipairs(self.cell.faults or {}) do self.faults[i] = self.box:fault(fault) end
end

--- How often the vendors were unkind: fault -> number.
function Stage:struck()
  local struck = {}
  for _, fault in ipairs(self.faults or {}) do struck[fault.fault] = (struck[fault.fault] or 0) + fault.struck end
  return struck
end

--- The command that is killed, and run again until all is done.
--- @return string|nil words nil: there is nothing to do any more
function Stage:words()
  if self.cell.words then return self.cell.words(self) end
  return "apply --yes --allow-delete 100 --parallel " .. self.cell.parallel
end

--- Runs it under strace.
--- @param options string of strace
--- @return string path of what it wrote
function Stage:trace(options)
  local path = self.folder .. "/trace"
  os.remove(path)
  local status, output = processes.run(self.folder, ("%sstrace -f -qq -ttt -s 4000 -o trace %s "
    .. "%s/bin/luaprov %s --lease %d"):format(self:environment(), options, build, self:words(), LEASE))
  return path, status, output
end

-- What the state says, and is not touched by it.
local function query(self, sql)
  local db
  if self.state then
    db = assert(postgres.open(self.state))
  else
    os.execute(("cd '%s' && rm -rf copy && mkdir copy && cp .luaprov/state.db* copy/ 2>/dev/null"):format(self.folder))
    db = sqlite.open(self.folder .. "/copy/state.db", false, 1)
  end
  local rows = db and db:query(sql)
  if db then db:close() end
  return rows or {}
end

--- The intents of the state; none where there is no state yet.
function Stage:intents() return query(self, "SELECT * FROM luaprov_intents ORDER BY fence, number") end

--- Waits until the lease of a run that was killed is over: the next does not look how long it lasts.
function Stage:outlive()
  local row = query(self, "SELECT ends FROM luaprov_lease")[1]
  while row and os.time() <= tonumber(row.ends) / 1000 do luaprov.sleep(0.2) end
end

--- The records of the state: address -> row.
function Stage:rows()
  local rows = {}
  for _, row in ipairs(query(self, "SELECT * FROM luaprov_records")) do
    row.id = json.decode(row.id)
    rows[row.address] = row
  end
  return rows
end

--- What the vendors have, beside what is declared.
function Stage:compare(list)
  return declared.compare(list, self.resources, function(...) return self.box:records(...) end, id_field, self.foreign)
end

--- The id of the one record that has a declaration's fields.
function Stage:id_of(address)
  for _, item in ipairs(self.cell.after or self.cell.declared) do
    if item[1] == address then return self:compare({ item }).ids[address] end
  end
end

function Stage:close()
  self.box:stop()
  os.execute("rm -rf '" .. self.folder .. "'")
end

return M
