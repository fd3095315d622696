-- Prints a value in every way that there is to print one: show("what was done", result, err).
local json = require "luaprov.json"
local luaprov = require "luaprov"
local support = require "tests.support"

local function print_all(value)
  print(tostring(value))
  pcall(function() print("and " .. value .. " and") end)
  print((json.encode(value)))
  print(support.shown(value))
  print(("%s"):format(tostring(value)))
end

-- An error as a script that gives up shows it.
local function raised(value)
  print(select(2, xpcall(function() error(value) end, function(err) return debug.traceback(tostring(err)) end)))
  print_all(select(2, pcall(luaprov.map, { value }, function(item) error(item) end)))
  print_all(select(2, pcall(function() luaprov.spawn(error, value):wait() end)))
end

local told = 0

local function show(_, what, result, err)
  print("== " .. what)
  if result ~= nil then print_all(result) end
  if err ~= nil then
    print_all(err)
    told = told + 1
    if told % 20 == 0 then raised(err) end
    if told % 20 == 10 then raised("because " .. tostring(err)) end
  end
end

return setmetatable({ all = print_all, told = function() return told end }, { __call = show })
