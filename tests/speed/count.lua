-- Instructions of the processor that one call takes, counted by valgrind: as many on a busy machine as on an idle one.
--
-- One number alone would be libcurl's, too. So a call is put beside the same call in C with libcurl alone, counted in
-- the same way, and JSON beside bare lua-cjson.
local M = {}

local build = os.getenv "BUILD" or "build"

local LIMIT, LUAPROV = build .. "/bench/limit", build .. "/bin/luaprov "
local CLIENTS, JSON = LUAPROV .. "tests/bench/speed/clients/", LUAPROV .. "tests/speed/json.lua "

-- Runs of two lengths: what the longer takes more is without the start. Long enough for the collector of garbage to go
-- round some times. A client begins with a tenth more of its calls.
local CALLS, TIMES = { few = 100, many = 600 }, { few = 500, many = 4500 }

--- What is counted, in order: `command` beside `beside`, each with the URL and the number of calls after it; with
--- `json` only the number.
M.list = {
  { name = "a call through a provider file, beside libcurl in C", command = CLIENTS .. "luaprov.lua", beside = LIMIT },
  { name = "a call of luaprov.http, beside libcurl in C", command = CLIENTS .. "raw.lua", beside = LIMIT },
  { name = "decoding its answer, beside lua-cjson", json = true, command = JSON .. "decode luaprov",
    beside = JSON .. "decode cjson" },
  { name = "encoding its body, beside lua-cjson", json = true, command = JSON .. "encode luaprov",
    beside = JSON .. "encode cjson" },
}

local function output_of(command)
  local pipe = assert(io.popen(command, "r"))
  local output = pipe:read "*a"
  pipe:close()
  return output
end

-- The environment says nothing but where modules are. The process is a part of the URL: see server.lua.
local RUN = "env -i PATH=\"$PATH\" LUA_PATH=\"$LUA_PATH\" LUA_CPATH=\"$LUA_CPATH\" "
  .. "sh -c 'exec valgrind --tool=callgrind --callgrind-out-file=/dev/null %s' 2>&1"

local function instructions(command)
  local output = output_of(RUN:format(command))
  return tonumber(output:match "Collected : (%d+)") or error(command .. ": " .. output, 0)
end

local function per_call(one, command, port)
  local function run(calls)
    if one.json then return instructions(command .. " " .. calls) end
    return instructions(("%s http://127.0.0.1:%s/$(printf %%07d $$) %d 1"):format(command, port, calls))
  end
  local runs = one.json and TIMES or CALLS
  return (run(runs.many) - run(runs.few)) / (runs.many - runs.few) / (one.json and 1 or 1.1)
end

-- The vendor's port, and what stops it.
local function vendor()
  local pipe = assert(io.popen("echo $$; exec lua5.4 tests/speed/server.lua", "r"))
  local pid, port = pipe:read "*l", pipe:read "*l"
  return assert(port, "tests/speed/server.lua does not start"), function()
    os.execute("kill " .. pid)
    pipe:close()
  end
end

--- Counts everything.
--- @return table counts name -> count, beside (instructions), ratio
function M.all()
  local port, stop = vendor()
  local known, found = {}, {}
  local function counted(one, command)
    known[command] = known[command] or per_call(one, command, port)
    return known[command]
  end
  local ok, why = pcall(function()
    for _, one in ipairs(M.list) do
      local count, beside = counted(one, one.command), counted(one, one.beside)
      found[one.name] = { count = count, beside = beside, ratio = count / beside }
    end
  end)
  stop()
  return ok and found or error(why, 0)
end

return M
