/* luaprov.core: what Lua cannot do itself. */
#include <lauxlib.h>
#include <lua.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "binding/driver.h"
#include "binding/engine.h"
#include "binding/json.h"
#include "binding/prepared.h"
#include "engine/engine.h"

/* now() -> seconds of a clock that never goes back */
static int now(lua_State *L) {
  lua_pushnumber(L, lp_now());
  return 1;
}

/* pause(seconds): nothing happens until then, or until a signal comes */
static int pause_for(lua_State *L) {
  lua_Number ms = luaL_checknumber(L, 1) * 1000.0;
  int whole = ms >= 1e9 ? 1000000000 : ms > 0 ? (int)ms : 0;
  lp_pause((lua_Number)whole < ms && whole < 1000000000 ? whole + 1 : whole);
  return 0;
}

/* isatty(fd) -> whether a file descriptor is a terminal */
static int is_terminal(lua_State *L) {
  lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
  return 1;
}

/* columns(fd) -> how many columns a terminal has at the moment; nothing where it does not say */
static int columns(lua_State *L) {
  struct winsize size = {0};
  bool known = ioctl((int)luaL_checkinteger(L, 1), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  if (known) lua_pushinteger(L, size.ws_col);
  return known ? 1 : 0;
}

/* ignore_sigpipe(): from now on, writing to whoever has gone is an error and not the end of the process */
static int ignore_sigpipe(lua_State *L) {
  (void)L;
  signal(SIGPIPE, SIG_IGN);
  return 0;
}

__attribute__((visibility("default"))) int luaopen_luaprov_core(lua_State *L);

int luaopen_luaprov_core(lua_State *L) {
  lua_newtable(L);
  lp_push_engine_maker(L);
  lua_setfield(L, -2, "engine");
  lp_push_driver_maker(L);
  lua_setfield(L, -2, "driver");
  lp_push_prepare(L);
  lua_setfield(L, -2, "prepare");
  lp_json_open(L);
  lua_setfield(L, -2, "json");
  lua_pushcfunction(L, now);
  lua_setfield(L, -2, "now");
  lua_pushcfunction(L, pause_for);
  lua_setfield(L, -2, "pause");
  lua_pushcfunction(L, is_terminal);
  lua_setfield(L, -2, "isatty");
  lua_pushcfunction(L, columns);
  lua_setfield(L, -2, "columns");
  lua_pushcfunction(L, ignore_sigpipe);
  lua_setfield(L, -2, "ignore_sigpipe");
  return 1;
}
