-- Secrets planted in every credential and every secret field of every provider, every operation and every fault, and a
-- look for them in all that is printed and written: see canary/run.lua. And a look at the looking.
local look = require "tests.canary.look"
local support = require "tests.support"
local values = require "tests.canary.values"

local here = io.popen("pwd"):read("*l")

local function quote(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

local runs = {} -- in the order in which they are started

-- Notes a run, for `start`.
local function plan(provider, environment)
  local folder = support.folder()
  os.execute("mkdir " .. folder .. "/searched " .. folder .. "/searched.given " .. folder .. "/searched/home")
  local run = { folder = folder .. "/searched", out = folder .. "/out", code = folder .. "/code" }
  local variables = { HOME = run.folder .. "/home", TMPDIR = run.folder, LUAPROV_LOG = "debug", LUA_PATH = package.path,
                      LUA_CPATH = package.cpath, ASAN_OPTIONS = "detect_leaks=0" }
  for name, value in pairs(environment or {}) do variables[name] = value end
  local words = { "env" }
  for name, value in pairs(variables) do words[#words + 1] = quote(name .. "=" .. value) end
  run.command = ("(cd %s && %s %s %s/tests/canary/run.lua %s %s >%s 2>&1; echo $? >%s)"):format(quote(run.folder),
    table.concat(words, " "), support.interpreter, quote(here), quote(run.folder), quote(provider), run.out, run.code)
  runs[#runs + 1] = run
  return run
end

-- Some at a time: they wait more than they work.
local function start()
  local lanes = { {}, {}, {}, {} }
  for i, run in ipairs(runs) do table.insert(lanes[i % #lanes + 1], run.command) end
  for i, lane in ipairs(lanes) do lanes[i] = "{ " .. table.concat(lane, "; ") .. "; } &" end
  os.execute(table.concat(lanes, " ") .. " wait")
  for _, run in ipairs(runs) do
    run.output = support.read(run.out)
    run.code = tonumber(support.read(run.code))
    run.tail = run.output:sub(-800)
  end
end

-- What a sanitizer looks at is the same for all: one is enough for it, and slow.
local NAMES = { "onebox", "hubster", "myreports", "ocamba", "acme", "acme with long secrets" }
if os.getenv "LD_PRELOAD" then NAMES = { "acme" } end

describe("canaries", function()
  local normal, leaking = {}, {}

  setup(function()
    local acme = support.file("acme.lua", require "tests.canary.acme")
    for _, name in ipairs(NAMES) do
      local long = name:find " long " and "1" or nil
      normal[name] = plan(name:find "^acme" and acme or name, { CANARY_LONG = long })
    end
    for _, how in ipairs { "wire", "scrub", "listener" } do
      leaking[how] = plan("myreports", { CANARY_LEAK = how })
    end
    local text = support.read("lua/luaprov/providers/myreports.lua"):gsub('secret( +"apiKey")', "text%1")
    leaking["a provider file that does not say what is secret"] = plan((support.file("undeclared.lua", text)),
      { CANARY_LEAK = "file", CANARY_FIELD = "apiKey" })
    start()
  end)
  teardown(support.clean)

  for _, name in ipairs(NAMES) do
    describe("of " .. name .. ":", function()
      local run
      before_each(function() run = normal[name] end)

      it("every one was sent, and none is printed", function()
        assert.equal(0, run.code, run.tail)
        local exchanges, errors = run.output:match("\ndone: (%d+) exchanges, (%d+) errors, %d+ secrets")
        assert.truthy(tonumber(exchanges or 0) > 300, run.tail)
        assert.truthy(tonumber(errors) > 300, run.tail)
        assert.is_nil(run.output:match("never sent: [^\n]*"))
        for _, words in ipairs { "<secret>", "\nluaprov: " .. name:match("%w+") .. " ", "stack traceback:",
                                 "luaprov: ended with the script: " } do
          assert.truthy(run.output:find(words, 1, true), words)
        end
        assert.same({}, look.find(run.output))
      end)

      it("none is in a file", function()
        local list = io.popen("find " .. quote(run.folder) .. " -type f -o -type p -o -type l")
        local found = {}
        for path in list:lines() do
          if not path:find "/records$" then
            found[#found + 1] = path
            assert.same({}, look.find(path .. "\n" .. support.read(path)))
          end
        end
        list:close()
        -- None at all is written.
        assert.same({}, found)
      end)

      it("the sandbox's file has those of records, for its owner's eyes, and no credential or token", function()
        local path, provider = run.folder .. "/records", name:match("%w+")
        local stat = io.popen("stat -c %a " .. quote(path))
        assert.equal("600", stat:read("*l"))
        stat:close()
        local text = support.read(path)
        assert.truthy(text:find(values.CORE .. "-" .. provider .. ".", 1, true) ~= nil, "no record's secret is there")
        for _, option in ipairs { "token", "password", "client_secret", "refresh_token", "key", "refresh", "tenant" } do
          assert.is_nil(text:find(values.mark(provider .. "." .. option), 1, true))
        end
        -- A token is a UUID between two cores.
        assert.is_nil(text:find(values.CORE .. "%x+%-%x+%-"))
      end)
    end)
  end

  for _, how in ipairs { "wire", "scrub", "listener", "a provider file that does not say what is secret" } do
    it("are found when there is a leak: " .. how, function()
      local run = leaking[how]
      assert.equal(0, run.code, run.tail)
      assert.truthy(#look.find(run.output) > 0)
    end)
  end
end)

describe("looking", function()
  local uri = require "luaprov.uri"

  it("finds a canary in every spelling", function()
    local value = values.of "look"
    local escaped = value:gsub('[\\"]', "\\%0")
    for spelling, text in pairs {
      raw = value, json = escaped, ["json in json"] = escaped:gsub('[\\"]', "\\%0"), url = uri.escape(value),
      ["url, twice"] = uri.escape(uri.escape(value)), upper = value:upper(), ["a part"] = value:sub(-8),
      ["letters as JSON escapes"] = value:gsub(".", function(c) return ("\\u%04x"):format(c:byte()) end),
      ["letters as URL escapes"] = value:gsub(".", function(c) return ("%%%02x"):format(c:byte()) end),
      ["letters as HTML escapes"] = value:gsub(".", function(c) return ("&#%d;"):format(c:byte()) end),
      hex = value:gsub(".", function(c) return ("%02X"):format(c:byte()) end),
      base64 = look.base64(value), ["base64, one byte on"] = look.base64("x" .. value),
      ["base64, two bytes on"] = look.base64("xy" .. value),
      ["base64 of a header"] = look.base64("Bearer " .. value .. "\n"),
    } do
      assert.truthy(#look.find("before " .. text .. " after") > 0, spelling)
    end
  end)

  it("finds nothing where there is none", function()
    assert.same({}, look.find "K4n4r canary K4n4-r1 SzRuNHI= <secret> 4b346e3472")
    assert.same({}, look.find(""))
  end)
end)
