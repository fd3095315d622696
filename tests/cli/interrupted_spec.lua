-- Ctrl-C in the middle of a command: what became of the call is said, and nothing of luaprov's inside.
local control = require "tests.contract.control"
local interrupted_call = require "luaprov.cli.interrupted"
local programs = require "tests.interpreter.programs"
local support = require "tests.support"

local ACME = [[
return provider {
  base_url = "https://api.acme.invalid", auth = token_request { url = "{base_url}/login", token = "token",
                                                                secret "key" { required = true } },
  resource "things" {
    path = "/things", text "name" {},
    create = post { expect = 201, id = "id", returns = "nothing" }, get = get {}, delete = delete { expect = 204 },
    update = put { sends = "whole" }, list = get { items = "items", pages = numbered { query = "p={page}" } },
  },
}
]]

local TOKEN = { status = 200, json = { token = "tok-0000" } }
local HELD = { status = 200, hold = true, json = { id = "7" } }

describe("luaprov call, at a Ctrl-C", function()
  local listener, file, folder, tell
  setup(function()
    listener = control.start()
    file, folder = support.file("acme.lua", ACME)
    tell = support.file("tell.lua", [[
      require("luaprov").on("attempt", function(event)
        io.stderr:write("attempt ", tostring(event.status), "\n")
      end)]])
  end)
  teardown(function()
    listener:stop()
    support.clean()
  end)
  before_each(function() listener:reset() end)

  -- Runs a command until it has sent a request for every answer (and until it has said on standard error what `said`
  -- finds), and interrupts it. Returns what it printed on both streams, with HOST for the listener, and its status.
  local function interrupted(words, answers, said)
    listener:script(answers)
    local command = ("exec %s %s LUAPROV_ACME_KEY=FAKE-key LUAPROV_ACME_BASE_URL=%s %s call %s things %s 2>err"):format(
      programs.alone, said and "LUA_INIT=@" .. tell or "", listener.url, programs.luaprov, file, words)
    local pipe = assert(io.popen(("cd %s && rm -f err && mkfifo err && sh -c 'echo $$; %s'; echo \"status $?\"")
      :format(folder, command), "r"))
    local pid = pipe:read("*l")
    local errors = assert(io.open(folder .. "/err"))
    listener:requests(#answers)
    local lines = {}
    while said and not (lines[1] or ""):find(said) do table.insert(lines, 1, errors:read("*l") .. "\n") end
    assert(os.execute("kill -INT " .. pid))
    local out, status = pipe:read("*a"):match("^(.*)status (%d+)\n$")
    pipe:close()
    local err = (errors:read("*a")):gsub("127%.0%.0%.1:%d+", "HOST")
    errors:close()
    return err, tonumber(status), out
  end

  local POST = "luaprov: interrupted: POST HOST/things: "
  local MAYBE = "unknown, it may have been done\n"
  local DONE = { status = 201, json = { id = "7" } }

  for what, case in pairs {
    ["of a create"] = { "create name=n", { TOKEN, HELD }, POST .. MAYBE },
    ["of a get"] = { "get 7", { TOKEN, HELD }, "luaprov: interrupted: GET HOST/things/7: " .. MAYBE },
    ["of a list"] = { "list", { TOKEN, HELD }, "luaprov: interrupted: GET HOST/things: " .. MAYBE },
    ["of a delete"] = { "delete 7", { TOKEN, HELD }, "luaprov: interrupted: DELETE HOST/things/7: " .. MAYBE },
    ["of an update"] = { "update 7 name=n", { TOKEN, { status = 200, json = { id = "7", name = "m" } }, HELD },
                         "luaprov: interrupted: PUT HOST/things/7: " .. MAYBE },
    ["of a token request"] = { "create name=n", { HELD }, "luaprov: interrupted: POST HOST/login: " .. MAYBE
                               .. "luaprov: interrupted: acme things create: not_sent, nothing was done\n" },
    ["of what an update reads first"] = { "update 7 name=n", { TOKEN, HELD },
      "luaprov: interrupted: GET HOST/things/7: " .. MAYBE
      .. "luaprov: interrupted: acme things update: not_sent, nothing was done\n" },
    ["of what a create reads back"] = { "create name=n", { TOKEN, DONE, HELD },
      "luaprov: interrupted: GET HOST/things/7: " .. MAYBE .. POST .. "answered, 201\n" },
  } do
    it("says the outcome, in a line and with 130: " .. what, function()
      local err, status, out = interrupted(case[1], case[2])
      assert.same({ case[3], 130, "" }, { err, status, out })
    end)
  end

  it("says what became of a try, while it waits for the next", function()
    local put = { TOKEN, { status = 200, json = { id = "7", name = "m" } },
                  { status = 503, headers = { ["Retry-After"] = "40" }, json = {} } }
    local err, status, out = interrupted("update 7 name=n --set patience=90", put, "attempt 503")
    assert.same({ "luaprov: interrupted: PUT HOST/things/7: refused, nothing was done\n", 130, "" },
      { err, status, out })
  end)

  it("says it once, of tries that came to the same", function()
    local put = { TOKEN, { status = 200, json = { id = "7", name = "m" } }, { status = 500, json = {} }, HELD }
    local err, status = interrupted("update 7 name=n --set patience=90", put)
    assert.same({ "luaprov: interrupted: PUT HOST/things/7: " .. MAYBE, 130 }, { err, status })
    listener:reset()
    put[3] = { status = 503, headers = { ["Retry-After"] = "0" }, json = {} }
    err, status = interrupted("update 7 name=n --set patience=90", put)
    assert.same({ "luaprov: interrupted: PUT HOST/things/7: " .. MAYBE, 130 }, { err, status })
  end)

  it("takes no 503 for a refusal whose Retry-After says nothing, as the call does not", function()
    for text, outcome in pairs { soon = "unknown, it may have been done", ["5"] = "refused, nothing was done" } do
      local watched = interrupted_call.new("acme things update", "update")
      local request = { method = "PUT", url = "https://api.acme.invalid/things/7" }
      watched:watch(function() return { status = 503, headers = { ["retry-after"] = text } } end)(request, "update")
      assert.same({ "PUT api.acme.invalid/things/7: " .. outcome }, watched:lines())
    end
  end)

  it("keeps what a list has printed", function()
    local first = { status = 200, json = { items = { { id = "1" } } } }
    local items = first.json.items
    for i = 2, 100 do items[i] = { id = tostring(i) } end
    local err, status, out = interrupted("list", { TOKEN, first, HELD })
    assert.equal(130, status)
    assert.truthy(out:find('^{"id":"1"}\n.*{"id":"100"}\n$'), out)
    assert.equal("luaprov: interrupted: GET HOST/things: " .. MAYBE, err)
  end)
end)
