-- `make install`: what it leaves works for plain lua5.4, for LuaJIT, and for the interpreter, without the build folder.
local place = require "tests.packages.place"
local support = require "tests.support"

local build = os.getenv("LUAPROV_BUILD") or "build"
local quote, sh, done = place.quote, place.sh, place.done

local function make(target, prefix, destdir)
  return ("%smake -s %s BUILD=%s PREFIX=%s DESTDIR=%s"):format(
    place.clean, target, quote(build), quote(prefix), quote(destdir))
end

describe("make install", function()
  local folder, prefix
  setup(function()
    folder = support.folder()
    prefix = folder .. "/opt/luaprov"
    assert.equal("installed into " .. prefix, done(make("install", "/opt/luaprov", folder)))
  end)
  teardown(support.clean)

  for lua, version in pairs(place.versions) do
    it("serves " .. lua, function()
      local share, lib = prefix .. "/share/lua/" .. version, prefix .. "/lib/lua/" .. version
      assert.is_nil(place.trouble(place.lua(lua, share, lib), prefix))
      assert.equal("", (place.misses(share)))
      place.check_exports(lib)
    end)

    it("loads libmicrohttpd only for who serves, and libcurl only for who calls, in " .. lua, function()
      local function needed(module)
        return done(("readelf -d %s/lib/lua/%s/luaprov/%s.so | grep NEEDED"):format(prefix, version, module))
      end
      assert.is_truthy(needed("core"):find("libcurl", 1, true))
      assert.is_nil(needed("core"):find("microhttpd", 1, true))
      assert.is_truthy(needed("listener"):find("microhttpd", 1, true))
      assert.is_nil(needed("listener"):find("libcurl", 1, true))
    end)
  end

  it("serves the interpreter, which needs no paths", function()
    assert.is_nil(place.trouble(place.interpreter(prefix .. "/bin/luaprov"), prefix))
  end)

  it("has a manual page without a mistake", function()
    assert.equal("", place.trouble_with_manual("cat " .. prefix .. "/share/man/man1/luaprov.1"))
  end)

  it("lets everyone read, and run what is to be run, whatever the umask", function()
    local other = support.folder()
    done("umask 077; " .. make("install", "/usr", other))
    assert.equal("755", done(("stat -c %%a %s/usr/bin/luaprov"):format(other)))
    assert.equal("", done(("find %s/usr -type f ! -perm 644 ! -path '*/bin/*'"):format(other)))
  end)

  it("takes folders with a blank in their names, and makes those that are missing", function()
    local other = support.folder() .. "/with blank/and more"
    done(make("install", "/opt/lua prov", other))
    assert.is_nil(place.trouble(place.interpreter(other .. "/opt/lua prov/bin/luaprov"), other))
    -- Others have modules there, too.
    done(("touch %s"):format(quote(other .. "/opt/lua prov/share/lua/5.4/other.lua")))
    assert.equal("removed from " .. other .. "/opt/lua prov", done(make("uninstall", "/opt/lua prov", other)))
    assert.equal(other .. "/opt/lua prov/share/lua/5.4/other.lua", done(("find %s -type f -o -name 'luaprov*'"):format(
      quote(other))))
  end)

  it("leaves no empty folder when it is undone, and those of the system", function()
    for prefix_of, left in pairs { ["/opt/luaprov"] = ".", ["/usr/local"] = ".\n./bin\n./lib\n./share\n./share/man\n"
      .. "./share/man/man1" } do
      local other = support.folder()
      done(make("install", prefix_of, other))
      done(make("uninstall", prefix_of, other))
      assert.equal(left, done(("cd %s%s && find . | sort"):format(other, prefix_of)))
    end
  end)

  it("fails where it cannot write", function()
    local path = support.file("no-folder", "")
    local output, status = sh(make("install", "/usr", path))
    assert.equal(2, status)
    assert.is_truthy(output:find(path, 1, true), output)
    assert.is_nil(output:find("installed into", 1, true))
  end)
end)
