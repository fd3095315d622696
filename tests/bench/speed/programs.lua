-- The clients that are compared: how each is started, and what it needs. `weight`: about how many microseconds a call
-- takes, so that each round of each takes about as long.
local M = {}

local HERE = "tests/bench/speed/"
local build = os.getenv "BUILD" or "build"
local PYTHON = "env PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "
-- Debian has lua-http and what it stands on for Lua 5.3 and before.
local OLDER = "env LUA_PATH=\"$LUA_PATH;/usr/share/lua/5.3/?.lua;/usr/share/lua/5.3/?/init.lua"
  .. ";/usr/share/lua/5.2/?.lua;/usr/share/lua/5.2/?/init.lua\" "
local SHARE51 = build .. "/share/lua/5.1/?"
local LUAJIT = ("env LUA_PATH='%s.lua;%s/init.lua;./?.lua;;' LUA_CPATH='%s/lib/lua/5.1/?.so;;' luajit "):format(
  SHARE51, SHARE51, build)

local function lua(name) return "lua5.4 -e 'require \"" .. name .. "\"'" end
local function python(name) return PYTHON .. "-c 'import " .. name .. "'" end

local limit, luaprov = build .. "/bench/limit", build .. "/bin/luaprov "

--- { name, command, weight, needs = { command that fails without it, Debian's package }, after = further arguments }
M.limit = { name = "C, libcurl multi: the limit", command = limit, weight = 15 }
M.limit_json = { name = "C, libcurl multi, JSON by hand", command = limit, after = "json", weight = 16 }
M.raw = { name = "luaprov.http and luaprov.json", command = luaprov .. HERE .. "clients/raw.lua", weight = 30 }
M.luaprov = { name = "luaprov, a provider file", command = luaprov .. HERE .. "clients/luaprov.lua", weight = 40 }
M.luajit = {
  name = "the same on LuaJIT", command = LUAJIT .. HERE .. "clients/luaprov.lua", weight = 40,
  needs = { "luajit -v", "luajit2" },
}
M.luasocket = {
  name = "LuaSocket, as it is", command = "lua5.4 " .. HERE .. "peers/luasocket.lua", weight = 100,
  needs = { lua "socket.http", "lua-socket" },
}
M.luasocket_kept = {
  name = "LuaSocket, connection kept", weight = 50,
  command = "env BENCH_KEEP=1 lua5.4 " .. HERE .. "peers/luasocket.lua", needs = { lua "socket.http", "lua-socket" },
}
M.lua_http = {
  name = "lua-http", command = OLDER .. "lua5.4 " .. HERE .. "peers/lua_http.lua", weight = 80,
  needs = { OLDER .. lua "http.client", "lua-http" },
}
M.requests = {
  name = "Python requests", command = PYTHON .. HERE .. "peers/py_requests.py", weight = 400,
  needs = { python "requests", "python3-requests" },
}
M.httpx = {
  name = "Python httpx", command = PYTHON .. HERE .. "peers/py_httpx.py", weight = 1500,
  needs = { python "httpx", "python3-httpx" },
}
M.aiohttp = {
  name = "Python aiohttp", command = PYTHON .. HERE .. "peers/py_aiohttp.py", weight = 350,
  needs = { python "aiohttp", "python3-aiohttp" },
}
M.agent = {
  name = "node http.Agent", command = "node " .. HERE .. "peers/agent.js", weight = 100,
  needs = { "node -v", "nodejs" },
}
M.fetch = {
  name = "node fetch", command = "node " .. HERE .. "peers/fetch.js", weight = 400, needs = { "node -v", "nodejs" },
}
M.curl = {
  name = "curl for each call", command = "sh " .. HERE .. "peers/curl.sh", weight = 6000,
  needs = { "curl -V", "curl" },
}

return M
