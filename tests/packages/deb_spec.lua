-- The Debian package, unpacked into an empty folder.
local place = require "tests.packages.place"
local support = require "tests.support"

if not place.once then return end

local done = place.done

describe("the Debian package", function()
  local build, deb, folder, usr, multiarch
  local function make() return done(place.clean .. "make -s deb BUILD=" .. build) end
  setup(function()
    build, folder = support.folder(), support.folder()
    deb = make()
    done(("dpkg-deb -x %s %s"):format(deb, folder))
    usr, multiarch = folder .. "/usr", done("dpkg-architecture -qDEB_HOST_MULTIARCH")
  end)
  teardown(support.clean)

  local function control(name) return done(("dpkg-deb -f %s %s"):format(deb, name)) end

  it("is named as Debian names packages", function()
    local version = require "luaprov.version" .. "-1"
    local architecture = done("dpkg --print-architecture")
    assert.equal(("%s/luaprov_%s_%s.deb"):format(build, version, architecture), deb)
    assert.equal("luaprov", control "Package")
    assert.equal(version, control "Version")
    assert.equal(architecture, control "Architecture")
    assert.equal("interpreters optional", control "Section" .. " " .. control "Priority")
    local committer = done("git log -1 --format='%an <%ae>' 2>/dev/null || true")
    assert.equal(committer ~= "" and committer or "luaprov maintainers <maintainers@localhost>", control "Maintainer")
    local size = tonumber(control "Installed-Size")
    assert.is_true(size > 200 and size < 20000, "KiB: " .. size)
  end)

  for lua, version in pairs(place.versions) do
    it("serves " .. lua, function()
      local share, lib = usr .. "/share/lua/" .. version, ("%s/lib/%s/lua/%s"):format(usr, multiarch, version)
      assert.is_nil(place.trouble(place.lua(lua, share, lib), usr))
      assert.equal("", (place.misses(share)))
      place.check_exports(lib)
      -- Once it is unpacked in / that Lua looks there by itself.
      local script = ("print((package.path .. ';' .. package.cpath):find('/usr/share/lua/%s/?.lua', 1, true) ~= nil, "
        .. "package.cpath:find('/usr/lib/%s/lua/%s/?.so', 1, true) ~= nil)"):format(version, multiarch, version)
      assert.equal("true\ttrue", done(("%s %s -e %s"):format(place.clean, lua, place.quote(script))))
    end)
  end

  it("serves the interpreter, which needs no paths", function()
    assert.is_nil(place.trouble(place.interpreter(usr .. "/bin/luaprov"), usr))
  end)

  it("depends on every package whose library it links, and whose module it requires", function()
    local depends = ", " .. control "Depends" .. ", "
    local libraries = done(("find %s -type f \\( -path '*/bin/luaprov' -o -name '*.so' \\) -exec readelf -d {} + "
      .. "| sed -n 's/.*(NEEDED).*\\[\\(.*\\)\\]/\\1/p' | sort -u"):format(usr))
    assert.is_truthy(libraries:find("libcurl.so.4", 1, true), libraries)
    assert.is_nil(libraries:find("lua", 1, true), libraries)
    local wanted = { "lua-argparse", "lua-cjson", "lua-filesystem" }
    for library in libraries:gmatch("%S+") do
      wanted[#wanted + 1] = done(("dpkg-query -S '*/%s' | sed 's/:.*//' | sort -u | head -n 1"):format(library))
    end
    for _, package in ipairs(wanted) do
      local there = depends:find(", " .. package .. ", ", 1, true) or depends:find(", " .. package .. " (", 1, true)
      assert.is_truthy(there, package .. " is not in" .. depends)
    end
  end)

  it("belongs to root, lets everyone read, and lets everyone run the interpreter", function()
    for line in done("dpkg-deb -c " .. deb):gmatch("[^\n]+") do
      local mode, owner, path = line:match("^(%S+) (%S+) .- %./(%S*)")
      local wanted = "-rw-r--r--"
      if path:find("/$") or path == "" then wanted = "drwxr-xr-x"
      elseif line:find(" -> ", 1, true) then wanted = "lrwxrwxrwx"
      elseif path == "usr/bin/luaprov" then wanted = "-rwxr-xr-x" end
      assert.equal(wanted .. " root/root", mode .. " " .. owner, path)
    end
  end)

  it("has sums of all its files", function()
    done(("mkdir %s/control && dpkg-deb -e %s %s/control"):format(folder, deb, folder))
    assert.equal("", done(("cd %s && md5sum --check --quiet control/md5sums"):format(folder)))
    assert.equal(done(("cd %s && find usr -type f | wc -l"):format(folder)),
      done(("wc -l < %s/control/md5sums"):format(folder)))
  end)

  it("has a manual page, a changelog and the terms of everything that is in it", function()
    assert.equal("", place.trouble_with_manual(("gzip -dc %s/share/man/man1/luaprov.1.gz"):format(usr)))
    local changelog = done(("gzip -dc %s/share/doc/luaprov/changelog.Debian.gz"):format(usr))
    assert.is_truthy(changelog:find("luaprov (" .. control "Version" .. ") ", 1, true), changelog)
    local copyright = done(("cat %s/share/doc/luaprov/copyright"):format(usr))
    for _, words in ipairs { "luaprov authors", "PUC-Rio", "Mark Pulford", "WITHOUT WARRANTY" } do
      assert.is_truthy(copyright:find(words, 1, true), words)
    end
  end)

  it("holds no names for a debugger", function()
    assert.equal("", done(("find %s -type f \\( -path '*/bin/luaprov' -o -name '*.so' \\) -exec readelf -SW {} + "
      .. "| grep -F .debug_ || true"):format(usr)))
  end)

  it("is made again the same, byte by byte, at another time and with another umask", function()
    local sum = done("sha256sum < " .. deb)
    done("rm " .. deb)
    done("umask 077; " .. place.clean .. "make -s deb BUILD=" .. build)
    assert.equal(sum, done("sha256sum < " .. deb))
    -- Outside of a git tree; its times are those that it is told.
    done("GIT_DIR=/nowhere SOURCE_DATE_EPOCH=1000000000 " .. place.clean .. "make -s deb BUILD=" .. build)
    assert.equal("luaprov maintainers <maintainers@localhost>", control "Maintainer")
    assert.is_truthy(done("TZ=UTC dpkg-deb -c " .. deb):find("2001%-09%-09 %d%d:%d%d %./usr/bin/luaprov"))
  end)
end)
