#include "binding/engine.h"

#include <lauxlib.h>
#include <limits.h>
#include <string.h>

#include "binding/headers.h"
#include "engine/engine.h"

#define ENGINE "luaprov.engine"

static lp_engine **slot_of(lua_State *L) { return luaL_checkudata(L, 1, ENGINE); }

static lp_engine *engine_of(lua_State *L) {
  lp_engine *engine = *slot_of(L);
  if (!engine) luaL_error(L, "this engine is closed");
  return engine;
}

static lp_id id_of(lua_State *L, int index) {
  lua_Number id = luaL_checknumber(L, index);
  return id > 0 && id < 9007199254740992.0 ? (lp_id)id : 0;
}

/* A number of seconds as whole milliseconds, rounded up: 0.0001 s is some time, not none. */
static long milliseconds(lua_Number seconds) {
  if (!(seconds > 0)) return 0;
  lua_Number ms = seconds * 1000.0;
  if (ms > INT_MAX - 1) return INT_MAX - 1;
  long whole = (long)ms;
  return (lua_Number)whole < ms ? whole + 1 : whole;
}

/* ---- submit ---- */

/* The string in a field of the table at 2: its pointer lives as long as the table holds it. */
static const char *text_field(lua_State *L, const char *name, size_t *len, bool required) {
  lua_getfield(L, 2, name);
  int type = lua_type(L, -1);
  if (type != LUA_TSTRING && (required || type != LUA_TNIL)) luaL_error(L, "request.%s is not a string", name);
  *len = 0;
  const char *text = type == LUA_TSTRING ? lua_tolstring(L, -1, len) : NULL;
  lua_pop(L, 1);
  return text;
}

/* The same for what C takes as a string. */
static const char *plain_field(lua_State *L, const char *name) {
  size_t len;
  const char *text = text_field(L, name, &len, false);
  if (text && strlen(text) != len) luaL_error(L, "request.%s has a NUL in it", name);
  return text;
}

/* True only for true: nothing else may switch something off. */
static bool flag_field(lua_State *L, const char *name) {
  lua_getfield(L, 2, name);
  if (!lua_isnil(L, -1) && !lua_isboolean(L, -1)) luaL_error(L, "request.%s is not true or false", name);
  bool flag = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return flag;
}

static void transport_fields(lua_State *L, lp_transport *transport) {
  transport->ca_file = plain_field(L, "ca_file");
  transport->certificate = plain_field(L, "client_certificate");
  transport->key = plain_field(L, "client_key");
  transport->key_password = plain_field(L, "client_key_password");
  transport->proxy = plain_field(L, "proxy");
  transport->insecure = flag_field(L, "insecure");
}

static long seconds_field(lua_State *L, const char *name) {
  lua_getfield(L, 2, name);
  if (lua_type(L, -1) != LUA_TNUMBER) luaL_error(L, "request.%s is not a number of seconds", name);
  long ms = milliseconds(lua_tonumber(L, -1));
  lua_pop(L, 1);
  return ms;
}

/* engine:submit(request) -> id, or nil and what is wrong with the request
 * request: method, url, headers (names and values in turn), body, timeout and connect_timeout (seconds), limit (bytes);
 * ca_file, client_certificate, client_key, client_key_password, proxy, insecure as in lp_transport */
static int submit(lua_State *L) {
  lp_engine *engine = engine_of(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  lp_request request = {0};
  request.method = text_field(L, "method", &request.method_len, true);
  request.url = text_field(L, "url", &request.url_len, true);
  request.body = text_field(L, "body", &request.body_len, false);
  request.timeout_ms = seconds_field(L, "timeout");
  request.connect_timeout_ms = seconds_field(L, "connect_timeout");
  transport_fields(L, &request.transport);
  lua_getfield(L, 2, "limit");
  lua_Number limit = lua_tonumber(L, -1);
  request.response_limit = limit >= 1 && limit < 1e15 ? (size_t)limit : 0;
  lua_getfield(L, 2, "headers");
  request.headers = lp_read_headers(L, lua_gettop(L), "request.headers", &request.header_count);
  char why[256];
  lp_id id = lp_engine_submit(engine, &request, why, sizeof why);
  if (!id) {
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
  }
  lua_pushnumber(L, (lua_Number)id);
  return 1;
}

/* ---- drive, reap, take, cancel ---- */

/* engine:drive(seconds) -> how many have ended and are not reaped */
static int drive(lua_State *L) {
  lp_engine *engine = engine_of(L);
  lua_pushinteger(L, (lua_Integer)lp_engine_drive(engine, (int)milliseconds(luaL_checknumber(L, 2))));
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

static void set_text(lua_State *L, const char *name, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

static const char *const failures[] = {NULL, "network", "tls", "timeout", "protocol", "too_large", "cancelled"};
static const char *const outcomes[] = {"answered", "not_sent", "unknown"};

/* engine:take(id) -> response, once; nil for an id that is unknown, in flight or taken already.
 * response: outcome, failure and message (if it failed), status, headers, body, reused, http, seconds, proxy (its host
 * and port, if there was one) */
static int take(lua_State *L) {
  lp_engine *engine = engine_of(L);
  lp_id id = id_of(L, 2);
  const lp_response *response = lp_engine_take(engine, id);
  if (!response) return 0;
  lua_createtable(L, 0, 10);
  if (response->proxy) set_text(L, "proxy", response->proxy);
  set_text(L, "outcome", outcomes[response->outcome]);
  if (response->failure != LP_OK) {
    set_text(L, "failure", failures[response->failure]);
    set_text(L, "message", response->message);
  }
  if (response->status) {
    lua_pushinteger(L, response->status);
    lua_setfield(L, -2, "status");
  }
  lp_push_headers(L, response->headers, response->header_count);
  lua_setfield(L, -2, "headers");
  lua_pushlstring(L, response->body, response->body_len);
  lua_setfield(L, -2, "body");
  lua_pushboolean(L, response->reused);
  lua_setfield(L, -2, "reused");
  lua_pushinteger(L, response->http);
  lua_setfield(L, -2, "http");
  lua_pushnumber(L, response->seconds);
  lua_setfield(L, -2, "seconds");
  lp_engine_release(engine, id);
  return 1;
}

/* engine:cancel(id) -> whether it was still going on */
static int cancel(lua_State *L) {
  lp_engine *engine = engine_of(L);
  lua_pushboolean(L, lp_engine_cancel(engine, id_of(L, 2)));
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
  lp_engine_options options = {0};
  if (!lua_isnoneornil(L, 1)) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_getfield(L, 1, "per_host");
    lua_Number per_host = lua_tonumber(L, -1);
    if (per_host >= 1 && per_host < 1e6) options.per_host = (size_t)per_host;
    lua_getfield(L, 1, "ca_file");
    options.ca_file = lua_tostring(L, -1); /* stays on the stack until it is copied */
  }
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
                                     {NULL, NULL}};
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
