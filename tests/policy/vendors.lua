-- A vendor in a process of its own: a sandbox, whose file of records says what became of every record, whoever asks.
local json = require "luaprov.json"
local luaprov = require "luaprov"
local process = require "tests.sandbox.process"
local support = require "tests.support"

local M = {}
M.__index = M

local running = {}

local function spelled(value)
  if type(value) == "string" then return ("%q"):format(value) end
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for key, inner in pairs(value) do parts[#parts + 1] = ("[%s] = %s"):format(spelled(key), spelled(inner)) end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

--- Starts one.
---@param text string|nil of its provider file; nil: one of ours, by its name
---@param faults table[] as in `sandbox/faults`; { fault = "drop" } strikes calls of everything that is created
---@param name string|nil acme by default
function M.start(text, faults, name)
  name = name or "acme"
  for _, fault in ipairs(faults) do fault.on = fault.on or name .. " * create" end
  local fault_file, folder = support.file("faults.lua", "return " .. spelled(faults))
  local self = setmetatable({ name = name, data = folder .. "/records" }, M)
  self.file = text and support.file(name .. ".lua", text) or name
  self.process = process.start(("%s --no-limits --faults %s --data %s"):format(self.file, fault_file, self.data))
  running[#running + 1] = self.process
  self.before = self:records()
  self.foreign = json.encode(self:kept())
  return self
end

--- Ends every one.
function M.stop()
  for _, each in ipairs(running) do each:stop() end
  running = {}
  support.clean()
end

--- A client of it that settles, and gives up soon.
---@param more table|nil options; host: another name of this machine, and so another account
function M:client(more)
  local options = { timeout = 0.3, settle = true }
  local prefix = "LUAPROV_" .. self.name:upper() .. "_"
  for variable, value in pairs(self.process.exports) do
    local text = value:gsub("^'(.*)'$", "%1")
    options[variable:sub(#prefix + 1):lower()] = text ~= "false" and text
  end
  for option, value in pairs(more or {}) do options[option] = value end
  if options.host then options.base_url, options.host = options.base_url:gsub("127%.0%.0%.1", options.host), nil end
  return assert(luaprov.client(self.file, options))
end

-- Where records of two parents have one id, that of the second says whose it is, too.
local function name_of(event, parents)
  local id, own = event.resource .. " " .. tostring(event.id), event.parents and json.encode(event.parents)
  if own and parents[id] and parents[id] ~= own then id = id .. "\0" .. own end
  parents[id] = parents[id] or own
  return id
end

--- What the vendor has: "RESOURCE ID" -> record.
---@return table records
---@return integer made how many were ever put there
function M:records()
  local records, made, first, parents = {}, 0, true, {}
  for line in support.read(self.data):gmatch("[^\n]+") do
    line = line:gsub("^ +", "")
    assert(not line:find("^[-+=]"), "the records are too large for this test")
    local event = line ~= "" and json.decode(line)
    if event and not first and event.id ~= nil then
      local id = name_of(event, parents)
      if event.put and not records[id] then made = made + 1 end
      records[id] = event.put
    end
    first = false
  end
  return records, made
end

--- Those that were there from the start, as they are now.
function M:kept()
  local kept = {}
  for id, record in pairs(self:records()) do
    if self.before[id] then kept[id] = record end
  end
  return kept
end

--- The ids of those that were made since, in order; none was taken away again, and nothing of what
--- was there from the start is another.
function M:new()
  local records, made = self:records()
  local ids, count = {}, 0
  for id in pairs(records) do
    count = count + 1
    if not self.before[id] then ids[#ids + 1] = id:match(" (.*)$") end
  end
  assert(count == made, "a record was taken away")
  assert(json.encode(self:kept()) == self.foreign, "a record of somebody else's was changed")
  table.sort(ids)
  return ids
end

--- Fails unless what a create reported is what the vendor has: done, the one new record with that id; not done, none;
--- unknown, it said so.
---@param wanted string "done", "not done" or "unknown"
---@param count integer how many new records the vendor has
---@return luaprov.Error|nil err
function M:is(wanted, count, record, err)
  local ids = self:new()
  local reported = record and "done" or err.outcome == "unknown" and "unknown" or "not done"
  assert(reported == wanted, ("it reported %s and not %s: %s"):format(reported, wanted, tostring(err)))
  assert(#ids == count, ("the vendor has %d new records and not %d: %s"):format(#ids, count, tostring(err)))
  if record then
    assert(#ids == 1 and tostring(record.id) == ids[1], "what it reported is not the new record")
    assert(not err, tostring(err))
  elseif reported == "not done" then
    assert(#ids == 0, "it was done")
  else
    assert(err.candidates and err.message:find("; look "), tostring(err))
  end
  return err
end

return M
