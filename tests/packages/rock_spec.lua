-- The rock, made by luarocks in a copy of the tree, for Lua 5.4 and for LuaJIT.
local place = require "tests.packages.place"
local support = require "tests.support"

if not place.once then return end

describe("the rock", function()
  teardown(support.clean)

  local ROCKSPEC = "rockspec/luaprov-scm-1.rockspec"

  local function make(version, tree, more)
    return ("%sHOME=/nonexistent luarocks --lua-version=%s make --deps-mode=none --tree=%s %s %s"):format(
      place.clean, version, place.quote(tree), ROCKSPEC, more)
  end

  for lua, version in pairs(place.versions) do
    it("serves " .. lua, function()
      local copy = support.folder()
      local tree = copy .. "/a tree"
      place.done(("cp -r Makefile lua src rockspec LICENSE README.md %s"):format(copy))
      local headers = place.done("pkg-config --cflags-only-I " .. lua .. " | sed 's/^-I//; s/ *$//'")
      place.done(("cd %s && "):format(copy) .. make(version, tree, "LUA_INCDIR=" .. headers))
      local share, lib = tree .. "/share/lua/" .. version, tree .. "/lib/lua/" .. version
      assert.is_nil(place.trouble(place.lua(lua, share, lib), tree))
      assert.equal("", (place.misses(share)))
      place.check_exports(lib)
      -- Nothing is left where it was built but what the Makefile calls its own.
      place.done(("cd %s && rm -r build 'a tree'"):format(copy))
      assert.equal("LICENSE\nMakefile\nREADME.md\nlua\nrockspec\nsrc", place.done("ls " .. copy))
      assert.equal("", place.done(("diff -r src %s/src && diff -r lua %s/lua"):format(copy, copy)))
    end)
  end

  it("names its dependencies", function()
    local env = {}
    local chunk = assert(loadfile(ROCKSPEC, "t", env))
    chunk()
    assert.same({ "lua >= 5.1", "lua-cjson", "argparse", "luafilesystem" }, env.dependencies)
    assert.is_nil(env.external_dependencies)
    assert.equal("MIT", env.description.license)
  end)

  it("says what is wrong where there are no headers", function()
    local output, status = place.sh(place.clean .. "make rock LUA_INCDIR=/nonexistent")
    assert.equal(2, status)
    assert.is_truthy(output:find("there is no lua.h in LUA_INCDIR=/nonexistent\n", 1, true), output)
  end)
end)
