--- The classes of a table: one for each variant where it is created, and one for all of them where it is read.
local page = require "luaprov.cli.types.page"
local values = require "luaprov.cli.types.values"

local M = {}

local function sorted_keys(map)
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

local function sign(by) return table.concat(by.selectors, " ") end

-- The first `by` at or below a table that the table's own fields decide, and the keys of all that they decide alike.
local function own_variants(shape)
  local first, keys = nil, {}
  local function look(inner)
    for _, by in ipairs(inner.by) do
      local own = #by.selectors > 0
      for _, selector in ipairs(by.selectors) do
        own = own and shape.by_name[selector] ~= nil and (inner == shape or not inner.by_name[selector])
      end
      if own and (not first or sign(first) == sign(by)) then
        first = first or by
        for key in pairs(by.cases) do keys[key] = true end
      end
    end
    for _, field in ipairs(inner.fields) do
      if field.shape then look(field.shape) end
    end
  end
  look(shape)
  return first, sorted_keys(keys)
end

-- The values of the selectors that a variant's key stands for.
local function selected(shape, by, key)
  local found, parts = {}, { key }
  if #by.selectors > 1 then
    parts = {}
    for part in key:gmatch("%S+") do parts[#parts + 1] = part end
  end
  for i, selector in ipairs(by.selectors) do
    found[selector] = values.chosen(shape.by_name[selector], parts[i] or "")
  end
  return found
end

local function with(map, key, value)
  local copy = { [key] = value }
  for other, there in pairs(map) do
    if other ~= key then copy[other] = there end
  end
  return copy
end

-- The fields of a table with those of the chosen variant; without a choice with those of all, which are then optional.
local function gather(shape, chosen, list, by_name, in_some)
  local open = shape.unknown == "pass"
  for _, field in ipairs(shape.fields) do
    local entry = by_name[field.name]
    if not entry then
      entry = { name = field.name, fields = {}, in_some = in_some }
      by_name[field.name] = entry
      list[#list + 1] = entry
    end
    entry.fields[#entry.fields + 1] = field
  end
  for _, by in ipairs(shape.by) do
    local key = chosen[sign(by)]
    if key then
      if by.cases[key] then open = gather(by.cases[key], chosen, list, by_name, in_some) or open end
    else
      for _, other in ipairs(sorted_keys(by.cases)) do
        open = gather(by.cases[other], chosen, list, by_name, true) or open
      end
    end
  end
  return open
end

local function takes(field, mode)
  if mode == "record" then return true end
  if field.computed then return false end
  return mode == "create" or field.path or not field.fixed
end

local add_class, add_table

-- How a field's value is written. `whole`: what it holds must be whole, even in an update. `label`: the name of a list
-- for what is in it, which has none.
local function type_of(to, field, name, mode, chosen, whole, label)
  label = field.name or label
  if field.type == "list" then
    if not field.of then return "any[]" end
    local element = type_of(to, field.of, name, mode, chosen, true, label)
    return (element:find("|", 1, true) and "(" .. element .. ")" or element) .. "[]"
  end
  if not field.shape then return values.type(field, mode) end
  return add_table(to, field.shape, to:name(name, label), mode, chosen, whole or field.shape.whole)
end

-- An update of a whole table whose variant has parts that cannot change can never be made.
local function can_be_whole(shape, chosen)
  local list = {}
  gather(shape, chosen, list, {}, false)
  for _, entry in ipairs(list) do
    if entry.fields[1].required and entry.fields[1].fixed then return false end
  end
  return true
end

local function merged(to, entry, name, mode, chosen, whole)
  local types, required, field = {}, not entry.in_some, nil
  for _, candidate in ipairs(entry.fields) do
    if takes(candidate, mode) then
      field = field or candidate
      types[#types + 1] = type_of(to, candidate, name, mode, chosen, whole)
      -- An update may empty what may be absent.
      local nullable = mode == "update" and not whole and not candidate.required and not candidate.path
      if nullable then types[#types + 1] = "luaprov.Null" end
    end
    required = required and candidate.required and (mode == "record" or candidate.default == nil)
  end
  local all_of_it = mode ~= "update" or whole
  return field, values.union(types), required and all_of_it
end

-- What all variants say of a field.
local function comment_of(entry, mode)
  local comment
  for _, field in ipairs(entry.fields) do
    local other = takes(field, mode) and values.comment(field, mode)
    if other and comment and other ~= comment then return nil end
    comment = comment or other
  end
  return comment or nil
end

-- One class. `literals`: the selectors' values.
function add_class(to, shape, name, mode, chosen, options)
  local block = to:class(name, options.comment, options.parent)
  for _, extra in ipairs(options.extra or {}) do page.field(block, extra[1], extra[2], extra[3], extra[4]) end
  local list, by_name = {}, {}
  for _, extra in ipairs(options.extra or {}) do by_name[extra[1]] = { fields = {} } end
  local open = gather(shape, chosen, list, by_name, false)
  for _, entry in ipairs(list) do
    local literal = options.literals and options.literals[entry.name]
    local field, kind, required = merged(to, entry, name, mode, chosen, options.whole)
    if field and literal then
      page.field(block, entry.name, literal, field.default ~= nil, field.about)
    elseif field then
      page.field(block, entry.name, kind, not required, comment_of(entry, mode))
    end
  end
  if open then page.others(block) end
  return name
end

local function label_of(shape, by, key)
  local field = #by.selectors == 1 and shape.by_name[by.selectors[1]]
  for _, value in ipairs(field and field.value_list or {}) do
    local label = field.values[value]
    if tostring(value) == key and type(label) == "string" then return label end
  end
end

--- Adds the classes of a table.
--- @param to luaprov.Page
--- @param shape table
--- @param name string of its class, or of the union of its variants
--- @param mode string "create", "update" or "record"
--- @param chosen table<string, string> names of selectors -> the variant's key, as far as it is known
--- @param whole boolean|nil an update must give all of it
--- @param options table|nil comment, parent, extra fields ({ name, type, optional, comment } each)
--- @return string type
function add_table(to, shape, name, mode, chosen, whole, options)
  options = options or {}
  local own, keys = own_variants(shape)
  local variants, literals = {}, nil
  if own and (mode == "create" or whole) and mode ~= "record" then
    literals = true
  elseif whole and mode == "update" and shape.by[1] and not chosen[sign(shape.by[1])] then
    -- Chosen by what the record has already.
    own, keys = shape.by[1], sorted_keys(shape.by[1].cases)
  else
    own = nil
  end
  if own and chosen[sign(own)] then own = nil end
  for _, key in ipairs(own and keys or {}) do
    local with_key = with(chosen, sign(own), key)
    if mode == "create" or can_be_whole(shape, with_key) then
      variants[#variants + 1] = add_class(to, shape, to:name(name, key), mode, with_key, {
        comment = literals and label_of(shape, own, key), extra = options.extra, parent = options.parent, whole = whole,
        literals = literals and selected(shape, own, key),
      })
    end
  end
  if #variants > 0 then return values.union(variants) end
  return add_class(to, shape, name, mode, chosen, {
    comment = options.comment, extra = options.extra, parent = options.parent, whole = whole,
  })
end

M.add = add_table

return M
