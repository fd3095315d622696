--- Which records of a list may be the one that a manifest wants: by the resource's key, as a vendor may spell or cut
--- it.
local compare = require "luaprov.policy.compare"
local find = require "luaprov.stack.fields_of"
local json = require "luaprov.json"

local M = {}

local Index = {}
Index.__index = Index

local NONE = {}

--- Whether a record may have the key of what is wanted.
--- @param description table of a resource
--- @param wanted table fields; of a part of the key that is not among them nothing is known
--- @param record table
--- @param listed boolean|nil a list may show the beginning of a text only
--- @return boolean
function M.fits(description, wanted, record, listed)
  for _, name in ipairs(description.key or NONE) do
    local sent, there = wanted[name], record[name]
    if sent ~= nil then
      local field = find.find(description, { name })
      if not compare.alike(field, sent, there) and not (listed and compare.begins(field, sent, there)) then
        return false
      end
    end
  end
  return true
end

-- Whether a value says which record it is: a choice in a spelling that nobody knows may be any.
local function says(field, value)
  if value == nil or value == json.null then return false end
  if not (field and field.type == "choice") then return true end
  for _, known in ipairs(field.value_list) do
    if compare.text(known) == compare.text(value) then return true end
  end
  return false
end

--- Whether a record shows its key.
function M.shows_key(description, record)
  for _, name in ipairs(description.key or NONE) do
    if not says(find.find(description, { name }), record[name]) then return false end
  end
  return true
end

--- @param description table of a resource with a key
--- @param records table[] of its list
--- @return table index
function M.index(description, records)
  local longest = {}
  for _, record in ipairs(records) do
    for _, name in ipairs(description.key) do
      longest[name] = math.max(longest[name] or 0, (compare.length(record[name])))
    end
  end
  return setmetatable({ description = description, records = records, longest = longest, by = {} }, Index)
end

local function may_be_cut(self, record)
  for _, name in ipairs(self.description.key) do
    local value = record[name]
    if type(value) == "string" and value ~= "" and not (find.find(self.description, { name }) or NONE).parent
      and (#value >= self.longest[name] or value:find("\226\128\166$")) then
      return true
    end
  end
  return false
end

local function folded(names, fields)
  local parts = {}
  for i, name in ipairs(names) do parts[i] = compare.fold(fields[name]) end
  return table.concat(parts, "\0")
end

-- The records by those parts of the key that somebody knows.
local function view(self, names)
  local key = table.concat(names, "\0")
  local made = self.by[key]
  if made then return made end
  made = { exact = {}, others = {} }
  for _, record in ipairs(self.records) do
    local shown = true
    for _, name in ipairs(names) do shown = shown and says(find.find(self.description, { name }), record[name]) end
    if shown then
      local text = folded(names, record)
      made.exact[text] = made.exact[text] or {}
      table.insert(made.exact[text], record)
    end
    if not shown or may_be_cut(self, record) then made.others[#made.others + 1] = record end
  end
  self.by[key] = made
  return made
end

--- @param wanted table fields
--- @return table[] records
function Index:find(wanted)
  local names, found, seen = {}, {}, {}
  for _, name in ipairs(self.description.key) do
    if wanted[name] ~= nil then names[#names + 1] = name end
  end
  local made = view(self, names)
  for _, list in ipairs { made.exact[folded(names, wanted)] or NONE, made.others } do
    for _, record in ipairs(list) do
      if not seen[record] and M.fits(self.description, wanted, record, true) then found[#found + 1] = record end
      seen[record] = true
    end
  end
  return found
end

return M
