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

local ELLIPSIS = "\226\128\166$"

-- Whether a list may show the beginning of a field only: it is as long as any, or says so.
local function may_be_cut(self, name, value)
  if type(value) ~= "string" or value == "" then return false end
  local field = find.find(self.description, { name })
  if field and (field.parent or field.type == "choice") then return false end
  return #value >= self.longest[name] or value:find(ELLIPSIS) ~= nil
end

-- The key as one text; `cut` is the name of a field in whose place `text` stands.
local function folded(names, fields, cut, text)
  local parts = {}
  for i, name in ipairs(names) do parts[i] = name == cut and text or compare.fold(fields[name]) end
  return table.concat(parts, "\0")
end

local function put(map, key, record)
  local list = map[key]
  if list then list[#list + 1] = record else map[key] = { record } end
end

-- The records by those parts of the key that somebody knows: exact; cut (name of the field -> what is shown of it, by
-- key, and how long that is); others, which do not show them.
local function view(self, names)
  local key = table.concat(names, "\0")
  local made = self.by[key]
  if made then return made end
  made = { exact = {}, cut = {}, others = {} }
  for _, name in ipairs(names) do made.cut[name] = { by = {}, lengths = {} } end
  for _, record in ipairs(self.records) do
    local shown = true
    for _, name in ipairs(names) do shown = shown and says(find.find(self.description, { name }), record[name]) end
    if shown then put(made.exact, folded(names, record), record) else made.others[#made.others + 1] = record end
    for _, name in ipairs(shown and names or NONE) do
      if may_be_cut(self, name, record[name]) then
        local text, cut = compare.fold((record[name]:gsub(ELLIPSIS, ""))), made.cut[name]
        put(cut.by, folded(names, record, name, text), record)
        cut.lengths[#text] = true
      end
    end
  end
  self.by[key] = made
  return made
end

-- Lists of records that may fit; all linear in what fits, however many there are.
local function lists(made, names, wanted)
  local found = { made.exact[folded(names, wanted)] or NONE, made.others }
  for _, name in ipairs(names) do
    local text, cut = compare.fold(wanted[name]), made.cut[name]
    for length in pairs(cut.lengths) do
      local there = length < #text and cut.by[folded(names, wanted, name, text:sub(1, length))]
      if there then found[#found + 1] = there end
    end
  end
  return found
end

--- @param wanted table fields
--- @return table[] records
function Index:find(wanted)
  local names, found, seen = {}, {}, {}
  for _, name in ipairs(self.description.key) do
    if wanted[name] ~= nil then names[#names + 1] = name end
  end
  for _, list in ipairs(lists(view(self, names), names, wanted)) do
    for _, record in ipairs(list) do
      if not seen[record] and M.fits(self.description, wanted, record, true) then found[#found + 1] = record end
      seen[record] = true
    end
  end
  return found
end

return M
