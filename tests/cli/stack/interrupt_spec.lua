-- Ctrl-C in the midst of an apply: what is on its way ends, nothing new begins; the second ends it at once.
local control = require "tests.contract.control"
local programs = require "tests.interpreter.programs"
local support = require "tests.support"

local ACME = [[
return provider {
  base_url = "https://api.acme.invalid", auth = bearer "token",
  resource "things" {
    path = "/things", text "name" {}, create = post { expect = 201 }, get = get {}, delete = delete { expect = 204 },
  },
}
]]

local SOFT = "luaprov: Ctrl-C: what is on its way is let end, and nothing new begins; another Ctrl-C ends this at "
  .. "once\n"

describe("luaprov apply, at a Ctrl-C", function()
  local listener, folder
  setup(function()
    listener = control.start()
    local _
    _, folder = support.file("acme.lua", ACME)
    programs.write(folder .. "/luaprov.lua", [[
      local acme = use("./acme.lua", { token = secret "tok-0000", timeout = 600 })
      for i = 1, 3 do acme.things(i, { name = "n" .. i }) end]])
  end)
  teardown(function()
    listener:stop()
    support.clean()
  end)
  before_each(function()
    listener:reset()
    os.execute("rm -rf " .. folder .. "/.luaprov")
  end)

  -- Starts an apply, and returns when its first call waits for an answer.
  local function begin()
    listener:script { { status = 201, hold = true, json = { id = "7", name = "n1" } } }
    local command = ("exec %s LUAPROV_ACME_BASE_URL=%s %s apply --yes --parallel 1 2>err"):format(programs.alone,
      listener.url, programs.luaprov)
    local pipe = assert(io.popen(("cd %s && rm -f err && mkfifo err && sh -c 'echo $$; %s'; echo \"status $?\"")
      :format(folder, command), "r"))
    local pid = pipe:read("*l")
    local errors = assert(io.open(folder .. "/err"))
    listener:requests(1)
    return { pid = pid, pipe = pipe, errors = errors }
  end

  local function interrupt(process) assert(os.execute("kill -INT " .. process.pid)) end

  local function finish(process)
    local out, status = process.pipe:read("*a"):match("^(.*)status (%d+)\n$")
    process.pipe:close()
    local err = process.errors:read("*a")
    process.errors:close()
    return out, err, tonumber(status)
  end

  it("lets what is on its way end, begins nothing, and keeps what came of it", function()
    local process = begin()
    interrupt(process)
    assert.equal(SOFT, process.errors:read("*l") .. "\n")
    listener:release()
    local out, err, status = finish(process)
    assert.same({ "", 130 }, { err, status })
    assert.truthy(out:find("\ncreated acme.things.1 %(id 7%)\n1 created, 2 not tried\n$"), out)
    assert.equal(1, #listener:requests())
    local pipe = io.popen(("cd %s && %s %s state list --json"):format(folder, programs.alone, programs.luaprov))
    assert.equal('{"address":"acme.things.1","id":"7","provider":"acme","resource":"things"}\n', pipe:read("*a"))
    pipe:close()
  end)

  it("ends at once at the second, and says what was on its way", function()
    local process = begin()
    interrupt(process)
    assert.equal(SOFT, process.errors:read("*l") .. "\n")
    interrupt(process)
    local out, err, status = finish(process)
    assert.equal(130, status)
    assert.truthy(err:find("^luaprov: interrupted: POST 127.0.0.1:%d+/things: unknown, it may have been done\n"), err)
    assert.is_nil(out:find("created", 1, true), out)
    assert.equal(1, #listener:requests())
  end)
end)
