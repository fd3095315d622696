-- What README.md shows is Lua, its commands do what it says, and its table is up to date.
local load_provider = require("luaprov.provider.load").compile
local process = require "tests.sandbox.process"
local readme_table = require "tests.readme_table"
local support = require "tests.support"

local build = os.getenv("LUAPROV_BUILD") or "build"

local read = support.read

-- Runs commands of the README as they stand, in the environment that a sandbox printed.
local function in_shell(commands, box, folder)
  local script = { "set -e; PATH=" .. build .. "/bin:$PATH; unset LUA_PATH LUA_CPATH; cd " .. folder }
  for name, value in pairs(box.exports) do script[#script + 1] = "export " .. name .. "=" .. value end
  script[#script + 1] = commands
  local path = support.file("commands.sh", table.concat(script, "\n"))
  local pipe = io.popen("sh " .. path .. " 2>&1; echo status $?", "r")
  local output = pipe:read("*a")
  pipe:close()
  return output, tonumber(output:match("status (%d+)\n$"))
end

describe("README.md", function()
  local text = read "README.md"

  it("shows Lua that can be run", function()
    local blocks = 0
    for block in text:gmatch("\n```lua\n(.-)\n```") do
      blocks = blocks + 1
      local chunk, why = load(block, "@README.md")
      assert.is_function(chunk, why)
    end
    assert.is_true(blocks >= 4)
  end)

  it("says how to write a provider: an API of ten lines, a file of thirty", function()
    local api = assert(text:match("\n```\n(https://api%.acme%.example.-\n)```\n"))
    assert.equal(10, select(2, api:gsub("\n", "")))
    local source = assert(text:match("\n```lua\n(%-%- acme%.lua\n.-\n)```"))
    assert.is_true(select(2, source:gsub("\n", "")) <= 30)
    local provider, err = load_provider(source, "acme.lua", "acme")
    assert.is_table(provider, tostring(err))
  end)

  it("lets it be tried in the sandbox, word by word", function()
    local source = assert(text:match("\n```lua\n(%-%- acme%.lua\n.-\n)```"))
    local first, second = text:match("\n```sh\n(luaprov sandbox %./acme%.lua)\n```\n\n```sh\n(.-)```")
    local path, folder = support.file("acme.lua", source)
    local box = process.start(first:match("sandbox (.*)$"), "cd " .. folder .. ";")
    local output, code = in_shell(second, box, folder)
    box:stop()
    assert.equal(0, code, output)
    assert.is_truthy(output:find('"number":"+4930123456"', 1, true), output)
    assert.is_truthy(output:find('"number":"+4930654321"', 1, true), output)
    assert.is_truthy(output:find("---@class luaprov.acme.", 1, true), output)
    assert.is_string(read(path))
    support.clean()
  end)

  it("shows commands that do what it says", function()
    local block = assert(text:match("\n```sh\n(luaprov providers hubster .-)```"))
    local box = process.start()
    local output, code = in_shell("MITTO_KEY=FAKE-key; export MITTO_KEY\n" .. block, box, ".")
    box:stop()
    assert.equal(0, code, output)
    assert.is_truthy(output:find('"name":"Sales"', 1, true), output)
    assert.is_truthy(output:find("curl -X POST", 1, true), output)
    assert.is_truthy(output:find('"$MITTO_KEY"', 1, true), output)
    assert.is_nil(output:find("FAKE-key", 1, true), output)
  end)

  it("says how to declare, plan and apply, word by word", function()
    local manifest = assert(text:match("\n```lua\n(local hubster = use .-)```"))
    local commands = assert(text:match("\n```sh\n(luaprov plan .-)```"))
    local _, folder = support.file("luaprov.lua", manifest)
    local box = process.start "hubster"
    local output, code = in_shell(commands, box, folder)
    box:stop()
    assert.equal(0, code, output)
    assert.is_truthy(output:find("\n4 to create; 0 unchanged\n", 1, true), output)
    assert.is_truthy(output:find("\n4 created\nno changes; 4 unchanged\n", 1, true), output)
    assert.is_truthy(output:find('"address":"hubster.hubs.acme"', 1, true), output)
    assert.is_truthy(output:find("\n4 deleted\n", 1, true), output)
    support.clean()
  end)

  it("shows a sandbox in a script", function()
    local block = assert(text:match("\n```lua\n(local luaprov = require \"luaprov\"\nlocal box = assert.-)```"))
    local output = support.child(block, {})
    assert.equal("nil\tunknown\n1", output)
  end)

  it("has the table of providers as the provider files have it (make readme)", function()
    assert.equal(readme_table.table(), readme_table.of(text))
  end)

  it("names commands and files that exist", function()
    local makefile = read "Makefile"
    for target in text:gmatch("\nmake (%a+)") do
      assert.is_truthy(makefile:find("\n" .. target .. ":"), "make " .. target)
    end
    for name in text:gmatch("[%a_]+/[%w_/]+%.lua") do
      if not name:find("NAME", 1, true) then assert.is_string(read(name)) end
    end
  end)
end)
