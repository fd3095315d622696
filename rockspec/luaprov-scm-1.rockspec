-- luarocks --lua-version=5.4 make rockspec/luaprov-scm-1.rockspec
--
-- The Makefile builds and installs everything, so that nothing is listed here, and a module exports only what Lua opens.
-- It wants make, pkg-config, libcurl, libmicrohttpd, libsqlite3 and libpq; on LuaJIT's headers:
-- LUA_INCDIR=/usr/include/luajit-2.1.
rockspec_format = "3.0"
package = "luaprov"
version = "scm-1"
source = { url = "." }
description = {
  summary = "Provisions connections on vendors' platforms, each vendor described in one short file",
  detailed = "Creates, reads, changes and removes connections; every call ends as done, not done, or not known.",
  license = "MIT",
}
supported_platforms = { "linux" }
dependencies = { "lua >= 5.1", "lua-cjson", "argparse", "luafilesystem" }
build = {
  type = "make",
  build_target = "rock",
  install_target = "rock-install",
  variables = { LUA_INCDIR = "$(LUA_INCDIR)" },
  build_variables = { CFLAGS = "$(CFLAGS)" },
  install_variables = { LUADIR = "$(LUADIR)", LIBDIR = "$(LIBDIR)" },
}
