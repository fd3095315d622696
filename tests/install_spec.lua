-- `make install`: what it leaves works for plain lua5.4, for LuaJIT, and for the interpreter, without the build folder.
local build = os.getenv("LUAPROV_BUILD") or "build"

local function sh(command)
  local pipe = io.popen("{ " .. command .. "\n} 2>&1; echo \"status $?\"", "r")
  local output = pipe:read("*a")
  pipe:close()
  local text, status = output:match("^(.*)status (%d+)\n$")
  return text, tonumber(status)
end

-- The compiler is nobody's to look into for leaks, and this make takes no orders from the one that runs the tests.
local make = "env -u LD_PRELOAD -u MAKEFLAGS -u MFLAGS make -s install"

describe("make install", function()
  local folder, script
  setup(function()
    folder = os.tmpname()
    os.remove(folder)
    script = os.tmpname()
    local file = assert(io.open(script, "w"))
    file:write([[local luaprov = require "luaprov"
      local client = assert(luaprov.client("ocamba", { token = "FAKE-token", base_url = "http://127.0.0.1:1" }))
      local record, err = client.integrations:get("1")
      print(record, err.kind, err.outcome)]])
    file:close()
    local output, status = sh((make .. " BUILD='%s' PREFIX=/opt/luaprov DESTDIR=%s"):format(build, folder))
    assert(status == 0, output)
  end)
  teardown(function()
    os.remove(script)
    sh("rm -rf " .. folder)
  end)

  local prefix = function() return folder .. "/opt/luaprov" end

  for lua, version in pairs { ["lua5.4"] = "5.4", luajit = "5.1" } do
    it("serves " .. lua, function()
      local output, status = sh(("cd / && LUA_PATH='%s/share/lua/%s/?.lua;%s/share/lua/%s/?/init.lua;;' "
        .. "LUA_CPATH='%s/lib/lua/%s/?.so;;' %s %s"):format(prefix(), version, prefix(), version, prefix(), version,
        lua, script))
      assert.equal("nil\tnetwork\tnot_sent\n", output)
      assert.equal(0, status)
    end)
  end

  it("serves the interpreter, which needs no paths", function()
    local output = sh("cd / && env -u LUA_PATH -u LUA_CPATH " .. prefix() .. "/bin/luaprov " .. script)
    assert.equal("nil\tnetwork\tnot_sent\n", output)
  end)

  it("takes a folder with a blank in its name", function()
    local output, status = sh((make .. " BUILD='%s' PREFIX='/opt/lua prov' DESTDIR='%s/with blank'"):format(
      build, folder))
    assert.equal(0, status, output)
    output = sh(("cd / && env -u LUA_PATH -u LUA_CPATH '%s/with blank/opt/lua prov/bin/luaprov' %s"):format(
      folder, script))
    assert.equal("nil\tnetwork\tnot_sent\n", output)
  end)

  it("exports nothing but what Lua opens", function()
    for _, version in ipairs { "5.4", "5.1" } do
      local output = sh(("nm -D --defined-only %s/lib/lua/%s/luaprov/core.so | awk '$2 == \"T\" {print $3}'"):format(
        prefix(), version))
      assert.equal("luaopen_luaprov_core\n", (output:gsub("_?_?[%w_]*asan[%w_]*\n", "")))
    end
  end)
end)
