#include "binding/driver.h"

#include <lauxlib.h>

#include "binding/exchange.h"
#include "engine/driver.h"

#define DRIVER "luaprov.driver"

enum { REAPED = 16 }; /* ids at once: whoever wakes so many lets others of its event loop go between */

static lp_driver **slot_of(lua_State *L) { return luaL_checkudata(L, 1, DRIVER); }

/* Whether it is this process's, whoever starts to use it asks is_ours: the system would be asked at every call. */
static lp_driver *driver_of(lua_State *L) {
  lp_driver *driver = *slot_of(L);
  if (!driver) luaL_error(L, "this driver is closed");
  return driver;
}

static int fail(lua_State *L, const char *why) {
  lua_pushnil(L);
  lua_pushstring(L, why);
  return 2;
}

/* driver:submit(request) -> id and its slot, or nil and what is wrong with the request; see lp_read_request. A slot is a
   number of its own, from 1, among what is submitted and neither taken nor forgotten. */
static int submit(lua_State *L) {
  lp_driver *driver = driver_of(L);
  lp_request request;
  lp_header few[LP_FEW_HEADERS];
  lp_read_request(L, &request, few);
  char why[256];
  lp_id id = lp_driver_submit(driver, &request, why, sizeof why);
  if (!id) return fail(L, why);
  lua_pushnumber(L, (lua_Number)id);
  lua_pushinteger(L, (lua_Integer)lp_id_slot(id));
  return 2;
}

/* driver:reap(slots) -> how many have ended since, their slots put into the array; of many some, and the bell rings for
   the rest */
static int reap(lua_State *L) {
  lp_driver *driver = driver_of(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  lp_id ids[REAPED];
  size_t count = lp_driver_reap(driver, ids, REAPED);
  for (size_t i = 0; i < count; i++) {
    lua_pushinteger(L, (lua_Integer)lp_id_slot(ids[i]));
    lua_rawseti(L, 2, (int)i + 1);
  }
  lua_pushinteger(L, (lua_Integer)count);
  return 1;
}

/* driver:take(id) -> response, once, see lp_push_response; nil for an id that is unknown, in flight or taken already */
static int take(lua_State *L) {
  lp_driver *driver = driver_of(L);
  lp_id id = lp_read_id(L, 2);
  const lp_response *response = lp_driver_take(driver, id);
  if (!response) return 0;
  lp_push_response(L, response);
  lp_driver_release(driver, id);
  return 1;
}

/* driver:cancel(id) -> whether it was still going on */
static int cancel(lua_State *L) {
  lp_driver *driver = driver_of(L);
  lua_pushboolean(L, lp_driver_cancel(driver, lp_read_id(L, 2)));
  return 1;
}

/* driver:forget(id): nobody waits for it any more */
static int forget(lua_State *L) {
  lp_driver *driver = driver_of(L);
  lp_driver_forget(driver, lp_read_id(L, 2));
  return 0;
}

/* driver:held() -> how many are neither taken nor forgotten */
static int held(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)lp_driver_held(driver_of(L)));
  return 1;
}

/* driver:hang(folder) -> path of a socket to connect to, or nil and why there is none */
static int hang(lua_State *L) {
  lp_driver *driver = driver_of(L);
  char why[512];
  const char *path = lp_driver_hang(driver, luaL_checkstring(L, 2), why, sizeof why);
  if (!path) return fail(L, why);
  lua_pushstring(L, path);
  return 1;
}

/* driver:answer() -> whether somebody of this process has connected */
static int answer(lua_State *L) {
  lua_pushboolean(L, lp_driver_answer(driver_of(L)));
  return 1;
}

/* driver:is_ours() -> whether it was made by this process, and is not closed */
static int is_ours(lua_State *L) {
  lp_driver *driver = *slot_of(L);
  lua_pushboolean(L, driver && lp_driver_is_ours(driver));
  return 1;
}

/* ---- a userdata's life: made closed, filled afterwards; closed by the collector only ---- */

static int close_driver(lua_State *L) {
  lp_driver **slot = slot_of(L);
  lp_driver *driver = *slot;
  *slot = NULL;
  lp_driver_free(driver);
  return 0;
}

static int describe(lua_State *L) {
  lp_driver *driver = *slot_of(L);
  if (driver) lua_pushfstring(L, DRIVER ": %d held", (int)lp_driver_held(driver));
  else lua_pushliteral(L, DRIVER ": closed");
  return 1;
}

/* driver { per_host, ca_file: as engine's } -> driver, or nil and why there is none */
static int make(lua_State *L) {
  lp_engine_options options;
  lp_read_engine_options(L, &options);
  lp_driver **slot = lua_newuserdata(L, sizeof *slot);
  *slot = NULL;
  luaL_getmetatable(L, DRIVER);
  lua_setmetatable(L, -2);
  char why[256];
  *slot = lp_driver_new(&options, why, sizeof why);
  return *slot ? 1 : fail(L, why);
}

void lp_push_driver_maker(lua_State *L) {
  static const luaL_Reg methods[] = {{"submit", submit}, {"reap", reap}, {"take", take},     {"cancel", cancel},
                                     {"forget", forget}, {"held", held}, {"hang", hang},     {"answer", answer},
                                     {"is_ours", is_ours}, {NULL, NULL}};
  if (luaL_newmetatable(L, DRIVER)) {
    lua_newtable(L);
    for (const luaL_Reg *method = methods; method->name; method++) {
      lua_pushcfunction(L, method->func);
      lua_setfield(L, -2, method->name);
    }
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, close_driver);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, describe);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, DRIVER);
    lua_setfield(L, -2, "__name");
  }
  lua_pop(L, 1);
  lua_pushcfunction(L, make);
}
