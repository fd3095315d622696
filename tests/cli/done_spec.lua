-- What `luaprov call` has done stays known, whatever becomes of its output; and what it was given of which nobody knows
-- whether it is secret is treated as if it were.
local process = require "tests.sandbox.process"
local run = require "tests.cli.support"

describe("luaprov call", function()
  local box
  setup(function() box = process.start "ocamba onebox --no-limits" end)
  teardown(function() box:stop() end)

  local function environment(more)
    local all = { KEY = "FAKE-key" }
    for name, value in pairs(box.exports) do all[name] = value end
    for name, value in pairs(more or {}) do all[name] = value end
    return all
  end
  local CREATE = { "call", "ocamba", "integrations", "create", "name=done", "provider_id=1004",
                   "settings.sender_name=s", "settings.api_key=env:KEY" }

  it("names what it created when it cannot print it", function()
    local _, err, code = run.sh(run.command(CREATE, environment()) .. " >/dev/full")
    assert.equal(1, code)
    assert.truthy(err:find("luaprov: created 1001: it is done, and cannot be printed\n", 1, true), err)
  end)

  it("is not ended by a reader that has gone, whatever SIGPIPE does", function()
    local command = "env --default-signal=PIPE " .. run.command(CREATE, environment())
    local _, err = run.sh("mkfifo p$$; { sleep 0 <p$$; rm p$$; } & " .. command .. " >p$$; wait")
    assert.truthy(err == "" or err:find("luaprov: created 1002: it is done, and cannot be printed\n", 1, true), err)
    local out = run.run({ "call", "ocamba", "integrations", "get", "1002" }, environment())
    assert.truthy(out:find('"name":"done"', 1, true), out)
  end)

  it("ends as any program does when whoever reads a list has seen enough, and a sandbox does", function()
    -- Nothing is written before the reader has closed its end.
    local function without_reader(command)
      local name = os.tmpname()
      os.remove(name)
      local _, err = run.sh(("mkfifo %s; { read line <%s; %s; echo status $? >&2; } | { exec <&-; echo >%s; }; rm %s")
        :format(name, name, command, name, name))
      return err
    end
    for _, words in ipairs { { "call", "ocamba", "integrations", "list" }, { "sandbox", "ocamba" },
                             { "call", "ocamba", "integrations", "list", "--table" } } do
      run.run(CREATE, environment())
      assert.equal("status 141\n", without_reader(run.command(words, environment())))
      assert.equal("status 141\n", without_reader("env --default-signal=PIPE " .. run.command(words, environment())))
    end
    local out = run.run(CREATE, environment())
    local id = out:match '"id":"?(%d+)'
    assert.equal("luaprov: created " .. id + 1 .. ": it is done, and cannot be printed\nstatus 1\n",
      without_reader(run.command(CREATE, environment())))
    local delete = { "call", "ocamba", "integrations", "delete", id, "--table" }
    assert.equal("luaprov: deleted " .. id .. ": it is done, and cannot be printed\nstatus 1\n",
      without_reader(run.command(delete, environment())))
  end)

  it("closes a value from elsewhere that the provider file does not describe", function()
    local arguments = { "call", "onebox", "connections", "create", "MediaId=WHATP", "ProviderId=PVD30",
                        "ApiKey=env:KEY" }
    local out, err, code = run.run(arguments, environment())
    assert.equal(0, code, err)
    assert.truthy(out:find('"ApiKey":"<secret>"', 1, true), out)
    arguments[#arguments + 1] = "--curl"
    out = run.run(arguments, environment())
    assert.truthy(out:find('"$KEY"', 1, true), out)
    assert.is_nil(out:find("FAKE-key", 1, true), out)
  end)

  it("serves on when nobody reads what the sandbox says of calls", function()
    local fifo = os.tmpname()
    os.remove(fifo)
    local other = process.start("ocamba --no-limits --verbose 2>" .. fifo, ("mkfifo %s; true <%s &"):format(fifo, fifo))
    for _ = 1, 3 do
      local out, err, code = run.run({ "call", "ocamba", "integrations", "list" }, {
        LUAPROV_OCAMBA_TOKEN = "sandbox-token", LUAPROV_OCAMBA_BASE_URL = other.exports.LUAPROV_OCAMBA_BASE_URL })
      assert.equal("", out)
      assert.equal(0, code, err)
    end
    other:stop()
    os.remove(fifo)
  end)
end)
