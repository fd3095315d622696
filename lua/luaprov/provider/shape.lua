--- The shape of a table: its fields in order, and the variants that one or several of them choose.
---
--- shape: fields (ordered), by_name, by (variants), paths (names of path parts), unknown, any_case, whole, is_flat
---        (there are no variants, and no shapes in it)
--- field: name, type, required, fixed, computed, default, min, max, pattern, values, value_list, codes, sent_as, path,
---        as, parent, example, any_order, of (a field), shape (a group's)
--- by:    selectors, cases (joined values of the selectors -> shape), union (name -> field of some case),
---        agrees (name -> whether every case says the same of it), passes (whether a case passes unknown fields on)
local digits = require "luaprov.digits"
local json = require "luaprov.json"
local near = require "luaprov.near"
local tables = require "luaprov.tables"
local value_checks = require "luaprov.provider.values"
local words = require "luaprov.provider.words"

local M = {}

-- The values that a variant's key stands for, in the order of the selectors.
local function values_of(by, key)
  if #by.selectors == 1 then return { key } end
  local values = {}
  for value in (key .. " "):gmatch("(.-) ") do values[#values + 1] = value end
  return values
end

--- Every variant.
--- @param by table
--- @return table[] cases values (texts, in the order of the selectors), key (the same as one text), shape; sorted, so
---   that the same file means the same in every process
function M.cases(by)
  local list = {}
  for key, case in pairs(by.cases) do list[#list + 1] = { key = key, values = values_of(by, key), shape = case } end
  table.sort(list, function(a, b) return a.key < b.key end)
  return list
end

--- The variant that the selectors choose.
--- @param by table
--- @param value_of function the name of a selector -> its value, or nil
--- @return table|nil shape
--- @return boolean complete whether every selector has a value
--- @return string|nil chosen their values as a variant's key has them, when there are all
function M.case(by, value_of)
  local chosen = {}
  for i, name in ipairs(by.selectors) do
    local value = value_of(name)
    local kind = type(value)
    -- JSON's null chooses nothing, either.
    if kind ~= "string" and kind ~= "number" and kind ~= "boolean" then return nil, false end
    chosen[i] = kind == "number" and digits(value) or tostring(value)
  end
  local key = table.concat(chosen, " ")
  return by.cases[key], true, key
end

local function compile_values(node, path, report)
  local given = node.options.values
  local set, list = {}, {}
  if type(given) ~= "table" or next(given) == nil then
    report(node.line, path, "a choice needs values")
    return set, list
  end
  local count = 0
  for _ in pairs(given) do count = count + 1 end
  if count == #given then
    for i, value in ipairs(given) do set[value], list[i] = true, value end
  else
    for value, label in pairs(given) do
      set[value] = label
      list[#list + 1] = value
    end
    table.sort(list, function(a, b) return tostring(a) < tostring(b) end)
  end
  return set, list
end

local function compile_codes(node, values, path, report)
  local codes = {}
  for value, code in pairs(node.options.codes or {}) do
    if values[value] == nil then
      report(node.line, path, "codes names '" .. tostring(value) .. "', which is no value")
    end
    codes[tostring(code)] = value
  end
  return next(codes) and codes or nil
end

local compile_field

local function compile_element(node, path, check_options, report, outer)
  local element = node.options.of
  if element == nil then return nil end
  if not words.is_node(element) or element.class ~= "field" then
    report(node.line, path, "of must be a field word with a table, as in of = text {}")
    return nil
  end
  return compile_field(element, path .. "[]", check_options, report, outer)
end

local function check_bounds(field, node, path, report)
  for _, bound in ipairs { "min", "max" } do
    if field[bound] ~= nil and type(field[bound]) ~= "number" then return end -- told already
  end
  if field.min and field.max and field.min > field.max then report(node.line, path, "min is more than max") end
  if field.type == "list" or field.type == "group" then
    if field.default ~= nil and type(field.default) ~= "table" then
      report(node.line, path, "the default must be a table")
    end
  elseif field.default ~= nil then
    local wire, why = value_checks.check(field, field.default, {})
    if wire == nil then report(node.line, path, "the default " .. why) end
  end
  if field.shape and #field.shape.paths > 0 then
    report(node.line, path, "a part of the path (" .. field.shape.paths[1] .. ") stands in the resource itself")
  end
end

function compile_field(node, path, check_options, report, outer)
  node.options, node.parts = node.options or {}, node.parts or {}
  check_options(node, path, report)
  local given = node.options
  local field = { name = node.name, type = node.word, line = node.line }
  for _, option in ipairs { "about", "required", "fixed", "computed", "default", "min", "max", "pattern", "sent_as",
                            "path", "as", "parent", "example", "any_order" } do
    field[option] = given[option]
  end
  if node.word == "choice" then
    field.values, field.value_list = compile_values(node, path, report)
    field.codes = compile_codes(node, field.values, path, report)
  elseif node.word == "list" then
    field.of = compile_element(node, path, check_options, report, outer)
    if type(given.example) == "table" then field.example = json.array(given.example) end
  elseif node.word == "group" then
    field.shape = M.compile(node.parts, path, given.unknown or "refuse", check_options, report, outer)
    field.shape.any_case, field.shape.whole = given.any_case, given.whole
  end
  check_bounds(field, node, path, report)
  if node.word ~= "group" and #node.parts > 0 then report(node.line, path, "only a group has fields") end
  return field
end

-- What two fields of one name must share so that it does not matter which of them is meant.
local function signature(field)
  local values = {}
  for i, value in ipairs(field.value_list or {}) do values[i] = tostring(value) end
  return table.concat({
    field.type, tostring(field.fixed), tostring(field.computed), tostring(field.sent_as), tostring(field.min),
    tostring(field.max), tostring(field.pattern), tostring(field.shape), tostring(field.of), table.concat(values, ","),
  }, "\0")
end

local function plain(field)
  return (field.type == "text" or field.type == "secret") and not (field.fixed or field.computed or field.pattern
    or field.min or field.max)
end

-- Where variants differ about a field, one that keeps it secret wins.
local function add_field(into, field)
  local there = into[field.name]
  if not there or (field.type == "secret" and there.type ~= "secret") then into[field.name] = field end
end

local function all_fields(shape, into)
  for _, field in ipairs(shape.fields) do add_field(into, field) end
  for _, by in ipairs(shape.by) do
    for _, field in pairs(by.union) do add_field(into, field) end
  end
  return into
end

local function find_union(by)
  by.union, by.agrees = {}, {}
  for _, case in ipairs(M.cases(by)) do
    all_fields(case.shape, by.union)
    by.passes = by.passes or case.shape.unknown == "pass"
  end
  for name, field in pairs(by.union) do
    local same = true
    for _, case in pairs(by.cases) do
      local other = all_fields(case, {})[name]
      if other then same = same and signature(other) == signature(field)
      else same = same and case.unknown == "pass" and plain(field) end
    end
    by.agrees[name] = same
  end
end

local function compile_by(node, path, unknown, check_options, report, outer)
  local by = { selectors = node.selectors, cases = {} }
  if #(node.parts or {}) > 0 or not next(node.options or {}) then
    report(node.line, path, "by needs a table of values, as in by \"kind\" { a = {…}, b = {…} }")
  end
  for value, case in pairs(node.options or {}) do
    local case_path = path .. "<" .. value .. ">"
    if type(case) ~= "table" or words.is_node(case) then
      report(node.line, case_path, "must be a table of fields")
    else
      local parts, own_unknown = {}, unknown
      local function add(list)
        for _, part in ipairs(list) do
          if type(part) == "table" and getmetatable(part) == nil then add(part) else parts[#parts + 1] = part end
        end
      end
      add(case)
      for key, option in pairs(case) do
        if key == "unknown" and (option == "pass" or option == "refuse" or option == "ignored") then
          own_unknown = option
        elseif type(key) == "string" then
          report(node.line, case_path, "unknown option '" .. key .. "'" .. near.hint(key, { "unknown" }))
        end
      end
      by.cases[value] = M.compile(parts, case_path, own_unknown, check_options, report, outer)
    end
  end
  find_union(by)
  return by
end

-- The values of a choice, as text; nil for another field.
local function known_values(node)
  if node.word ~= "choice" or not node.options then return nil end
  local known = {}
  for value in pairs((compile_values(node, "", function() end))) do known[tostring(value)] = true end
  return known
end

-- Whether variants can be told apart by values that exist: the selectors must be fields, here or in a table around, and
-- their joined values sensible.
local function check_selectors(outer, by, node, path, report)
  local values = {}
  if #by.selectors == 0 then
    report(node.line, path, "by needs the names of one or several fields")
    return
  end
  for i, selector in ipairs(by.selectors) do
    local scope, names = outer, {}
    while scope and not scope.nodes[selector] do
      for name in pairs(scope.nodes) do names[#names + 1] = name end
      scope = scope.outer
    end
    if type(selector) ~= "string" then
      report(node.line, path, "by needs the names of one or several fields")
      return
    elseif not scope then
      report(node.line, path, "by: '" .. selector .. "' is no field" .. near.hint(selector, names))
      return
    end
    values[i] = known_values(scope.nodes[selector]) or false
  end
  for _, case in ipairs(M.cases(by)) do
    if #case.values ~= #by.selectors then
      report(node.line, path, "'" .. case.key .. "' must be " .. #by.selectors .. " values with spaces between")
    end
    for i, part in ipairs(case.values) do
      if values[i] and not values[i][part] then
        report(node.line, path, "'" .. part .. "' is no value of " .. by.selectors[i])
      end
    end
  end
end

local function check_once(shape, by, node, path, report)
  for name in pairs(by.union) do
    if shape.by_name[name] then report(node.line, path .. "." .. name, "is there twice") end
  end
end

--- @param parts table[] nodes of fields and variants
--- @param path string where we are, for messages
--- @param unknown string "refuse", "pass" or "ignored"
--- @param check_options function
--- @param report function line, path, message
--- @param outer table|nil the names of the tables around: nodes (name -> node), outer
--- @return table shape
function M.compile(parts, path, unknown, check_options, report, outer)
  local shape = { fields = {}, by_name = {}, by = {}, paths = {}, unknown = unknown }
  outer = { nodes = {}, outer = outer }
  for _, node in ipairs(parts) do
    if words.is_node(node) and node.class == "field" and node.name then outer.nodes[node.name] = node end
  end
  local variants = {}
  for _, node in ipairs(parts) do
    if words.is_node(node, "by") then
      local by = compile_by(node, path, unknown, check_options, report, outer)
      check_selectors(outer, by, node, path, report)
      shape.by[#shape.by + 1] = by
      variants[#variants + 1] = node
    elseif words.is_node(node) and node.class == "field" then
      local field_path = path .. "." .. tostring(node.name)
      if type(node.name) ~= "string" or node.name == "" then
        report(node.line, path, node.word .. " needs a name")
      else
        local field = compile_field(node, field_path, check_options, report, outer)
        if shape.by_name[field.name] then report(node.line, field_path, "is there twice") end
        shape.fields[#shape.fields + 1] = field
        shape.by_name[field.name] = field
        if field.path then shape.paths[#shape.paths + 1] = field.name end
      end
    else
      report(type(node) == "table" and node.line or 0, path, "holds something that is no field")
    end
  end
  for i, by in ipairs(shape.by) do check_once(shape, by, variants[i], path, report) end
  shape.is_flat = #shape.by == 0
  for _, field in ipairs(shape.fields) do shape.is_flat = shape.is_flat and not field.shape and not field.of end
  return shape
end

--- Every name that a table of this shape may have, in any variant.
--- @return string[]
function M.names(shape)
  return tables.keys(all_fields(shape, {}))
end

local function secrets_in(field, set)
  if field.type == "secret" then set[field.name or ""] = true end
  if field.shape then M.secret_names(field.shape, set) end
  if field.of and field.of.type == "secret" then set[field.name or ""] = true end
  if field.of then secrets_in(field.of, set) end
end

--- Adds the names of all secret fields, at any depth and in any variant, to a set.
function M.secret_names(shape, set)
  for _, field in ipairs(shape.fields) do secrets_in(field, set) end
  for _, by in ipairs(shape.by) do
    for _, case in pairs(by.cases) do M.secret_names(case, set) end
  end
  return set
end

return M
