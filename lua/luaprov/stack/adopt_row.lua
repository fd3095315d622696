--- Rows of records that are taken over.
local collections = require "luaprov.stack.collection"
local equal = require "luaprov.stack.equal"
local find = require "luaprov.stack.fields_of"
local hash = require "luaprov.stack.hash"
local hidden = require "luaprov.stack.hidden"
local keys = require "luaprov.stack.key"
local policy = require "luaprov.policy.compare"
local reference = require "luaprov.stack.reference"
local remember = require "luaprov.stack.remember"
local row_of = require "luaprov.stack.row"
local rows_of = require "luaprov.stack.rows"
local secret = require "luaprov.secret"
local tables = require "luaprov.tables"

local M = {}

local NONE = {}

--- What the state knows of records, for references.
--- @param rows table[]|nil
--- @return function lookup address, path -> value or nil
function M.lookup(rows)
  local by_address = {}
  for _, row in ipairs(rows or NONE) do by_address[row.address] = row end
  return function(address, path) return rows_of.at(by_address[address], path) end
end

--- A record's wanted fields, with what the state knows filled in.
--- @return table fields
function M.filled(node, lookup)
  if not node.deferred then return node.fields end
  return (reference.fill(node.fields, lookup))
end

-- Without what is still deferred: a list without one of its items would be another list. That something is secret is
-- known before what it is.
local function known(value)
  if type(value) ~= "table" then return value end
  if reference.is(value) then return reference.is_secret(value) and value or nil end
  local deferred = false
  reference.each(value, function() deferred = true end)
  if not deferred then return value end
  local copy = {}
  for key, inner in pairs(value) do
    if type(key) == "number" then return nil end
    copy[key] = known(inner)
  end
  return copy
end

local function value_at(description, record, path) return reference.at(record, find.keys(description, path)) end

local function can_send(description, path)
  local field = find.find(description, find.keys(description, path))
  return description.operations.update and not (field and (field.fixed or field.path))
end

-- Whether the vendor may have what is declared: it shows nothing of it, or a mask that fits.
local function may_be(wanted, there)
  if type(wanted) == "string" then wanted = secret.new(wanted) end
  return equal.is_nothing(there) or policy.equal(wanted, there)
end

-- Nobody knows whether the vendor has what is declared; of what is secret it is kept that it is.
local function not_sent(entry)
  return entry.secret and { secret = true, shown = entry.shown } or nil
end

-- Declared fields of which nobody can tell whether the vendor has them: paths. Nothing is kept of what is declared
-- where the vendor shows another secret, or no value of a plain field, which mostly has none then: a plan sends that.
local function trusted_in(description, fields, record, secrets)
  local list = {}
  for _, path in ipairs(tables.keys(secrets)) do
    local entry, there = secrets[path], value_at(description, record, path)
    local shown = not equal.is_nothing(there) and hidden.text(there)
    local wanted = value_at(description, fields, path)
    if not reference.is(wanted) and not (shown and entry.sent and hash.matches(entry.sent, shown)) then
      local keeps = not entry.secret and not can_send(description, path)
        or entry.secret and may_be(wanted, there)
      if keeps then list[#list + 1] = path else secrets[path] = not_sent(entry) end
    end
  end
  return list
end

local function is_there(value)
  if equal.is_nothing(value) then return false end
  local text = hidden.text(value)
  return text ~= nil and not hidden.is_mask(text)
end

--- The state's row of a record that is taken over: ready for store:commit { { record = row } }.
--- @param node table the manifest's record
--- @param record table as the client returned it
--- @param about table|nil base_url, account; parents (those in the path; nil: the record's own); rows (the state's,
---   for what references stand for), or fields (with that filled in); resend (true: secrets that the vendor does not
---   show are not taken as declared, and the next plan sends them, where they can be changed)
--- @return table row
--- @return string[] lacking paths of outputs whose value the vendor does not show any more
--- @return string[] trusted paths of declared fields of which nobody can tell whether the vendor has what they say
function M.row(node, record, about)
  about = about or NONE
  local description, lacking = node.description, {}
  local fields = known(about.fields or M.filled(node, M.lookup(about.rows)))
  local shown, secrets = remember.of(description, fields, record)
  local trusted = trusted_in(description, fields, record, secrets)
  for _, path in ipairs(about.resend and trusted or NONE) do
    -- What is fixed could only be made anew.
    if can_send(description, path) then secrets[path] = not_sent(secrets[path]) end
  end
  for _, output in ipairs(node.outputs or NONE) do
    if not is_there(reference.at(record, output.keys)) then lacking[#lacking + 1] = output.path end
  end
  return row_of.new(node, record, about, {
    fields = shown, secrets = secrets, key = keys.of(description, record) or keys.of(description, fields),
    parents = about.parents or collections.parents(description, record, fields),
  }), lacking, trusted
end

return M
