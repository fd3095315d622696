--- What a provider is checked with: for each resource a record, those that it belongs to, and a change of it; and the
--- cells, a fault for an operation each.
local errors = require "luaprov.errors"
local operations = require "luaprov.provider.operations"
local rows = require "luaprov.check.rows"
local sample = require "luaprov.check.sample"

local M = {}

local DEPTH = 10 -- of records that belong to others

local function missing(provider, resource, path)
  return errors.new {
    kind = "invalid", outcome = "not_sent", provider = provider.name, resource = resource.name,
    message = "no value is known for " .. path .. ": give the field an example in the provider file",
  }
end

-- Adds a resource's record to the seeds, behind those that it belongs to. Raises what stands in the way.
local function add_seed(provider, resource, seeds, depth)
  if depth > DEPTH then error(missing(provider, resource, "the records that it belongs to"), 0) end
  local fields, path = sample.record(resource.shape)
  if not fields then error(missing(provider, resource, path), 0) end
  local seed = { resource = resource.name, fields = fields, within = {} }
  for _, field in ipairs(resource.shape.fields) do
    if field.parent and (field.path or field.required) then
      seed.within[field.name] = add_seed(provider, provider.resource[field.parent], seeds, depth + 1)
    elseif field.path then
      fields[field.name] = sample.value(field, 1)
      if fields[field.name] == nil then error(missing(provider, resource, field.name), 0) end
    end
  end
  seeds[#seeds + 1] = seed
  return #seeds
end

--- A resource's plan.
--- @param provider table description
--- @param resource table description
--- @return table|nil plan resource, seeds (the record itself is the last), change (name, value; or nil)
--- @return luaprov.Error|nil err
function M.of(provider, resource)
  local seeds = {}
  local ok, err = pcall(add_seed, provider, resource, seeds, 1)
  if not ok then
    if errors.is(err) then return nil, err end
    error(err, 0)
  end
  local plan = { resource = resource, seeds = seeds }
  local name, value = sample.change(resource.shape, seeds[#seeds].fields)
  if name then plan.change = { name = name, value = value } end
  return plan
end

-- A description that differs in nothing but how long a vendor takes to list what it made: the sandbox takes no time.
local SETTLES_IN = 0.3

local function hurried(provider)
  local copy = {}
  for key, value in pairs(provider) do copy[key] = value end
  copy.resources, copy.resource = {}, {}
  for i, resource in ipairs(provider.resources) do
    local own = {}
    for key, value in pairs(resource) do own[key] = value end
    own.settles_in = math.min(own.settles_in, SETTLES_IN)
    copy.resources[i], copy.resource[own.name] = own, own
  end
  return copy
end

-- The operation itself, where a setting chooses between several ways of it: the one that it has by default.
local function resolved(provider, operation)
  if not operation or not operation.setting then return operation end
  for _, field in ipairs(provider.settings) do
    if field.name == operation.setting then
      local value = field.default
      if value == nil then value = field.example end
      return operation.cases[value ~= nil and tostring(value) or tostring((field.value_list or {})[1])]
    end
  end
end

--- Every cell of a provider.
--- @param provider table description
--- @param only table[]|nil rows; nil: all
--- @return table[]|nil cells provider, plan, resource, operation, row, strikes, settle
--- @return luaprov.Error|nil err
function M.cells(provider, only)
  provider = hurried(provider)
  local cells = {}
  for _, resource in ipairs(provider.resources) do
    local plan, err = M.of(provider, resource)
    if not plan then return nil, err end
    for _, row in ipairs(only or rows) do
      for _, name in ipairs(operations) do
        local operation = resolved(provider, resource.operations[name])
        local can = operation and (name ~= "update" or plan.change)
        local settles = name == "create" and resource.key and resource.operations.list
        for _, settle in ipairs(not can and {} or settles and { false, true } or { false }) do
          for _, strikes in ipairs { "once", "always" } do
            cells[#cells + 1] = { provider = provider, plan = plan, resource = resource, operation = operation,
                                  name = name, row = row, strikes = strikes, settle = settle }
          end
        end
      end
    end
  end
  return cells
end

return M
