/*
 * The interpreter: Lua and lua-cjson linked in, luaprov's modules found beside the program.
 *
 * It links neither libcurl nor the engine: core.so is loaded at the first call, so that a script that makes none starts
 * as fast as `lua`.
 */
#include <lauxlib.h>
#include <limits.h>
#include <lua.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DONE = 0, FAILED = 1, MISUSED = 64 };

int luaopen_cjson(lua_State *L);
int luaopen_cjson_safe(lua_State *L);

/* Like lua's own: an error object with __tostring speaks for itself, anything else gets a traceback. */
static int add_traceback(lua_State *L) {
  const char *message = lua_tostring(L, 1);
  if (!message) {
    if (luaL_callmeta(L, 1, "__tostring") && lua_type(L, -1) == LUA_TSTRING) return 1;
    message = lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
  }
  luaL_traceback(L, L, message, 1);
  return 1;
}

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

static void set_arg(lua_State *L, int argc, char **argv) {
  lua_createtable(L, argc - 1, 2);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - 1);
  }
  lua_setglobal(L, "arg");
}

static bool run(lua_State *L, int argc, char **argv) {
  lua_pushcfunction(L, add_traceback);
  int handler = lua_gettop(L);
  int status = luaL_loadfile(L, argv[1]);
  if (status == LUA_OK) {
    luaL_checkstack(L, argc, "too many arguments to the script");
    for (int i = 2; i < argc; i++) lua_pushstring(L, argv[i]);
    status = lua_pcall(L, argc - 2, 0, handler);
  }
  if (status == LUA_OK) return true;
  const char *message = lua_tostring(L, -1);
  fprintf(stderr, "%s: %s\n", argv[0], message ? message : "(error without a message)");
  return false;
}

/* Everything that may run out of memory, in one protected call. */
static int main_in_lua(lua_State *L) {
  int argc = (int)lua_tointeger(L, 1);
  char **argv = lua_touserdata(L, 2);
  luaL_openlibs(L);
  preload(L, "cjson", luaopen_cjson);
  preload(L, "cjson.safe", luaopen_cjson_safe);
  find_modules(L);
  set_arg(L, argc, argv);
  lua_pushboolean(L, run(L, argc, argv));
  return 1;
}

static int usage(const char *program, const char *wrong) {
  if (wrong) fprintf(stderr, "%s: unknown option '%s'\n", program, wrong);
  fprintf(stderr, "usage: %s SCRIPT [ARGUMENTS]\n", program);
  return MISUSED;
}

int main(int argc, char **argv) {
  if (argc < 2) return usage(argc ? argv[0] : "luaprov", NULL);
  if (argv[1][0] == '-') return usage(argv[0], argv[1]);
  lua_State *L = luaL_newstate();
  if (!L) {
    fprintf(stderr, "%s: not enough memory\n", argv[0]);
    return FAILED;
  }
  lua_pushcfunction(L, main_in_lua);
  lua_pushinteger(L, argc);
  lua_pushlightuserdata(L, argv);
  int status = lua_pcall(L, 2, 1, 0);
  if (status != LUA_OK) fprintf(stderr, "%s: %s\n", argv[0], lua_tostring(L, -1));
  bool ok = status == LUA_OK && lua_toboolean(L, -1);
  lua_close(L);
  return ok ? DONE : FAILED;
}
