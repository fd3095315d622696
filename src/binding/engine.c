#include "binding/engine.h"

#include <lauxlib.h>

#include "binding/exchange.h"
#include "engine/engine.h"

#define ENGINE "luaprov.engine"

static lp_engine **slot_of(lua_State *L) { return luaL_checkudata(L, 1, ENGINE); }

static lp_engine *engine_of(lua_State *L) {
  lp_engine *engine = *slot_of(L);
  if (!engine) luaL_error(L, "this engine is closed");
  return engine;
}

/* engine:submit(request) -> id and its slot, or nil and what is wrong with the request; see lp_read_request. A slot is a
   number of its own, from 1, among what is submitted and not taken. */
static int submit(lua_State *L) {
  lp_engine *engine = engine_of(L);
  lp_request request;
  lp_header few[LP_FEW_HEADERS];
  lp_read_request(L, &request, few);
  char why[256];
  lp_id id = lp_engine_submit(engine, &request, why, sizeof why);
  if (!id) {
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
  }
  lua_pushnumber(L, (lua_Number)id);
  lua_pushinteger(L, (lua_Integer)lp_id_slot(id));
  return 2;
}

/* ---- drive, reap, take, cancel ---- */

/* engine:drive(seconds) -> how many have ended and are not reaped */
static int drive(lua_State *L) {
  lp_engine *engine = engine_of(L);
  lua_pushinteger(L, (lua_Integer)lp_engine_drive(engine, (int)lp_milliseconds(luaL_checknumber(L, 2))));
  return 1;
}

/* engine:reap() -> array of ids */
static int reap(lua_State *L) {
  lp_engine *engine = engine_of(L);
  lua_newtable(L);
  int n = 0;
  for (lp_id id; lp_engine_reap(engine, &id, 1) == 1;) {
    lua_pushnumber(L, (lua_Number)id);
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

/* engine:next() -> slot and response of one that has ended and is not reaped; nothing when there is none */
static int next_ended(lua_State *L) {
  lp_engine *engine = engine_of(L);
  lp_id id;
  if (lp_engine_reap(engine, &id, 1) == 0) return 0;
  lua_pushinteger(L, (lua_Integer)lp_id_slot(id));
  lp_push_response(L, lp_engine_take(engine, id));
  lp_engine_release(engine, id);
  return 2;
}

/* engine:take(id) -> response, once, see lp_push_response; nil for an id that is unknown, in flight or taken already */
static int take(lua_State *L) {
  lp_engine *engine = engine_of(L);
  lp_id id = lp_read_id(L, 2);
  const lp_response *response = lp_engine_take(engine, id);
  if (!response) return 0;
  lp_push_response(L, response);
  lp_engine_release(engine, id);
  return 1;
}

/* engine:cancel(id) -> whether it was still going on */
static int cancel(lua_State *L) {
  lp_engine *engine = engine_of(L);
  lua_pushboolean(L, lp_engine_cancel(engine, lp_read_id(L, 2)));
  return 1;
}

/* engine:in_flight() -> how many have not ended */
static int in_flight(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)lp_engine_in_flight(engine_of(L)));
  return 1;
}

/* engine:watch(fd): drive returns early while the descriptor is readable */
static int watch(lua_State *L) {
  lp_engine *engine = engine_of(L);
  if (!lp_engine_watch(engine, (int)luaL_checkinteger(L, 2))) return luaL_error(L, "no memory to watch a descriptor");
  return 0;
}

/* engine:unwatch(fd): to be called before the descriptor is closed */
static int unwatch(lua_State *L) {
  lp_engine *engine = engine_of(L);
  lp_engine_unwatch(engine, (int)luaL_checkinteger(L, 2));
  return 0;
}

/* ---- a userdata's life: made closed, filled afterwards ---- */

static int close_engine(lua_State *L) {
  lp_engine **slot = slot_of(L);
  lp_engine *engine = *slot;
  *slot = NULL;
  lp_engine_free(engine);
  return 0;
}

static int describe(lua_State *L) {
  lp_engine *engine = *slot_of(L);
  if (engine) lua_pushfstring(L, ENGINE ": %d in flight", (int)lp_engine_in_flight(engine));
  else lua_pushliteral(L, ENGINE ": closed");
  return 1;
}

/* engine { per_host = transfers at once to one origin, ca_file = PEM file } -> engine */
static int make(lua_State *L) {
  lp_engine_options options;
  lp_read_engine_options(L, &options);
  lp_engine **slot = lua_newuserdata(L, sizeof *slot);
  *slot = NULL;
  luaL_getmetatable(L, ENGINE);
  lua_setmetatable(L, -2);
  *slot = lp_engine_new(&options);
  if (!*slot) return luaL_error(L, "no memory for an engine");
  return 1;
}

void lp_push_engine_maker(lua_State *L) {
  static const luaL_Reg methods[] = {{"submit", submit}, {"drive", drive},     {"reap", reap},
                                     {"take", take},     {"cancel", cancel},   {"in_flight", in_flight},
                                     {"watch", watch},   {"unwatch", unwatch}, {"close", close_engine},
                                     {"next", next_ended}, {NULL, NULL}};
  if (luaL_newmetatable(L, ENGINE)) {
    lua_newtable(L);
    for (const luaL_Reg *method = methods; method->name; method++) {
      lua_pushcfunction(L, method->func);
      lua_setfield(L, -2, method->name);
    }
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, close_engine);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, close_engine);
    lua_setfield(L, -2, "__close");
    lua_pushcfunction(L, describe);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, ENGINE);
    lua_setfield(L, -2, "__name");
  }
  lua_pop(L, 1);
  lua_pushcfunction(L, make);
}
