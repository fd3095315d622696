-- What is measured, and what is wanted of it. A goal is about one client: `most`, times the limit at most (`gate`: more
-- is beyond it); `less`, how many times less than this client luaprov takes at least; `share`, how much of luaprov's
-- call, in hundredths, it may take more than this client.
local programs = require "tests.bench.speed.programs"

local PLAIN = { programs.limit_json, programs.raw, programs.luaprov, programs.luajit }

local function with(...)
  local list = {}
  for i, program in ipairs(PLAIN) do list[i] = program end
  for _, program in ipairs { ... } do list[#list + 1] = program end
  return list
end

local SLOW = { programs.limit_json, programs.raw, programs.luaprov }

--- @param server table of server.lua
--- @param ca string the authority's file
return function(server, ca)
  local trusted, all_at_once = "env BENCH_CA=" .. ca, "env BENCH_CONNECTIONS=20000"
  local sections = {
    {
      name = "one after another", charted = true, place = { url = server.url, at_once = 1, seconds = 0.25 },
      programs = with(programs.luasocket, programs.luasocket_kept, programs.requests, programs.curl),
      goals = {
        [programs.luaprov.name] = { most = 1.5, gate = 1.7 }, [programs.raw.name] = { share = 20 },
        [programs.luasocket.name] = { less = 3 },
        [programs.requests.name] = { less = 10 }, [programs.curl.name] = { less = 200 },
      },
    },
    {
      name = "64 in flight", charted = true, place = { url = server.url, at_once = 64, seconds = 0.25 },
      programs = with(programs.lua_http, programs.agent, programs.aiohttp, programs.fetch, programs.httpx),
      goals = {
        [programs.luaprov.name] = { most = 1.5, gate = 1.8 }, [programs.raw.name] = { share = 20 },
        [programs.lua_http.name] = { less = 3 },
        [programs.agent.name] = { less = 3.5 }, [programs.aiohttp.name] = { less = 8 },
        [programs.fetch.name] = { less = 15 },
      },
    },
    { name = "TLS, HTTP/1.1, 64 in flight", programs = SLOW,
      place = { url = server.tls, at_once = 64, seconds = 0.2, environment = trusted } },
    { name = "TLS, HTTP/2, 64 in flight", programs = SLOW,
      place = { url = server.http2, at_once = 64, seconds = 0.2, environment = trusted } },
  }
  if server.is_slow then
    sections[#sections + 1] = {
      name = "1,000 in flight, the vendor takes 200 ms", programs = SLOW,
      place = { url = server.url .. "/after/0.2", at_once = 1000, calls = 6000, environment = all_at_once },
    }
    sections[#sections + 1] = {
      name = "1,000 calls a second with 1,000 in flight", programs = { programs.limit_json, programs.luaprov },
      place = { url = server.url .. "/after/0.95", at_once = 1000, calls = 4000,
                environment = all_at_once .. " BENCH_RATE=1000" },
      goals = { [programs.luaprov.name] = { most = 1.3 } },
    }
  end
  return sections
end
