local core = require "luaprov.core"
local options = require "luaprov.cli.stack.options"
local progress = require "luaprov.cli.stack.progress"
local run = require "tests.cli.support"
local secret = require "luaprov.secret"

describe("the line of progress", function()
  local function text(about)
    local all = { what = "done", done = 0, total = 40, seconds = 0, waits = {} }
    for name, value in pairs(about) do all[name] = value end
    return progress.text(all)
  end

  it("says how far it is, how fast, how long it takes yet, and what waits for a limit", function()
    assert.equal("done 0 of 40", text {})
    assert.equal("done 10 of 40, 2.0 a second, 15 s left", text { done = 10, seconds = 5 })
    assert.equal("done 40 of 40, 20 a second", text { done = 40, seconds = 2 })
    assert.equal("done 10 of 40, 2.0 a second, 15 s left, waits for a limit: acme, eu",
      text { done = 10, seconds = 5, waits = { "acme", "eu" } })
  end)

  it("takes no less time than the vendors' limits allow", function()
    assert.equal("done 0 of 40, 2 min 0 s left", text { seconds = 1, least = 121 })
    assert.equal("done 10 of 40, 2.0 a second, 1 min 35 s left", text { done = 10, seconds = 5, least = 100 })
    assert.equal("done 10 of 40, 2.0 a second, 15 s left", text { done = 10, seconds = 5, least = 6 })
  end)
end)

describe("a terminal", function()
  it("says how wide it is, and a pipe does not", function()
    local script = "io.write(tostring((require 'luaprov.core'.columns(1))), '|')"
    local command = ("stty cols 37; %s -e %s"):format(run.quote(os.getenv "LUAPROV_BUILD" .. "/bin/luaprov"),
      run.quote(script))
    local out = run.sh("env -u LD_PRELOAD script -qec " .. run.quote(command) .. " /dev/null </dev/null")
    assert.truthy(out:find("37|", 1, true), out)
    assert.is_nil((core.columns(-1)))
  end)
end)

describe("the place of the state", function()
  local function place(args)
    local warnings = {}
    local at, shown = options.place(args, function(warning) warnings[#warnings + 1] = warning end)
    return at, shown, #warnings
  end

  it("is beside the manifest", function()
    assert.same({ ".luaprov/state.db", ".luaprov/state.db", 0 }, { place {} })
    assert.equal(".luaprov/state.db", (place { file = "other.lua" }))
    assert.equal("/srv/a/.luaprov/state.db", (place { file = "/srv/a/luaprov.lua" }))
    assert.equal("state.db", (place { file = "/srv/a/luaprov.lua", state = "state.db" }))
  end)

  it("is a secret where it is a URL, and is shown without what is secret in it", function()
    for url, about in pairs {
      ["postgres://ann:FAKE@db.example:5432/luaprov?sslmode=require"] = { "postgres://db.example:5432/luaprov", 1 },
      ["postgresql://db.example/luaprov?password=FAKE"] = { "postgresql://db.example/luaprov", 1 },
      ["postgresql://ann@db.example/luaprov"] = { "postgresql://db.example/luaprov", 0 },
      ["postgresql:///luaprov?host=/run/pg"] = { "postgresql:///luaprov", 0 },
    } do
      local at, shown, warnings = place { state = url }
      assert.is_true(secret.is(at))
      assert.equal(url, at:reveal())
      assert.same(about, { shown, warnings })
    end
  end)
end)
