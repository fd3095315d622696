/* luaprov.core: what Lua cannot do itself. */
#include <lauxlib.h>
#include <lua.h>
#include <unistd.h>

#include "binding/engine.h"
#include "binding/json.h"
#include "engine/engine.h"

/* now() -> seconds of a clock that never goes back */
static int now(lua_State *L) {
  lua_pushnumber(L, lp_now());
  return 1;
}

/* isatty(fd) -> whether a file descriptor is a terminal */
static int is_terminal(lua_State *L) {
  lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
  return 1;
}

__attribute__((visibility("default"))) int luaopen_luaprov_core(lua_State *L);

int luaopen_luaprov_core(lua_State *L) {
  lua_newtable(L);
  lp_push_engine_maker(L);
  lua_setfield(L, -2, "engine");
  lp_json_open(L);
  lua_setfield(L, -2, "json");
  lua_pushcfunction(L, now);
  lua_setfield(L, -2, "now");
  lua_pushcfunction(L, is_terminal);
  lua_setfield(L, -2, "isatty");
  return 1;
}
