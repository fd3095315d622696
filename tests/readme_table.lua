-- Writes the README's table of providers from the provider files: `lua5.4 tests/readme_table.lua README.md`, or
-- `make readme`. The table stands between two marks.
local load = require "luaprov.provider.load"
local part = require "tests.readme_part"

local M = {}

local OPEN = "<!-- providers: written by `make readme` -->\n"
local CLOSE = "<!-- end of providers -->\n"
local BUILT_IN = { "onebox", "ocamba", "hubster", "myreports" }
local OPERATIONS = { "create", "get", "list", "update", "delete" }

local function code(text) return "`" .. text .. "`" end

local function credentials_of(provider)
  local ways = {}
  for i, method in ipairs(provider.auth) do
    local names = {}
    for j, field in ipairs(method.fields) do names[j] = code(field.name) end
    ways[i] = table.concat(names, " + ")
  end
  return table.concat(ways, ", or ")
end

local function operations_of(resource)
  local names = {}
  for _, name in ipairs(OPERATIONS) do
    if resource.operations[name] then names[#names + 1] = name end
  end
  return code(resource.name) .. " " .. table.concat(names, ", ")
end

-- "1000 twilio", where one field chooses and its values have labels.
local function case_name(key, by, fields)
  local field = #by.selectors == 1 and fields[by.selectors[1]]
  local label = field and field.values and (field.values[key] or field.values[tonumber(key)])
  return type(label) == "string" and label ~= key and key .. " " .. label or key
end

-- Fields that choose a variant, each once, wherever in the resource the variants stand.
local function variants_of(resource)
  local found, seen = {}, {}
  local function look(shape)
    for _, by in ipairs(shape.by) do
      local name = table.concat(by.selectors, ", ")
      if not seen[name] then
        seen[name] = true
        local keys = {}
        for key in pairs(by.cases) do keys[#keys + 1] = case_name(key, by, resource.shape.by_name) end
        table.sort(keys)
        found[#found + 1] = code(name) .. ": " .. table.concat(keys, ", ")
      end
    end
    for _, field in ipairs(shape.fields) do
      if field.shape then look(field.shape) end
    end
  end
  look(resource.shape)
  return found
end

--- The table as text.
function M.table()
  local lines = { "| provider | credentials | resources and operations | variants |", "|---|---|---|---|" }
  for _, name in ipairs(BUILT_IN) do
    local provider = assert(load.load(name))
    local resources, variants = {}, {}
    for i, resource in ipairs(provider.resources) do
      resources[i] = operations_of(resource)
      for _, variant in ipairs(variants_of(resource)) do variants[#variants + 1] = variant end
    end
    lines[#lines + 1] = ("| %s (%s) | %s | %s | %s |"):format(code(name), provider.title, credentials_of(provider),
      table.concat(resources, "; "), table.concat(variants, "; "))
  end
  return table.concat(lines, "\n") .. "\n"
end

--- The table that a README has.
function M.of(text) return part.of(text, OPEN, CLOSE) end

if arg and arg[0] and arg[0]:find("readme_table%.lua$") then part.write(arg[1], OPEN, CLOSE, M.table()) end

return M
