local json = require "luaprov.json"
local load = require "luaprov.provider.load"
local run = require "tests.cli.support"
local support = require "tests.support"

local ACME = [[
return provider {
  title = "Acme \27[31mRed", base_url = "https://{place}.acme.invalid",
  text "place" { default = "eu" },
  boolean "loud" { default = false, about = "shouts" },
  auth = { bearer "token", token_request {
    url = "{base_url}/login", text "user" { required = true }, secret "pass-word" { required = true }, token = "t" } },
  limits = { { 10, per = 1 } },
  resource "things" {
    about = "what Acme makes", path = "/sites/{site}/things", key = { "name" }, unique = true,
    integer "site" { required = true, fixed = true, path = true },
    text "name" { required = true, min = 1, max = 9, pattern = "^%a" },
    choice "kind" { required = true, values = { "zinc", "aluminium" } },
    choice "state" { values = { ["1"] = "on", ["0"] = "off" }, default = "1" },
    group "inside" { whole = true,
      by "kind" {
        zinc = { secret "key" { required = true } }, aluminium = { unknown = "pass", list "tags" { of = text {} } } },
    },
    text "made" { computed = true }, list "some" { min = 1 }, text "one" { max = 1 }, list "two" { min = 1, max = 2 },
    create = post {}, list = get { items = "items", query = { "name", "kind" } },
  },
}
]]

local function decode_lines(text)
  local list = {}
  for line in text:gmatch("[^\n]+") do list[#list + 1] = assert(json.decode(line)) end
  return list
end

describe("luaprov providers", function()
  after_each(support.clean)

  it("lists every provider, a line of JSON each on a pipe", function()
    local out, err, code = run.run { "providers" }
    assert.equal(0, code)
    assert.equal("", err)
    local names = {}
    for i, provider in ipairs(decode_lines(out)) do
      names[i] = provider.name
      assert.is_nil(provider.file)
      assert.equal(provider.title, load.load(provider.name).title)
      assert.truthy(#provider.resources > 0 and #provider.credentials > 0)
    end
    assert.same({ "hubster", "myreports", "ocamba", "onebox" }, names)
  end)

  it("and a table on a terminal", function()
    local _, folder = support.file("acme.lua", ACME)
    local shown, code = run.on_terminal { "providers", "--providers", folder }
    assert.equal(0, code, shown)
    local lines = {}
    for line in shown:gmatch("[^\n]+") do lines[#lines + 1] = line end
    assert.truthy(lines[1]:find("^NAME +TITLE +RESOURCES +BASE URL +FILE$"), shown)
    -- A terminal would obey the escape in the title.
    assert.truthy(lines[2]:find("^acme +Acme \\x1b%[31mRed +things +https://{place}%.acme%.invalid +" .. folder), shown)
    assert.truthy(lines[4]:find("^myreports +MyReports +pbxs +https://"), shown)
    assert.equal(6, #lines)
    assert.equal((run.run { "providers", "--table" }), (run.on_terminal { "providers" }))
    assert.equal((run.run { "providers" }), (run.on_terminal { "providers", "--json" }))
  end)

  it("shows the others beside a file that is broken, and ends with 1", function()
    local file, folder = support.file("acme.lua", "return provider {\n  base_url = 7,\n  titel = 'x',\n}\n")
    local out, err, code = run.run { "providers", "--providers", folder }
    assert.equal(1, code)
    assert.equal(4, #decode_lines(out))
    assert.truthy(err:find(file .. ":2: provider: option 'base_url' must be a string", 1, true), err)
    assert.truthy(err:find(file .. ":3: provider: unknown option 'titel' (did you mean 'title'?)", 1, true), err)
    out, err, code = run.run { "providers", "acme", "--providers", folder }
    assert.equal(1, code)
    assert.equal("", out)
    assert.truthy(err:find(file .. ":3: ", 1, true), err)
  end)

  it("warns of names that have the same environment variables, which no sandbox serves together", function()
    local text = support.provider(support.operations)
    local file, folder = support.file("my-api.lua", text)
    local other = folder .. "/my_api.lua"
    assert(os.execute("cp " .. file .. " " .. other))
    local out, err, code = run.run { "providers", "--providers", folder }
    assert.same({ 0, 6 }, { code, #decode_lines(out) })
    local said = "my-api and my_api share their environment variables, LUAPROV_MY_API_…"
    assert.equal("luaprov: warning: " .. said .. "\n", err)
    out, err, code = run.run { "sandbox", file, other }
    assert.same({ 1, "" }, { code, out })
    assert.truthy(err:find(said .. ": serve one of them", 1, true), err)
  end)

  it("passes over scripts in a folder of provider files, and so do types and sandbox", function()
    local _, folder = support.file("acme.lua", ACME)
    local script = assert(io.open(folder .. "/script.lua", "wb"))
    script:write("local luaprov = require 'luaprov'\nprint(luaprov.version)\n")
    script:close()
    local out, err, code = run.run { "providers", "--providers", folder }
    assert.same({ 0, "" }, { code, err })
    assert.equal(5, #decode_lines(out))
    out, err, code = run.run { "types", "--providers", folder }
    assert.same({ 0, "" }, { code, err })
    assert.truthy(out:find('name: "acme"', 1, true))
    assert.is_nil(out:find('name: "script"', 1, true))
    assert.equal("true\tnil", support.child([[
      local box = assert(require("luaprov").sandbox.start())
      print(box.base_url.acme ~= nil, box.base_url.script)
      box:stop()]], { LUAPROV_PATH = folder }))
  end)

  it("says that lua-filesystem is missing", function()
    local _, err, code = run.run({ "providers" }, {}, "package.preload.lfs = function() error 'gone' end")
    assert.equal(1, code)
    assert.truthy(err:find("apt-get install lua-filesystem", 1, true), err)
  end)

  it("knows what was meant by a name", function()
    local out, err, code = run.run { "providers", "hubser" }
    assert.equal(64, code)
    assert.equal("", out)
    assert.truthy(err:find("there is no provider 'hubser' (did you mean 'hubster'?)", 1, true), err)
  end)

  it("knows that a file of the folder was meant", function()
    local path = "luaprov_test_acme.lua"
    assert(io.open(path, "wb")):close()
    local said = {}
    for _, name in ipairs { path, "luaprov_test_acme" } do said[name] = select(2, run.run { "providers", name }) end
    os.remove(path)
    for name, err in pairs(said) do
      assert.truthy(err:find("there is no provider '" .. name .. "'; a file here is given as ./" .. path, 1, true), err)
    end
  end)

  it("shows all of a user's provider file", function()
    local file = support.file("acme.lua", ACME)
    local out, err, code = run.run { "providers", file, "--table" }
    assert.equal(0, code, err)
    local at = 1
    -- In this order.
    for _, pattern in ipairs {
      "^acme: Acme \\x1b%[31mRed\n", "base URL +https://{place}", "file +" .. file, "limit +10 calls in 1 s",
      "credentials: a token", "token +secret +LUAPROV_ACME_TOKEN +required",
      "or: a token is asked for at {base_url}/login", "user +text +LUAPROV_ACME_USER +required",
      "pass%-word +secret +LUAPROV_ACME_PASS_WORD +required",
      "settings\n", "place +text +LUAPROV_ACME_PLACE +default eu",
      "loud +boolean +LUAPROV_ACME_LOUD +default false; shouts",
      "options of every provider", "timeout +seconds +LUAPROV_ACME_TIMEOUT +default 30",
      "\nthings: what Acme makes\n", "create +POST /sites/{site}/things\n",
      "list +GET /sites/{site}/things +filters name, kind\n",
      "site +integer +required; in the path; fixed after create\n",
      "name +text +required; 1 to 9 characters; matches %^%%a\n", "kind +choice +required; one of zinc, aluminium\n",
      "state +choice +default 1; one of 0 %(off%), 1 %(on%)\n", "inside +group +replaced whole by an update\n",
      "with kind = zinc\n", "key +secret +required\n", "with kind = aluminium: other fields, too\n",
      "tags +list +of text\n", "made +text +computed\n",
      "some +list +at least 1 item\n", "one +text +at most 1 character\n", "two +list +1 to 2 items\n",
      "key: name; the vendor refuses a second\n",
    } do
      local first, last = out:find(pattern, at)
      assert.truthy(first, "no " .. pattern .. " in: " .. out:sub(at))
      at = last
    end
  end)

  it("and as one JSON object", function()
    local file = support.file("acme.lua", ACME)
    local out = run.run { "providers", file }
    local acme = assert(json.decode(out))
    assert.equal("Acme \27[31mRed", acme.title)
    assert.equal(file, acme.file)
    assert.same({ { calls = 10, seconds = 1 } }, acme.limits)
    assert.same({ name = "loud", type = "boolean", default = false, about = "shouts", variable = "LUAPROV_ACME_LOUD" },
      acme.settings[2])
    local things = acme.resources[1]
    assert.same({ name = "list", method = "GET", path = "/sites/{site}/things", query = { "name", "kind" } },
      things.operations[2])
    assert.same({ { value = "0", label = "off" }, { value = "1", label = "on" } }, things.fields[4].values)
    local variants = things.fields[5].variants[1]
    assert.same({ "kind" }, variants.by)
    assert.same({ value = "zinc", fields = { { name = "key", type = "secret", required = true } } }, variants.cases[1])
    assert.equal("pass", variants.cases[2].unknown)
  end)

  it("shows every field of every provider of ours", function()
    for _, name in ipairs(load.names()) do
      local out = run.run { "providers", name, "--table" }
      local function check(shape)
        for _, field in ipairs(shape.fields) do
          assert.truthy(out:find("\n +" .. field.name:gsub("%p", "%%%0") .. " +" .. field.type), field.name)
          if field.shape then check(field.shape) end
        end
        for _, by in ipairs(shape.by) do
          for key, case in pairs(by.cases) do
            assert.truthy(out:find("with " .. table.concat(by.selectors, " ") .. " = " .. key, 1, true), key)
            check(case)
          end
        end
      end
      for _, resource in ipairs(load.load(name).resources) do check(resource.shape) end
    end
  end)
end)
