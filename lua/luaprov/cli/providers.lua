--- luaprov providers [NAME]
local describe = require "luaprov.cli.describe"
local find = require "luaprov.cli.find"
local load = require "luaprov.provider.load"
local output = require "luaprov.cli.output"
local tables = require "luaprov.tables"
local variable = require("luaprov.provider.client_options").variable

local M = {}

function M.configure(parser)
  parser:argument("name", "A provider's name, or the path of a provider file."):args("?")
  output.add_options(parser)
  parser:epilog([[
Examples:
   luaprov providers
   luaprov providers acme
   luaprov providers ./acme.lua
   luaprov providers --providers ~/vendors --json]])
end

local function list(out)
  local lfs, code = find.lfs(out, "to list the providers")
  if not lfs then return code end
  code = 0
  local rows = not out.json and out:rows { "NAME", "TITLE", "RESOURCES", "BASE URL", "FILE" }
  local by_variables = {}
  for _, name in ipairs(load.names()) do
    local variables = variable(name, "")
    local other = by_variables[variables]
    if other then
      out:note(("warning: %s and %s share their environment variables, %s…"):format(other, name, variables))
    end
    by_variables[variables] = name
    local provider, failed = find.provider(name, out)
    provider = provider and describe.provider(provider)
    if not provider then
      code = failed
    elseif rows then
      local resources = table.concat(tables.names(provider.resources), ", ")
      rows:add { name, output.plain(provider.title), resources, output.plain(provider.base_url),
                 output.plain(provider.file or "") }
    else
      out:value(provider)
    end
  end
  if rows then rows:flush() end
  return code
end

local print_shape

-- A field, then what is within it, indented.
local function add_fields(fields, indent, lines)
  for _, field in ipairs(fields or {}) do
    lines[#lines + 1] = { indent .. output.plain(field.name), field.type, describe.notes(field, output.shown) }
    print_shape(field, indent .. "  ", lines)
    if field.of then print_shape(field.of, indent .. "  ", lines) end
  end
end

function print_shape(shape, indent, lines)
  add_fields(shape.fields, indent, lines)
  for _, variants in ipairs(shape.variants or {}) do
    local by = table.concat(variants.by, " ")
    for _, case in ipairs(variants.cases) do
      local notes = case.unknown and ": other fields, too" or not (case.fields or case.variants) and ": no more fields"
      lines[#lines + 1] = { indent .. "with " .. output.plain(by .. " = " .. case.value) .. (notes or "") }
      print_shape(case, indent .. "  ", lines)
    end
  end
end

local function add_options(list_of_fields, indent, lines)
  for _, field in ipairs(list_of_fields or {}) do
    lines[#lines + 1] = { indent .. output.plain(field.name), field.type, field.variable,
                          describe.notes(field, output.shown) }
  end
end

local function show_head(out, provider)
  out:line(output.plain(provider.name .. ": " .. provider.title))
  local lines = { { "base URL", output.plain(provider.base_url) } }
  if provider.file then lines[#lines + 1] = { "file", output.plain(provider.file) } end
  for _, limit in ipairs(provider.limits or {}) do
    lines[#lines + 1] = { "limit", ("%s calls in %s s"):format(output.shown(limit.calls), output.shown(limit.seconds)) }
  end
  out:columns(lines)
  lines = {}
  for i, method in ipairs(provider.credentials or {}) do
    local how = method.kind == "bearer" and "a token that is sent with every call"
      or "a token is asked for at " .. output.plain(method.url)
    lines[#lines + 1] = { (i == 1 and "credentials: " or "or: ") .. how }
    add_options(method.fields, "  ", lines)
  end
  if not provider.credentials then lines[1] = { "credentials: none" } end
  if provider.settings then
    lines[#lines + 1] = { "settings" }
    add_options(provider.settings, "  ", lines)
  end
  lines[#lines + 1] = { "options of every provider" }
  add_options(provider.options, "  ", lines)
  out:line("")
  out:columns(lines)
end

local function show_resource(out, resource)
  out:line("")
  out:line(output.plain(resource.name) .. (resource.about and ": " .. output.plain(resource.about) or ""))
  local lines = {}
  for _, operation in ipairs(resource.operations) do
    local notes = {}
    if operation.when then notes[#notes + 1] = "with " .. operation.when end
    if operation.query then notes[#notes + 1] = "filters " .. table.concat(operation.query, ", ") end
    lines[#lines + 1] = { "  " .. operation.name, output.plain(operation.method .. " " .. operation.path),
                          output.plain(table.concat(notes, "; ")) }
  end
  out:columns(lines)
  lines = {}
  print_shape(resource, "  ", lines)
  if resource.key then
    lines[#lines + 1] = { "  key: " .. output.plain(table.concat(resource.key, ", "))
                          .. (resource.unique and "; the vendor refuses a second" or "") }
  end
  if resource.unknown then lines[#lines + 1] = { "  other fields are passed on" } end
  out:line("")
  out:columns(lines)
end

function M.run(args, out)
  if not args.name then return list(out) end
  local provider, code = find.provider(args.name, out)
  if not provider then return code end
  provider = describe.provider(provider)
  if out.json then
    out:value(provider)
    return 0
  end
  show_head(out, provider)
  for _, resource in ipairs(provider.resources) do show_resource(out, resource) end
  return 0
end

return M
