-- JSON alone: luaprov's exact layer beside bare lua-cjson, in turns. Prints a JSON object: what is done -> the median
-- of the ratios of the processor's time, ours to lua-cjson's. lua5.4 tests/bench/speed/json.lua ROUNDS
local cjson = require "cjson"
local json = require "luaprov.json"
local median = require "tests.bench.speed.rounds".median
local server = require "tests.bench.speed.server"

local ROUNDS = tonumber(arg[1]) or 7
local SECONDS = 0.1 -- of the processor, about, for each measurement

local function records(count)
  local list = {}
  for i = 1, count do list[i] = server.answer() end
  return "[" .. table.concat(list, ",") .. "]"
end

local TEXTS = { ["440 bytes"] = server.answer(), ["1 MB list"] = records(2400) }

local function seconds(fn, value, times)
  local began = os.clock()
  for _ = 1, times do fn(value) end
  return os.clock() - began
end

local function ratio(ours, theirs, value, other)
  collectgarbage()
  local times, ratios = math.max(1, math.ceil(SECONDS / seconds(theirs, other, 1))), {}
  for round = 1, ROUNDS do
    collectgarbage()
    local first = round % 2 == 1 and seconds(ours, value, times)
    collectgarbage()
    local their = seconds(theirs, other, times)
    collectgarbage()
    ratios[round] = (first or seconds(ours, value, times)) / their
  end
  return median(ratios)
end

local found = {}
for name, text in pairs(TEXTS) do
  found["decode " .. name] = ratio(json.decode, cjson.decode, text, text)
  found["encode " .. name] = ratio(json.encode, cjson.encode, json.decode(text), cjson.decode(text))
end
print(json.encode(found))
