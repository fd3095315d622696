-- Writes fixture files as they are kept (two spaces, sorted keys): lua5.4 tests/contract/format.lua FILE…
local json = dofile(debug.getinfo(1, "S").source:match("^@(.-)[^/]*$") .. "json.lua")

for _, name in ipairs(arg) do
  local file = assert(io.open(name, "rb"))
  local value, problem = json.decode(file:read("*a"))
  file:close()
  if value == nil then error(name .. ": " .. problem, 0) end
  file = assert(io.open(name, "wb"))
  file:write(json.pretty(value))
  file:close()
end
