#include "interpreter/modules.h"

#include <lauxlib.h>
#include <limits.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "interpreter/interrupts.h"

int luaopen_cjson(lua_State *L);
int luaopen_cjson_safe(lua_State *L);

static void preload(lua_State *L, const char *name, lua_CFunction open) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, open);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

/* Puts `first`, with PREFIX where it has %s, before package[field]. */
static void search_first(lua_State *L, const char *field, const char *first, const char *prefix) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, field);
  const char *old = lua_tostring(L, -1);
  luaL_gsub(L, first, "%s", prefix);
  lua_pushfstring(L, "%s;%s", lua_tostring(L, -1), old ? old : "");
  lua_setfield(L, -4, field);
  lua_pop(L, 3);
}

/* PREFIX/bin/luaprov finds PREFIX/share/lua/5.4 and PREFIX/lib/lua/5.4, wherever PREFIX is. */
static void find_modules(lua_State *L) {
  char path[PATH_MAX];
  ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
  if (len <= 0) return; /* the usual folders remain */
  path[len] = '\0';
  for (int up = 0; up < 2; up++) {
    char *slash = strrchr(path, '/');
    if (!slash) return;
    *slash = '\0';
  }
  search_first(L, "path", "%s/share/lua/5.4/?.lua;%s/share/lua/5.4/?/init.lua", path);
  search_first(L, "cpath", "%s/lib/lua/5.4/?.so", path);
}

void lp_modules_open(lua_State *L) {
  luaL_openlibs(L);
  preload(L, "cjson", luaopen_cjson);
  preload(L, "cjson.safe", luaopen_cjson_safe);
  lp_interrupts_open(L);
  find_modules(L);
}

void lp_modules_print_version(lua_State *L) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "luaprov.version");
  const char *version = lua_pcall(L, 1, 1, 0) == LUA_OK ? lua_tostring(L, -1) : NULL;
  printf("luaprov %s (%s)\n", version ? version : "without its modules", LUA_RELEASE);
  fflush(stdout);
  lua_pop(L, 1);
}
