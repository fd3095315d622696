--- Options of a client on the command line: --set option=value.
local arguments = require "luaprov.cli.arguments"
local fields = require "luaprov.cli.fields"
local near = require "luaprov.near"
local options = require "luaprov.provider.client_options"
local secret = require "luaprov.secret"

local M = {}

--- @param provider table description
--- @param list string[] what --set says
--- @param lenient boolean|nil for a variable that is not set there is a secret in its place, and no complaint
--- @return table|nil given options of the client
--- @return table[]|string sources of the secrets among them, as of arguments.read; or what is wrong
function M.read(provider, list, lenient)
  local names, by_name = options.fields(provider)
  local given, sources = {}, {}
  for _, word in ipairs(list) do
    local name, text, is_json = arguments.split(word)
    if not name or is_json then return nil, "--set takes option=value, option=@FILE or option=env:VAR" end
    local field = by_name[name]
    if not field then return nil, "--set: there is no option '" .. name .. "'" .. near.hint(name, names) end
    if given[name] ~= nil then return nil, "--set: " .. name .. " is given twice" end
    local value, source, absent = arguments.source(text)
    absent = lenient and (field.type == "secret" or field.type == "text") and absent or nil
    if not value and not absent then return nil, "--set: " .. name .. ": " .. source end
    given[name] = absent and secret.new "absent" or fields.convert({ field }, { field }, value)
    if absent then source = absent end
    if secret.is(given[name]) then
      sources[#sources + 1] = { secret = given[name], path = name, kind = source.kind, name = source.name,
                                line_end = source.line_end, absent = source.absent, argument = "--set " .. name .. "=" }
    end
  end
  return given, sources
end

return M
