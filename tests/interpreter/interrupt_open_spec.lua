-- Ctrl-C, and the end of a script, while a call waits of which an earlier try may have been carried out.
local control = require "tests.contract.control"
local programs = require "tests.interpreter.programs"
local support = require "tests.support"

local ACME = [[
return provider {
  base_url = "https://api.acme.invalid", auth = bearer "token",
  resource "things" {
    path = "/things", key = { "name" }, settles_in = 60, text "name" {},
    create = post { expect = 201 }, get = get {}, update = patch {}, delete = delete { expect = 204 },
    list = get { items = "items" },
  },
}
]]

local DROP = { close = true }
local NONE = { status = 200, json = { items = control.array {} } }
local ITEM = { status = 200, json = { id = "7", name = "n" } }
-- It may have been done, and the next try is far away.
local LATER = { status = 500, headers = { ["Retry-After"] = "40" }, text = "" }
local REFUSED = { status = 429, headers = { ["Retry-After"] = "40" }, text = "" }
local SETTLING = { NONE, DROP, NONE, NONE, NONE } -- the note, the create, and looks for it

describe("what may have been done, while its call waits:", function()
  local listener, folder
  setup(function()
    listener = control.start()
    folder = programs.folder()
    programs.write(folder .. "/work/acme.lua", ACME)
  end)
  teardown(function()
    listener:stop()
    support.clean()
  end)
  before_each(function() listener:reset() end)

  local function script(text)
    programs.write(folder .. "/work/script.lua", ([[
      io.stdout:setvbuf "no"
      local luaprov = require "luaprov"
      -- Said by the loop, once the call waits again.
      luaprov.on("attempt", function(event) luaprov.spawn(print, "attempt", event.method, event.status) end)
      local things = assert(luaprov.client("./acme.lua", { token = "FAKE-token", settle = true, timeout = 60,
        patience = 90, limits = false, base_url = %q })).things
      local function create() return things:create { name = "n" } end
      local function update(id) return things:update(tostring(id), { name = "n" }) end
      ]]):format(listener.url) .. text)
  end

  -- Runs a script until `attempts` tries have ended and the listener has `requests`, and interrupts it; then again, as
  -- often as there are waves. Returns what is said of anything but GET, its status, and all.
  local function interrupted(text, answers, ...)
    listener:script(answers)
    for _ = 1, 9 do listener:script(NONE) end
    script(text)
    local pipe = assert(io.popen(("cd %s/work && sh -c 'echo $$; exec %s %s script.lua 2>&1'; echo \"status $?\"")
      :format(folder, programs.alone, programs.luaprov), "r"))
    local pid, said = pipe:read("*l"), {}
    for _, wave in ipairs { ... } do
      local seen = 0
      while seen < wave.attempts do
        local line = assert(pipe:read("*l"), table.concat(said, "\n"))
        said[#said + 1] = line
        if line:find("^attempt") then seen = seen + 1 end
      end
      if wave.requests then listener:requests(wave.requests) end
      assert(os.execute("kill -INT " .. pid))
    end
    local rest, status = pipe:read("*a"):match("^(.*)status (%d+)\n$")
    pipe:close()
    local lines = {}
    for line in rest:gmatch "luaprov: (%l[^\n]*: %u+ [^\n]*)" do
      if not line:find(": GET ", 1, true) then lines[#lines + 1] = line:gsub("127%.0%.0%.1:%d+", "HOST") end
    end
    return lines, tonumber(status), rest
  end

  local function line(method, path)
    return ("interrupted: %s HOST%s: unknown, it may have been done"):format(method, path)
  end

  local POST, PATCH = line("POST", "/things"), line("PATCH", "/things/7")

  for what, case in pairs {
    ["a create that is looked for"] = { "create()", SETTLING, { POST } },
    ["a create that a task looks for"] = { "luaprov.spawn(create):wait()", SETTLING, { POST } },
    ["a create that map looks for"] = { "luaprov.map({ 1 }, create)", SETTLING, { POST } },
    ["an update that is made again later"] = { "update(7)", { LATER }, { PATCH } },
    ["updates of map"] = { "luaprov.map({ 7, 8, 9 }, update)", { LATER, LATER, LATER },
                           { PATCH, line("PATCH", "/things/8"), line("PATCH", "/things/9") } },
    ["an update that a later try was refused of"] = { "update(7)", { DROP, REFUSED }, { PATCH } },
    ["an update whose next try is on its way"] = { "update(7)", { DROP, { status = 200, hold = true, json = {} } },
                                                   { PATCH }, { attempts = 1, requests = 2 } },
    ["a delete in a task, beside a sleep"] = {
      "luaprov.spawn(function() things:delete '7' end) luaprov.sleep(50)", { LATER }, { line("DELETE", "/things/7") } },
    ["not what was refused"] = { "update(7)", { REFUSED }, {} },
    ["not what was read"] = { "things:get '7'", { LATER }, {} },
    ["not what is known by now"] = { "luaprov.spawn(update, 7) luaprov.sleep(50)", { DROP, ITEM }, {} },
  } do
    it("a Ctrl-C says it once: " .. what, function()
      local lines, status, all = interrupted(case[1], case[2], case[4] or { attempts = #case[2] })
      assert.same(case[3], lines, all)
      assert.equal(130, status)
      assert.truthy(all:find("interrupted!", 1, true), all)
    end)
  end

  it("is said once by a script that catches it and goes on", function()
    local lines, status, all = interrupted("print(pcall(update, 7)) print 'goes on'", { LATER }, { attempts = 1 })
    assert.same({ PATCH }, lines, all)
    assert.truthy(all:find("false\tinterrupted!\ngoes on\n$"), all)
    assert.equal(0, status)
  end)

  it("is said of each call, where a script goes on to another", function()
    local lines, status, all = interrupted("pcall(update, 7) update(8)", { LATER, LATER }, { attempts = 1 },
      { attempts = 1 })
    assert.same({ line("PATCH", "/things/8") }, lines, all)
    assert.equal(130, status)
  end)

  it("is said when the script ends before the call", function()
    for text, case in pairs {
      ["luaprov.spawn(create) while looks < 3 do luaprov.sleep(0.01) end"] = { SETTLING, "POST HOST/things" },
      ["luaprov.spawn(update, 7) while tries < 1 do luaprov.sleep(0.01) end"] = { { LATER }, "PATCH HOST/things/7" },
    } do
      listener:reset()
      listener:script(case[1])
      for _ = 1, 9 do listener:script(NONE) end
      script([[
        local tries, looks = 0, 0
        luaprov.on("attempt", function(event)
          tries = tries + 1
          if event.method == "GET" then looks = looks + 1 end
        end)
        ]] .. text)
      local result = programs.sh(folder, "timeout 20 " .. programs.alone .. " " .. programs.luaprov .. " script.lua")
      local said = result.err:gsub("127%.0%.0%.1:%d+", "HOST"):gsub("[^\n]*: GET [^\n]*\n", "")
      assert.equal("luaprov: ended with the script: " .. case[2] .. ": unknown, it may have been done\n", said)
      assert.equal(0, result.status)
    end
  end)

  it("is not said when it was known before the script ended", function()
    listener:script { LATER }
    script "print(luaprov.deadline(20, update, 7))"
    local result = programs.sh(folder, "timeout 20 " .. programs.alone .. " " .. programs.luaprov .. " script.lua")
    assert.truthy(result.out:find "^nil\t", result.out)
    assert.equal("", result.err)
  end)
end)
