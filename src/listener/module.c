/* luaprov.listener: the listener as a Lua userdata. Moves values between the Lua stack and C structs; decides nothing.
 * A module of its own, so that only who serves loads libmicrohttpd. */
#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#include "binding/headers.h"
#include "listener/listener.h"

#define LISTENER "luaprov.listener"

static lp_listener **slot_of(lua_State *L) { return luaL_checkudata(L, 1, LISTENER); }

static lp_listener *listener_of(lua_State *L) {
  lp_listener *listener = *slot_of(L);
  if (!listener) luaL_error(L, "this listener is closed");
  return listener;
}

static lp_arrival_id id_of(lua_State *L) {
  lua_Number id = luaL_checknumber(L, 2);
  return id > 0 && id < 9007199254740992.0 ? (lp_arrival_id)id : 0;
}

/* listener:port() -> the real one */
static int port(lua_State *L) {
  lua_pushinteger(L, lp_listener_port(listener_of(L)));
  return 1;
}

/* listener:fd() -> descriptor that is readable when there is something to run */
static int fd(lua_State *L) {
  lua_pushinteger(L, lp_listener_fd(listener_of(L)));
  return 1;
}

/* listener:run(): accepts, reads and writes what can be done without waiting */
static int run(lua_State *L) {
  lp_listener_run(listener_of(L));
  return 0;
}

/* listener:timeout() -> seconds after which run is wanted although fd is silent, or nil */
static int timeout(lua_State *L) {
  double seconds = lp_listener_timeout(listener_of(L));
  if (seconds < 0) lua_pushnil(L);
  else lua_pushnumber(L, seconds);
  return 1;
}

static void set_text(lua_State *L, const char *name, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

/* listener:next() -> the next whole request, each once, or nil
 * request: id, method, path and query as they were sent, headers (names in lower case), body, http ("1.1") */
static int next(lua_State *L) {
  lp_listener *listener = listener_of(L);
  lua_createtable(L, 0, 7);
  const lp_arrival *arrival = lp_listener_next(listener);
  if (!arrival) return 0;
  lua_pushinteger(L, (lua_Integer)arrival->id);
  lua_setfield(L, -2, "id");
  set_text(L, "method", arrival->method);
  set_text(L, "path", arrival->path);
  set_text(L, "query", arrival->query);
  set_text(L, "http", arrival->http);
  lp_push_headers(L, arrival->headers, arrival->header_count);
  lua_setfield(L, -2, "headers");
  lua_pushlstring(L, arrival->body ? arrival->body : "", arrival->body_len);
  lua_setfield(L, -2, "body");
  return 1;
}

/* listener:answer(id, status, { name, value, … }, body) -> true, or false for an id that is unknown or ended */
static int answer(lua_State *L) {
  lp_listener *listener = listener_of(L);
  lp_arrival_id id = id_of(L);
  lua_Integer status = luaL_checkinteger(L, 3);
  size_t len = 0, count;
  const char *body = luaL_optlstring(L, 5, "", &len), *wrong;
  lp_header few[LP_FEW_HEADERS];
  const lp_header *headers = lp_read_headers(L, 4, "the list of headers", &count, few);
  unsigned number = status > 0 && status < 1000 ? (unsigned)status : 0;
  bool answered = lp_listener_answer(listener, id, number, headers, count, body, len, &wrong);
  if (wrong) return luaL_error(L, "%s", wrong);
  lua_pushboolean(L, answered);
  return 1;
}

/* listener:write(id, bytes) -> whether all was taken, in place of an answer; sent as the client reads it */
static int write(lua_State *L) {
  lp_listener *listener = listener_of(L);
  size_t len;
  const char *bytes = luaL_checklstring(L, 3, &len);
  lua_pushboolean(L, lp_listener_write(listener, id_of(L), bytes, len));
  return 1;
}

/* listener:finish(id, "close" or "reset") -> false for an id that is unknown or ended */
static int finish(lua_State *L) {
  static const char *const ways[] = {"close", "reset", NULL};
  lp_listener *listener = listener_of(L);
  lp_finish how = luaL_checkoption(L, 3, "close", ways) == 0 ? LP_CLOSE : LP_RESET;
  lua_pushboolean(L, lp_listener_finish(listener, id_of(L), how));
  return 1;
}

/* listener:hang_up(count, "close" or "reset"): ends the next connections before anything of them is read -> how many of
 * those that it was told of before have not come */
static int hang_up(lua_State *L) {
  static const char *const ways[] = {"close", "reset", NULL};
  lp_listener *listener = listener_of(L);
  lua_Number count = luaL_checknumber(L, 2);
  luaL_argcheck(L, count >= 0 && count <= 1e15, 2, "not from 0 to 1e15");
  lp_finish how = luaL_checkoption(L, 3, "close", ways) == 0 ? LP_CLOSE : LP_RESET;
  lua_pushnumber(L, (lua_Number)lp_listener_hang_up(listener, (size_t)count, how));
  return 1;
}

/* listener:open() -> true: takes connections from now on; or nil and why not */
static int open_door(lua_State *L) {
  char why[256];
  if (lp_listener_open(listener_of(L), why, sizeof why)) {
    lua_pushboolean(L, true);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, why);
  return 2;
}

/* listener:gone(id) -> whether the client has closed its end; true for an id that is unknown or ended */
static int gone(lua_State *L) {
  lp_listener *listener = listener_of(L);
  lua_pushboolean(L, lp_listener_gone(listener, id_of(L)));
  return 1;
}

/* listener:waiting() -> how many requests were handed out and neither answered nor ended */
static int waiting(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)lp_listener_waiting(listener_of(L)));
  return 1;
}

/* ---- a userdata's life: made closed, filled afterwards ---- */

static int close_listener(lua_State *L) {
  lp_listener **slot = slot_of(L);
  lp_listener *listener = *slot;
  *slot = NULL;
  lp_listener_free(listener);
  return 0;
}

static int describe(lua_State *L) {
  const lp_listener *listener = *slot_of(L);
  if (listener) lua_pushfstring(L, LISTENER ": port %d", (int)lp_listener_port(listener));
  else lua_pushliteral(L, LISTENER ": closed");
  return 1;
}

/* A number from 0 to `most` in a field of the table at 1; 0 where there is none. */
static lua_Number number_field(lua_State *L, const char *name, lua_Number most) {
  lua_getfield(L, 1, name);
  lua_Number number = 0;
  if (!lua_isnil(L, -1)) {
    if (lua_type(L, -1) != LUA_TNUMBER) luaL_error(L, "%s is not a number", name);
    number = lua_tonumber(L, -1);
    if (!(number >= 0 && number <= most)) luaL_error(L, "%s is not from 0 to %f", name, most);
  }
  lua_pop(L, 1);
  return number;
}

/* new { host = "127.0.0.1", port = 0, body_limit = bytes, keep_alive = seconds, shut = false } -> listener, or nil and why
 * not */
static int make(lua_State *L) {
  lp_listener_options options = {0};
  if (lua_isnoneornil(L, 1)) lua_newtable(L), lua_replace(L, 1);
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  options.port = (uint16_t)number_field(L, "port", 65535);
  options.body_limit = (size_t)number_field(L, "body_limit", 1e15);
  options.keep_alive = (unsigned)number_field(L, "keep_alive", 1e6);
  lua_getfield(L, 1, "shut");
  options.shut = lua_toboolean(L, -1);
  lua_pop(L, 1);
  lua_getfield(L, 1, "host"); /* stays on the stack until it is used */
  if (!lua_isnil(L, -1) && lua_type(L, -1) != LUA_TSTRING) return luaL_error(L, "host is not a string");
  options.host = lua_tostring(L, -1);
  lp_listener **slot = lua_newuserdata(L, sizeof *slot);
  *slot = NULL;
  luaL_getmetatable(L, LISTENER);
  lua_setmetatable(L, -2);
  char why[256];
  *slot = lp_listener_new(&options, why, sizeof why);
  if (*slot) return 1;
  lua_pushnil(L);
  lua_pushstring(L, why);
  return 2;
}

static void set_functions(lua_State *L, const luaL_Reg *functions) {
  for (; functions->name; functions++) {
    lua_pushcfunction(L, functions->func);
    lua_setfield(L, -2, functions->name);
  }
}

__attribute__((visibility("default"))) int luaopen_luaprov_listener(lua_State *L);

int luaopen_luaprov_listener(lua_State *L) {
  static const luaL_Reg methods[] = {{"port", port},       {"fd", fd},         {"run", run},         {"timeout", timeout},
                                     {"next", next},       {"answer", answer}, {"write", write},     {"finish", finish},
                                     {"gone", gone},       {"waiting", waiting}, {"hang_up", hang_up},
                                     {"open", open_door},  {"close", close_listener}, {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__gc", close_listener}, {"__close", close_listener}, {"__tostring", describe}, {NULL, NULL}};
  if (luaL_newmetatable(L, LISTENER)) {
    lua_newtable(L);
    set_functions(L, methods);
    lua_setfield(L, -2, "__index");
    set_functions(L, meta);
    lua_pushliteral(L, LISTENER);
    lua_setfield(L, -2, "__name");
  }
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushcfunction(L, make);
  lua_setfield(L, -2, "new");
  return 1;
}
