-- Where luaprov finds modules, however it is called.
local programs = require "tests.interpreter.programs"
local support = require "tests.support"

describe("the interpreter's modules", function()
  local folder
  setup(function()
    folder = programs.folder()
    programs.write(folder .. "/work/version.lua", "print(require('luaprov').version, ...)")
  end)
  teardown(support.clean)

  local function sh(line, options) return programs.sh(folder, line, options) end
  local function run(arguments) return sh(programs.alone .. " " .. programs.luaprov .. " " .. arguments) end
  local version = require "luaprov.version" .. "\n"

  it("has lua-cjson built in", function()
    -- Not even those of the system can be found.
    local result = run([[-e 'package.cpath = "" print(require "cjson"._NAME, require "cjson.safe".decode "[")']])
    assert.truthy(result.out:find("^cjson\tnil\tExpected"), result.out .. result.err)
  end)

  it("has luaprov beside it, the engine included", function()
    local result = run([[-e 'print(require("luaprov").json.encode { a = 12345678901234567 })']])
    assert.equal('{"a":12345678901234567}\n', result.out)
  end)

  it("makes a call from the main chunk, and many through map", function()
    programs.write(folder .. "/work/call.lua", [[
      local luaprov = require "luaprov"
      local client = assert(luaprov.client("ocamba", { token = "FAKE-token", base_url = "http://127.0.0.1:1",
                                                       attempts = 1 }))
      local record, err = client.integrations:get("1")
      print(record, err.kind, err.outcome)
      local _, errors = luaprov.map({ 1, 2, 3 }, function(id) return client.integrations:get(tostring(id)) end)
      for _, each in ipairs(errors) do print(each.kind) end]])
    local result = run("call.lua")
    assert.equal("nil\tnetwork\tnot_sent\nnetwork\nnetwork\nnetwork\n", result.out .. result.err)
  end)

  it("takes its own modules before others of their name", function()
    assert(os.execute("mkdir -p " .. folder .. "/other/luaprov"))
    programs.write(folder .. "/other/luaprov/version.lua", "return 'an old one'")
    assert.truthy(sh(programs.alone .. " LUA_PATH='../other/?.lua;;' " .. programs.luaprov .. " -v").out:find(
      "luaprov " .. version:sub(1, -2), 1, true))
  end)

  for name, use in pairs {
    lfs = "m.attributes('.', 'mode') == 'directory'",
    socket = "m.gettime() > 0 and m.bind('127.0.0.1', 0):getsockname() == '127.0.0.1'",
    ["socket.http"] = "m.request ~= nil",
    lpeg = "m.match(m.P 'a' ^ 1, 'aab') == 3",
  } do
    it("loads " .. name .. ", a C module from elsewhere", function()
      if sh(programs.alone .. " lua5.4 -l m=" .. name).status ~= 0 then return pending(name .. " is not installed") end
      local result = run(("-l m=%s -e \"print(%s)\""):format(name, use))
      assert.equal("true\n", result.out .. result.err)
    end)
  end

  describe("are found when it is called", function()
    setup(function()
      -- With a blank in its name.
      local made = sh(("mkdir -p '../in stalled' ../elsewhere && cp -r %s/bin %s/lib %s/share '../in stalled'"
        .. " && ln -s '../in stalled/bin/luaprov' ../elsewhere/prov && ln -s prov ../elsewhere/twice"):format(
        programs.build, programs.build, programs.build))
      assert.equal(0, made.status, made.err)
    end)

    for how, line in pairs {
      ["by an absolute path"] = "'%s/in stalled/bin/luaprov'",
      ["by a relative path"] = "'../in stalled/bin/luaprov'",
      ["from PATH"] = "PATH=\"%s/in stalled/bin:$PATH\" luaprov",
      ["through a symbolic link"] = "../elsewhere/prov",
      ["through two links, from PATH"] = "PATH=../elsewhere:$PATH twice",
    } do
      it(how, function()
        local result = sh(programs.alone .. " " .. line:gsub("%%s", folder) .. " version.lua one")
        assert.equal(version:gsub("\n", "\tone\n"), result.out .. result.err)
        assert.equal(0, result.status)
      end)
    end

    it("by a first line of a script", function()
      programs.write(folder .. "/work/first", "#!/usr/bin/env luaprov\nprint(require('luaprov').version, ...)")
      local result = sh("chmod +x first && " .. programs.alone .. " PATH=\"" .. folder
        .. "/in stalled/bin:$PATH\" ./first one")
      assert.equal(version:gsub("\n", "\tone\n"), result.out .. result.err)
    end)

    for how, words in pairs { ["without a name"] = '{ "", "-e", "error(arg[0])" }', ["with no words at all"] = "{}" } do
      it(how, function()
        programs.write(folder .. "/work/exec.lua", ([[
          local ffi = require "ffi"
          ffi.cdef "int execv(const char *path, const char *const argv[]);"
          local words = %s
          local argv = ffi.new("const char *[?]", #words + 1, words)
          argv[#words] = nil
          ffi.C.execv(%q, argv)]]):format(words, programs.luaprov))
        local result = sh(programs.alone .. " luajit exec.lua", { input = "error(arg[0])" })
        assert.truthy(result.err:find("^luaprov: .*\nstack traceback:"), result.err)
        assert.equal(1, result.status)
      end)
    end
  end)
end)
