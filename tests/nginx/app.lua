-- What runs within nginx in the tests: /app/NAME calls the function of that name, and answers with what it returns.
local luaprov = require "luaprov"

local ngx = rawget(_G, "ngx")
local M = {}

--- Runs an example unchanged, but for where it prints to and how it ends.
function M.example(name)
  local lines = {}
  local environment = setmetatable({
    print = function(line) lines[#lines + 1] = line end,
    os = setmetatable({ exit = function() end }, { __index = os }),
  }, { __index = _G })
  local chunk = assert(loadfile("examples/" .. name .. ".lua"))
  rawget(_G, "setfenv")(chunk, environment)
  chunk()
  return table.concat(lines, "\n")
end

function M.quickstart() return M.example "quickstart" end

local clients = {}

local function client_of(provider, url, options)
  local key = provider .. url .. ngx.encode_args(options)
  if not clients[key] then
    local given = { base_url = url }
    for option, value in pairs(options) do given[option] = value end
    clients[key] = assert(luaprov.client("tests/nginx/" .. provider .. ".lua", given))
  end
  return clients[key]
end

--- A client of the vendor at `url`.
function M.client(url, options)
  options = options or {}
  options.token = "tok-0000"
  return client_of("acme", url, options)
end

local function told(records, err)
  return records and #records .. " records" or tostring(err) .. " " .. err.outcome
end

--- One list of the vendor at ?url=; ?timeout= and so on are options of the client.
function M.list()
  local options = ngx.req.get_uri_args()
  local url = options.url
  options.url = nil
  for name, value in pairs(options) do options[name] = tonumber(value) or value end
  options.attempts = options.attempts or 1
  return told(M.client(url, options).things:list())
end

--- One list of a vendor that counts; answers with the worker's pid, too.
function M.counted()
  local arguments = ngx.req.get_uri_args()
  local client = client_of("counting", arguments.url, { client_id = "c", client_secret = "s-0000",
    timeout = tonumber(arguments.timeout) or 20, patience = 30 })
  return ngx.worker.pid() .. " " .. told(client.things:list())
end

--- A create that is settled: one of a key at a time.
function M.create()
  local client = client_of("keyed", ngx.req.get_uri_args().url, { token = "tok-0000", settle = true })
  local record, err = client.things:create { name = "x" }
  return record and record.id or tostring(err)
end

--- One list of a vendor that wants one call at once.
function M.one()
  return told(client_of("single", ngx.req.get_uri_args().url, { token = "tok-0000" }).things:list())
end

--- Two of them, one after the other, and a rest between in which nothing of luaprov's goes on.
function M.twice()
  local first = M.list()
  ngx.sleep(0.7)
  return first .. ", " .. M.list()
end

--- ?count= lists at once.
function M.many()
  local arguments = ngx.req.get_uri_args()
  local client, list, counts = M.client(arguments.url, { attempts = 1 }), {}, {}
  for i = 1, tonumber(arguments.count) do list[i] = i end
  local _, errors = luaprov.map(list, function(i)
    local records, err = client.things:list()
    counts[i] = told(records, err)
    return records, err
  end, { concurrency = #list })
  return #counts .. " calls" .. (next(errors) and ", " .. tostring(errors[next(errors)]) or "")
end

--- A call in a light thread, and ngx.exit in the midst of it.
function M.exit()
  luaprov.spawn(M.list)
  ngx.sleep(0.05)
  ngx.status = 200
  ngx.say("exit")
  return ngx.exit(200)
end

--- A call, and ngx.exit while a task waits for what is none of luaprov's.
function M.abandon()
  luaprov.spawn(function() ngx.sleep(60) end)
  ngx.print(M.list())
  return ngx.exit(200)
end

--- What is left of it in the worker.
function M.count() return tostring(collectgarbage("count")) end

function M.serve()
  local name = ngx.var.uri:match("^/app/(%w+)$")
  ngx.print(M[name]())
end

-- ---- tasks ----

local tasks = {}

function tasks.map()
  local results, errors = luaprov.map({ 3, 1, 2 }, function(n, i)
    luaprov.sleep(n / 100)
    if n == 2 then return nil, "no " .. i end
    return n * 10
  end)
  assert(results[1] == 30 and results[2] == 10 and results[3] == nil and errors[3] == "no 3")
  local ok, err = pcall(luaprov.map, { 1, 2 }, function() error("raised") end)
  assert(not ok and tostring(err):find("raised"))
end

function tasks.beside_each_other()
  local count, most = 0, 0
  luaprov.map({ 1, 2, 3, 4, 5, 6, 7, 8 }, function()
    count = count + 1
    most = math.max(most, count)
    luaprov.sleep(0.01)
    count = count - 1
  end, { concurrency = 4 })
  assert(most == 4 and count == 0)
end

function tasks.all()
  local results = luaprov.all { function() luaprov.sleep(0.02) return "a" end, function() return "b" end }
  assert(results[1] == "a" and results[2] == "b")
end

function tasks.spawn()
  local task = luaprov.spawn(function(a, b)
    luaprov.sleep(0.01)
    return a + b, "more"
  end, 1, 2)
  assert(not task:done())
  local sum, more = task:wait()
  assert(sum == 3 and more == "more" and task:done())
  assert(task:wait() == 3)
  local failing = luaprov.spawn(function() error("raised") end)
  local ok, err = pcall(failing.wait, failing)
  assert(not ok and tostring(err):find("raised"))
end

function tasks.cancel()
  local seen
  local task = luaprov.spawn(function()
    local ok, err = pcall(luaprov.sleep, 20)
    seen = not ok and err.kind
    local records
    records, err = M.client("http://127.0.0.1:1").things:list()
    assert(not records)
    return err.kind
  end)
  assert(task:cancel())
  assert(task:wait() == "cancelled" and seen == "cancelled" and not task:cancel())
end

function tasks.deadline()
  local began = ngx.now()
  local ok, err = pcall(luaprov.deadline, 0.05, function() luaprov.sleep(20) end)
  ngx.update_time()
  assert(not ok and err.kind == "timeout" and ngx.now() - began < 5)
  assert(luaprov.deadline(5, function() luaprov.sleep(0.001) return "done" end) == "done")
  luaprov.sleep(0.06) -- none is left
end

-- ngx_lua uses coroutines again: a deadline must not outlive its code, nor be lost in a coroutine of it.
function tasks.coroutines()
  luaprov.deadline(0.05, function()
    local inner = coroutine.wrap(function()
      local ok, err = pcall(luaprov.sleep, 20)
      coroutine.yield(ok or err.kind)
    end)
    assert(inner() == "timeout")
  end)
  local co = coroutine.create(function(a)
    local b = coroutine.yield(a + 1)
    luaprov.sleep(0.001)
    return b
  end)
  local _, first = coroutine.resume(co, 1)
  local _, second = coroutine.resume(co, "b")
  assert(first == 2 and second == "b" and coroutine.status(co) == "dead")
end

-- …and what has ended goes, within a task or a deadline as elsewhere.
function tasks.collected()
  local seen = setmetatable({}, { __mode = "k" })
  local function make()
    for _ = 1, 100 do
      local co = coroutine.create(function() luaprov.deadline(5, function() end) end)
      seen[co] = true
      assert(coroutine.resume(co))
    end
  end
  local task = luaprov.spawn(make)
  task:wait()
  luaprov.deadline(5, make)
  collectgarbage()
  collectgarbage()
  local left = 0
  for _ in pairs(seen) do left = left + 1 end
  assert(left < 10, left .. " coroutines of 200 are left") -- some slots of the stack may hold one
end

function M.tasks()
  local failures = {}
  for name, fn in pairs(tasks) do
    local ok, err = xpcall(fn, debug.traceback)
    if not ok then failures[#failures + 1] = name .. ": " .. tostring(err) end
  end
  return failures[1] and table.concat(failures, "\n") or "all is well"
end

-- ---- phases ----

--- In another phase: what it returns, or raises, is kept for /app/noted.
local noted = {}
function M.note(name, fn)
  local ok, value = pcall(fn)
  noted[name] = tostring(ok) .. " " .. tostring(value)
  return ok, value
end

function M.noted() return noted[ngx.req.get_uri_args().name] or "" end

--- The same in a timer; answers at once.
function M.timer()
  local name, arguments = ngx.req.get_uri_args().name, ngx.req.get_uri_args()
  assert(ngx.timer.at(0, function()
    M.note(name, function()
      if M[name] then return M[name]() end
      return told(M.client(arguments.url, { attempts = 1 }).things:list())
    end)
  end))
  return "started"
end

return M
