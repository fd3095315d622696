--- Records as a command prints them: lines of name and value, rows of a list, or JSON.
local json = require "luaprov.json"
local output = require "luaprov.cli.output"
local secret = require "luaprov.secret"
local shapes = require "luaprov.provider.shape"

local M = {}

-- The names of a shape's fields, in the order of the file, with those of all variants.
local function ordered_names(shape, names, seen)
  for _, field in ipairs(shape.fields) do
    if not seen[field.name] then
      seen[field.name] = field
      names[#names + 1] = field.name
    end
  end
  for _, by in ipairs(shape.by) do
    for _, case in ipairs(shapes.cases(by)) do ordered_names(case.shape, names, seen) end
  end
  return names, seen
end

local function is_group(value)
  return type(value) == "table" and not secret.is(value) and not json.is_array(value) and next(value) ~= nil
end

local function flatten(value, shape, prefix, lines)
  local names, by_name = {}, {}
  if prefix == "" then names[1], by_name.id = "id", true end
  if shape then ordered_names(shape, names, by_name) end
  local others = {}
  for name in pairs(value) do
    if not by_name[name] then others[#others + 1] = name end
  end
  table.sort(others, function(a, b) return tostring(a) < tostring(b) end)
  for _, name in ipairs(others) do names[#names + 1] = name end
  for _, name in ipairs(names) do
    local inner, path = value[name], prefix .. output.plain(tostring(name))
    local field = type(by_name[name]) == "table" and by_name[name] or nil
    if is_group(inner) then flatten(inner, field and field.shape, path .. ".", lines)
    elseif inner ~= nil then lines[#lines + 1] = { path, output.shown(inner) } end
  end
  return lines
end

--- A record as lines of name and value, in the order of the names.
--- @param record table
--- @return table[] lines { name, value } each, texts that can be shown
function M.lines(record) return flatten(record, nil, "", {}) end

--- Prints one record.
--- @param out luaprov.Output
--- @param resource table description
--- @param record table
function M.show(out, resource, record)
  if out.json then out:value(record) else out:columns(flatten(record, resource.shape, "", {})) end
end

-- What tells one record from another, and what each has: the id, the key, the required fields that are one value.
local function columns_of(resource)
  local columns, seen = { "id" }, { id = true, [resource.id] = true }
  local function add(name)
    if not seen[name] then columns[#columns + 1] = name end
    seen[name] = true
  end
  for _, name in ipairs(resource.key or {}) do add(name) end
  for _, field in ipairs(resource.shape.fields) do
    if field.required and field.type ~= "secret" and field.type ~= "group" and field.type ~= "list" then
      add(field.name)
    end
  end
  if #columns == 1 then
    for _, field in ipairs(resource.shape.fields) do
      if field.type ~= "secret" and field.type ~= "group" and field.type ~= "list" then add(field.name) end
    end
  end
  return columns
end

--- Prints the records of a list while they come.
--- @param out luaprov.Output
--- @param resource table description
--- @param each function iterator of client.RESOURCE:each
--- @param as_json boolean|nil errors as JSON
--- @return integer code the exit code
function M.list(out, resource, each, as_json)
  local columns = columns_of(resource)
  local heads = {}
  for i, name in ipairs(columns) do heads[i] = output.plain(name) end
  local rows = not out.json and out:rows(heads)
  for record, err in each do
    if not record then
      if rows then rows:flush() end
      out:flush()
      return out:error(err, as_json)
    end
    if rows then
      local cells = {}
      for i, name in ipairs(columns) do cells[i] = output.shown(record[name]) end
      rows:add(cells)
    else
      -- Whoever reads it gets each record as it comes, and a reader who has gone ends the walk.
      out:value(record)
      out:flush()
    end
  end
  if rows then rows:flush() end
  return 0
end

return M
