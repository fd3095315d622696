-- JSON of fixed bodies, to be counted: luaprov tests/speed/json.lua decode|encode luaprov|cjson TIMES. What luaprov and
-- bare lua-cjson do, of the answer of a call and of its request.
local what, whose, times = arg[1], arg[2], tonumber(arg[3])
local server = require "tests.bench.speed.server"
local work = require "tests.bench.speed.work"

local json = whose == "cjson" and require "cjson" or require "luaprov.json"
local run, value = json[what], what == "decode" and server.answer() or work.record(1)
for _ = 1, times do assert(run(value)) end
