-- build/bin/luaprov runs a script as lua does.
local build = os.getenv("LUAPROV_BUILD") or "build"
local program = build .. "/bin/luaprov"

local function sh(command)
  local pipe = io.popen("{ " .. command .. "\n} 2>&1; echo \"status $?\"", "r")
  local output = pipe:read("*a")
  pipe:close()
  local text, status = output:match("^(.*)status (%d+)\n$")
  return text, tonumber(status)
end

local function script(text)
  local name = os.tmpname()
  local file = assert(io.open(name, "w"))
  file:write(text)
  file:close()
  return name
end

describe("the interpreter", function()
  local made = {}
  local function run(text, arguments)
    local name = script(text)
    made[#made + 1] = name
    -- Its modules are to be found without any help.
    local output, status = sh("env -u LUA_PATH -u LUA_CPATH " .. program .. " " .. name .. " " .. (arguments or ""))
    return output, status, name
  end
  after_each(function()
    for _, name in ipairs(made) do os.remove(name) end
    made = {}
  end)

  it("gives the script its arguments", function()
    local output, status, name = run("print(arg[0], #arg, arg[2], ...) print(arg[-1] ~= nil)", "one 'two three'")
    assert.equal(name .. "\t2\ttwo three\tone\ttwo three\ntrue\n", output)
    assert.equal(0, status)
  end)

  it("skips a first line for the shell", function()
    assert.equal("ok\n", (run("#!/usr/bin/env luaprov\nprint 'ok'")))
  end)

  it("shows the traceback that lua shows", function()
    local text = "local function f() error('boo') end\nlocal ok = pcall(f)\nf()"
    local output, status, name = run(text)
    local theirs = sh("lua5.4 " .. name)
    assert.equal(1, status)
    assert.equal(theirs:gsub("^lua5%.4: ", ""), (output:gsub("^[^:]*: ", "")))
  end)

  it("lets an error object speak for itself", function()
    local output, status = run("error(setmetatable({}, { __tostring = function() return 'spoken' end }))")
    assert.equal(1, status)
    assert.truthy(output:find(": spoken\n$"), output)
    assert.truthy(run("error({})"):find("error object is a table value", 1, true))
  end)

  it("keeps the exit status that the script asks for", function()
    assert.equal(7, select(2, run("os.exit(7)")))
  end)

  it("refuses a script that is not there, with 1", function()
    local output, status = sh(program .. " /nowhere/at/all.lua")
    assert.equal(1, status)
    assert.truthy(output:find("/nowhere/at/all.lua", 1, true), output)
  end)

  it("refuses a script with a syntax error, with file and line", function()
    local output, status, name = run("print(1)\nlocal = 3")
    assert.equal(1, status)
    assert.truthy(output:find(name .. ":2:", 1, true), output)
  end)

  it("tells how it is used, with 64", function()
    for _, arguments in ipairs { "", "--no-such-option" } do
      local output, status = sh(program .. " " .. arguments)
      assert.equal(64, status)
      assert.truthy(output:find("usage: ", 1, true), output)
    end
  end)

  it("has lua-cjson built in, and luaprov beside it", function()
    local output = run("print(require 'cjson'._NAME, package.searchpath('cjson', package.cpath) ~= nil)\n"
      .. "print(require('luaprov').json.encode { a = 12345678901234567 })")
    assert.truthy(output:find("^cjson\t"), output)
    assert.truthy(output:find('{"a":12345678901234567}', 1, true), output)
  end)

  it("finds luaprov wherever it is installed", function()
    local folder = os.tmpname()
    os.remove(folder)
    local name = script("print(require('luaprov').version)")
    made[#made + 1] = name
    local output, status = sh(("mkdir %s && cp -r %s/bin %s/lib %s/share %s && cd / && env -u LUA_PATH -u LUA_CPATH "
      .. "%s/bin/luaprov %s"):format(folder, build, build, build, folder, folder, name))
    sh("rm -rf " .. folder)
    assert.equal(0, status)
    assert.truthy(output:find("^%d+%.%d+%.%d+\n$"), output)
  end)
end)
