--- Values that fields take: what a create of a resource is made of, from nothing but its description.
local shapes = require "luaprov.provider.shape"
local values = require "luaprov.provider.values"

local M = {}

local LONGEST = 64 -- repetitions within a pattern

-- What may stand for one item of a pattern: the first that fits; of letters and digits, another for another number.
local FIRST = { "a1A-_ @.:/+#", "b2B-_ @.:/+#" }
local ALL = {}
for byte = 32, 126 do ALL[#ALL + 1] = string.char(byte) end
ALL = table.concat(ALL)

local function character(item, number)
  if #item == 1 and item ~= "." then return item end
  for c in ((FIRST[number] or FIRST[1]) .. ALL):gmatch(".") do
    if c:find("^" .. item .. "$") then return c end
  end
end

-- A text that fits a Lua pattern, with what may be repeated there `count` times; nil where the pattern is too much.
local function fitting(pattern, count, number)
  local out, at = {}, pattern:sub(1, 1) == "^" and 2 or 1
  while at <= #pattern do
    local item = pattern:match("^%%[^bf%d]", at) or pattern:match("^%[%^?%]?[^%]]*%]", at)
      or pattern:match("^[^%%%[]", at)
    if not item then return nil end
    at = at + #item
    if item == "$" and at > #pattern then break end
    local suffix = pattern:match("^[*+?-]", at)
    if suffix then at = at + 1 end
    if item ~= "(" and item ~= ")" then
      local c = character(item, number)
      if not c then return nil end
      local times = not suffix and 1 or suffix == "+" and math.max(1, count) or suffix == "?" and 0 or count
      out[#out + 1] = c:rep(times)
    end
  end
  return table.concat(out)
end

local function texts(field, number)
  local list = {}
  if field.pattern then
    for count = 0, LONGEST do list[#list + 1] = fitting(field.pattern, count, number) end
    return list
  end
  local text = "check-" .. tostring(field.name or "item"):gsub("[^%w]", "-") .. "-" .. number
  if field.min and #text < field.min then text = text .. ("0"):rep(field.min - #text) end
  return { field.max and text:sub(-field.max) or text }
end

local function candidates(field, number)
  local kind = field.type
  if kind == "text" or kind == "secret" then return texts(field, number) end
  if kind == "choice" then return { field.value_list[number] or field.value_list[1] } end
  if kind == "integer" then
    local least = field.min or math.min(1, field.max or 1)
    return { least + number - 1, least }
  end
  if kind == "boolean" then return { number == 1, true } end
  return { "https://sandbox.invalid/" .. number }
end

-- An example that is a value, and no rule for what the vendor makes.
local function example_of(field)
  local example = field.example
  if type(example) == "string" and example:find("{[%a_]+}") then return nil end
  return example
end

local fill

--- @param field table description
--- @param number integer another one for another value, where the field has several
--- @param scope table|nil what stands around it
--- @return any value as it travels, with no secret in it; nil when none is known
--- @return string|nil path of the field, below this one, for which none is known
function M.value(field, number, scope)
  if field.type == "group" then return fill(field.shape, {}, number, scope) end
  if field.type == "list" then
    if not field.of then return { "check-" .. number } end
    local list = {}
    for i = 1, math.max(1, field.min or 1) do
      local item, missing = M.value(field.of, number + i - 1, scope)
      if item == nil then return nil, missing end
      list[i] = item
    end
    return list
  end
  local tried = candidates(field, number)
  if number == 1 and example_of(field) ~= nil then table.insert(tried, 1, example_of(field)) end
  if field.default ~= nil then tried[#tried + 1] = field.default end
  for _, candidate in ipairs(tried) do
    local wire = values.check(field, candidate, {})
    if wire ~= nil then return wire end
  end
  return nil, ""
end

local function find(scope, name)
  while scope do
    if scope.into[name] ~= nil then return scope.into[name] end
    scope = scope.outer
  end
end

-- The field's own value for what a variant's key has.
local function selected(field, text)
  for _, value in ipairs(field and field.value_list or {}) do
    if tostring(value) == text then return value end
  end
  if field and field.type == "integer" then return tonumber(text) end
  if field and field.type == "boolean" then return text == "true" end
  return text
end

-- Chooses the first variant that goes with what is chosen already; its shape, or nil.
local function choose(by, shape, scope)
  for _, case in ipairs(shapes.cases(by)) do
    local fits = true
    for i, name in ipairs(by.selectors) do
      local there = find(scope, name)
      fits = fits and (there == nil and shape.by_name[name] ~= nil or tostring(there) == case.values[i])
    end
    if fits then
      for i, name in ipairs(by.selectors) do
        if find(scope, name) == nil then scope.into[name] = selected(shape.by_name[name], case.values[i]) end
      end
      return case.shape
    end
  end
end

-- Every field that a table has, in its variant: fn(field) -> path of what is missing, or nil.
local function each_field(shape, scope, fn)
  local cases = {}
  -- Variants first: their selectors decide what the groups beside them are.
  for _, by in ipairs(shape.by) do
    local case = choose(by, shape, scope)
    if case then cases[#cases + 1] = case end
  end
  for _, field in ipairs(shape.fields) do
    local missing = fn(field)
    if missing then return missing end
  end
  for _, case in ipairs(cases) do
    local missing = each_field(case, scope, fn)
    if missing then return missing end
  end
end

function fill(shape, into, number, outer)
  local scope = { into = into, outer = outer }
  local missing = each_field(shape, scope, function(field)
    if not field.required or field.computed or field.path or into[field.name] ~= nil then return nil end
    local value, inner = M.value(field, number, scope)
    if value == nil then return field.name .. (inner ~= "" and "." .. inner or "") end
    into[field.name] = value
  end)
  if missing then return nil, missing end
  return into
end

--- The fields of a create: those that are required, in the first variant. Parts of the path are not among them.
--- @param shape table of the resource
--- @return table|nil fields as they travel
--- @return string|nil missing the path of a required field for which no value is known
function M.record(shape) return fill(shape, {}, 1) end

--- A change of one field that may change, with another value.
--- @param shape table of the resource
--- @param record table what is there
--- @return string|nil name nil when none can
--- @return any value
function M.change(shape, record)
  local into, selectors, best, best_value, in_record = {}, {}, nil, nil, false
  for name, value in pairs(record) do into[name] = value end
  for _, by in ipairs(shape.by) do
    for _, name in ipairs(by.selectors) do selectors[name] = true end
  end
  local scope = { into = into }
  each_field(shape, scope, function(field)
    local plain = field.type ~= "group" and field.type ~= "list"
    -- Of what was not sent, nobody knows what the vendor has.
    local sent = record[field.name] ~= nil
    if best and (in_record or not sent) then return nil end
    if not plain or field.computed or field.fixed or field.path or field.parent or selectors[field.name] then
      return nil
    end
    local value = M.value(field, 2, scope)
    -- What is shown again can be compared.
    if value ~= nil and value ~= record[field.name] and field.type ~= "secret" then
      best, best_value, in_record = field, value, sent
    end
  end)
  return best and best.name, best_value
end

return M
