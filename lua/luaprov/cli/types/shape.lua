--- The classes of a table: one for each variant where it is created, and one for all of them where it is read.
local notes = require "luaprov.cli.notes"
local page = require "luaprov.cli.types.page"
local shapes = require "luaprov.provider.shape"
local values = require "luaprov.cli.types.values"

local M = {}

local function sign(by) return table.concat(by.selectors, " ") end

-- The first `by` at or below a table that the table's own fields decide, and the variants, by key, of all that they
-- decide alike.
local function own_variants(shape)
  local first, variants, seen = nil, {}, {}
  local function look(inner)
    for _, by in ipairs(inner.by) do
      local own = #by.selectors > 0
      for _, selector in ipairs(by.selectors) do
        own = own and shape.by_name[selector] ~= nil and (inner == shape or not inner.by_name[selector])
      end
      if own and (not first or sign(first) == sign(by)) then
        first = first or by
        for _, case in ipairs(shapes.cases(by)) do
          if not seen[case.key] then variants[#variants + 1] = case end
          seen[case.key] = true
        end
      end
    end
    for _, field in ipairs(inner.fields) do
      if field.shape then look(field.shape) end
    end
  end
  look(shape)
  table.sort(variants, function(a, b) return a.key < b.key end)
  return first, variants
end

-- The values of the selectors of a variant, as types.
local function selected(shape, by, variant)
  local found = {}
  for i, selector in ipairs(by.selectors) do
    found[selector] = values.chosen(shape.by_name[selector], variant.values[i])
  end
  return found
end

-- What is chosen, with a variant's values.
local function with(chosen, by, variant)
  local copy = {}
  for name, value in pairs(chosen) do copy[name] = value end
  for i, selector in ipairs(by.selectors) do copy[selector] = variant.values[i] end
  return copy
end

local function case_of(by, chosen)
  return shapes.case(by, function(name) return chosen[name] end)
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
    local case, complete = case_of(by, chosen)
    if case then open = gather(case, chosen, list, by_name, in_some) or open end
    for _, other in ipairs(complete and {} or shapes.cases(by)) do
      open = gather(other.shape, chosen, list, by_name, true) or open
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

local function label_of(shape, by, variant)
  local field = #by.selectors == 1 and shape.by_name[by.selectors[1]]
  for _, value in ipairs(field and field.value_list or {}) do
    if tostring(value) == variant.key then return notes.label(field, value) end
  end
end

--- Adds the classes of a table.
--- @param to luaprov.Page
--- @param shape table
--- @param name string of its class, or of the union of its variants
--- @param mode string "create", "update" or "record"
--- @param chosen table<string, string> names of selectors -> their values, as far as they are known
--- @param whole boolean|nil an update must give all of it
--- @param options table|nil comment, parent, extra fields ({ name, type, optional, comment } each)
--- @return string type
function add_table(to, shape, name, mode, chosen, whole, options)
  options = options or {}
  local own, cases = own_variants(shape)
  local variants, literals = {}, nil
  if own and (mode == "create" or whole) and mode ~= "record" then
    literals = true
  elseif whole and mode == "update" and shape.by[1] then
    -- Chosen by what the record has already.
    own, cases = shape.by[1], shapes.cases(shape.by[1])
  else
    own = nil
  end
  if own and select(2, case_of(own, chosen)) then own = nil end
  for _, case in ipairs(own and cases or {}) do
    local with_case = with(chosen, own, case)
    if mode == "create" or can_be_whole(shape, with_case) then
      variants[#variants + 1] = add_class(to, shape, to:name(name, case.key), mode, with_case, {
        comment = literals and label_of(shape, own, case), extra = options.extra, parent = options.parent,
        whole = whole, literals = literals and selected(shape, own, case),
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
