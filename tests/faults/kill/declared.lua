-- What a test declares, as the text of a manifest and as what the vendor should have then.
local json = require "luaprov.json"

local M = {}

local secret_mt, id_mt = {}, {}

function M.secret(text) return setmetatable({ text = text }, secret_mt) end

--- The id of another record.
function M.id(address) return setmetatable({ address = address }, id_mt) end

local function parts(address) return address:match("^([^.]+)%.([^.]+)%.(.+)$") end

local function literal(value)
  local mt = getmetatable(value)
  if mt == secret_mt then return ("secret %q"):format(value.text) end
  if mt == id_mt then
    local alias, resource, name = parts(value.address)
    return ("%s.%s[%q].id"):format(alias, resource, name)
  end
  if type(value) ~= "table" then return type(value) == "string" and ("%q"):format(value) or tostring(value) end
  local out = {}
  for key, inner in pairs(value) do out[#out + 1] = ("[%s] = %s"):format(literal(key), literal(inner)) end
  table.sort(out)
  return "{ " .. table.concat(out, ", ") .. " }"
end

--- @param list table[] of { address, fields }
--- @param accounts table[] of { name for use, alias, options }
--- @return string
function M.manifest(list, accounts)
  local lines = {}
  for _, account in ipairs(accounts) do
    lines[#lines + 1] = ("local %s = use(%q, %s)"):format(account[2], account[1], literal(account[3]))
  end
  for _, item in ipairs(list) do
    local alias, resource, name = parts(item[1])
    lines[#lines + 1] = ("%s.%s(%q, %s)"):format(alias, resource, name, literal(item[2]))
  end
  return table.concat(lines, "\n") .. "\n"
end

-- Whether what the vendor has is what was declared.
local function has(there, wanted, ids)
  local mt = getmetatable(wanted)
  if mt == secret_mt then return there == wanted.text end
  if mt == id_mt then return ids[wanted.address] ~= nil and tostring(there) == tostring(ids[wanted.address]) end
  if type(wanted) ~= "table" then return tostring(there) == tostring(wanted) end
  if type(there) ~= "table" then return false end
  for key, inner in pairs(wanted) do
    if not has(there[key], inner, ids) then return false end
  end
  return true
end

--- Compares what vendors have with what was declared.
--- @param list table[] those that are named by others first
--- @param resources table[] of { provider, resource }: all that there may be
--- @param records function provider, resource -> records
--- @param id_field function provider, resource -> name
--- @param foreign table "provider resource id" -> the record as it was, as text
--- @return table found lost, doubled, stolen (lists of texts), ids (address -> id)
function M.compare(list, resources, records, id_field, foreign)
  local found, own = { lost = {}, doubled = {}, stolen = {}, ids = {} }, {}
  for _, names in ipairs(resources) do
    local key, there = names[1] .. " " .. names[2], {}
    own[key] = {}
    for _, record in ipairs(records(names[1], names[2])) do
      local name = key .. " " .. tostring(record[id_field(names[1], names[2])])
      there[name] = json.encode(record)
      if not foreign[name] then table.insert(own[key], record) end
    end
    for name, text in pairs(foreign) do
      if name:sub(1, #key + 1) == key .. " " and there[name] ~= text then table.insert(found.stolen, name) end
    end
  end
  for _, item in ipairs(list) do
    local provider, resource = parts(item[1])
    local first
    for _, record in ipairs(own[provider .. " " .. resource]) do
      if not record.ours and has(record, item[2], found.ids) then
        if first then table.insert(found.doubled, item[1]) end
        first, record.ours = first or record, true
      end
    end
    if not first then table.insert(found.lost, item[1])
    else found.ids[item[1]] = first[id_field(provider, resource)] end
  end
  for key, list_of in pairs(own) do
    for _, record in ipairs(list_of) do
      if not record.ours then table.insert(found.doubled, key .. ": " .. json.encode(record)) end
    end
  end
  return found
end

return M
