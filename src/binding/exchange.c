#include "binding/exchange.h"

#include <lauxlib.h>
#include <limits.h>
#include <string.h>

#include "binding/prepared.h"

lp_id lp_read_id(lua_State *L, int index) {
  lua_Number id = luaL_checknumber(L, index);
  return id > 0 && id < 9007199254740992.0 ? (lp_id)id : 0;
}

long lp_milliseconds(lua_Number seconds) {
  if (!(seconds > 0)) return 0;
  lua_Number ms = seconds * 1000.0;
  if (ms > INT_MAX - 1) return INT_MAX - 1;
  long whole = (long)ms;
  return (lua_Number)whole < ms ? whole + 1 : whole;
}

/* The string in a field of the table at `index`: its pointer lives as long as the table holds it. False is nothing. */
static const char *text_field(lua_State *L, int index, const char *name, size_t *len, bool required) {
  lua_getfield(L, index, name);
  int type = lua_type(L, -1);
  if (type != LUA_TSTRING && (required || lua_toboolean(L, -1))) luaL_error(L, "request.%s is not a string", name);
  *len = 0;
  const char *text = type == LUA_TSTRING ? lua_tolstring(L, -1, len) : NULL;
  lua_pop(L, 1);
  return text;
}

/* The same for what C takes as a string. */
static const char *plain_field(lua_State *L, int index, const char *name) {
  size_t len;
  const char *text = text_field(L, index, name, &len, false);
  if (text && strlen(text) != len) luaL_error(L, "request.%s has a NUL in it", name);
  return text;
}

/* True only for true: nothing else may switch something off. */
static bool flag_field(lua_State *L, int index, const char *name) {
  lua_getfield(L, index, name);
  if (!lua_isnil(L, -1) && !lua_isboolean(L, -1)) luaL_error(L, "request.%s is not true or false", name);
  bool flag = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return flag;
}

/* 0 for nothing, and for what is no number of them. */
static size_t count_field(lua_State *L, int index, const char *name) {
  lua_getfield(L, index, name);
  if (!lua_isnil(L, -1) && lua_type(L, -1) != LUA_TNUMBER) luaL_error(L, "request.%s is not a number", name);
  lua_Number count = lua_tonumber(L, -1);
  lua_pop(L, 1);
  return count >= 1 && count < 1e6 ? (size_t)count : 0;
}

/* What leaves the usual way, in a table of its own: most requests have none. It stays on the stack, for its strings. */
static void transport_fields(lua_State *L, lp_transport *transport) {
  lua_getfield(L, 2, "route");
  if (!lua_toboolean(L, -1)) return;
  if (!lua_istable(L, -1)) luaL_error(L, "request.route is not a table");
  int route = lua_gettop(L);
  transport->ca_file = plain_field(L, route, "ca_file");
  transport->certificate = plain_field(L, route, "client_certificate");
  transport->key = plain_field(L, route, "client_key");
  transport->key_password = plain_field(L, route, "client_key_password");
  transport->proxy = plain_field(L, route, "proxy");
  transport->insecure = flag_field(L, route, "insecure");
  transport->connections = count_field(L, route, "connections");
}

static long seconds_field(lua_State *L, const char *name) {
  lua_getfield(L, 2, name);
  if (lua_type(L, -1) != LUA_TNUMBER) luaL_error(L, "request.%s is not a number of seconds", name);
  long ms = lp_milliseconds(lua_tonumber(L, -1));
  lua_pop(L, 1);
  return ms;
}

void lp_read_head(lua_State *L, lp_request *request, lp_header few[LP_FEW_HEADERS]) {
  luaL_checktype(L, 2, LUA_TTABLE);
  *request = (lp_request){0};
  request->method = text_field(L, 2, "method", &request->method_len, true);
  request->connect_timeout_ms = seconds_field(L, "connect_timeout");
  lua_getfield(L, 2, "keep_url");
  request->keep_url = lua_toboolean(L, -1);
  lua_getfield(L, 2, "limit");
  lua_Number limit = lua_tonumber(L, -1);
  request->response_limit = limit >= 1 && limit < 1e15 ? (size_t)limit : 0;
  lua_getfield(L, 2, "headers");
  lua_getfield(L, 2, "order");
  int headers = lua_gettop(L) - 1;
  request->headers =
      lua_isnil(L, -1) ? lp_read_headers(L, headers, "request.headers", &request->header_count, few)
                       : lp_read_named_headers(L, headers, headers + 1, "request.headers", &request->header_count, few);
}

void lp_read_request(lua_State *L, lp_request *request, lp_header few[LP_FEW_HEADERS]) {
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  lua_getfield(L, 2, "prepared"); /* it stays on the stack */
  const lp_request *prepared = lp_prepared(L, -1);
  if (prepared) *request = *prepared;
  else lp_read_head(L, request, few);
  request->url = text_field(L, 2, "url", &request->url_len, true);
  request->body = text_field(L, 2, "body", &request->body_len, false);
  request->timeout_ms = seconds_field(L, "timeout");
  transport_fields(L, &request->transport);
}

static void set_text(lua_State *L, const char *name, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

static const char *const failures[] = {NULL, "network", "tls", "timeout", "protocol", "too_large", "cancelled"};
static const char *const outcomes[] = {"answered", "not_sent", "unknown"};

static int count_of(const char *headers, size_t len) {
  int nuls = 0;
  for (size_t i = 0; i < len; i++) nuls += !headers[i];
  return nuls / 2;
}

/* What of most answers nobody asks for: headers, made of what has arrived when somebody does first, and the outcome. */
static int rest_of(lua_State *L) {
  const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (strcmp(name, "outcome") == 0) {
    lua_pushstring(L, outcomes[LP_ANSWERED]);
    return 1;
  }
  if (strcmp(name, "headers") != 0) return 0;
  size_t len;
  lua_pushliteral(L, "head");
  lua_rawget(L, 1);
  const char *head = lua_tolstring(L, -1, &len);
  if (!head) return 0;
  lp_push_headers(L, head, (size_t)count_of(head, len));
  lua_pushliteral(L, "headers");
  lua_pushvalue(L, -2);
  lua_rawset(L, 1);
  return 1;
}

static void mark_response(lua_State *L) {
  if (luaL_newmetatable(L, "luaprov.response")) {
    lua_pushcfunction(L, rest_of);
    lua_setfield(L, -2, "__index");
  }
  lua_setmetatable(L, -2);
}

void lp_push_response(lua_State *L, const lp_response *response) {
  lua_createtable(L, 0, 7); /* what an answer has, and luaprov.provider.answer adds */
  if (response->proxy) set_text(L, "proxy", response->proxy);
  if (response->outcome != LP_ANSWERED) set_text(L, "outcome", outcomes[response->outcome]);
  if (response->failure != LP_OK) {
    set_text(L, "failure", failures[response->failure]);
    set_text(L, "message", response->message);
  } else {
    lua_pushboolean(L, 0); /* or whoever asks goes the long way */
    lua_setfield(L, -2, "failure");
  }
  if (response->status) {
    lua_pushinteger(L, response->status);
    lua_setfield(L, -2, "status");
  }
  lua_pushlstring(L, response->headers_len ? response->headers : "", response->headers_len);
  lua_setfield(L, -2, "head");
  lua_pushlstring(L, response->body, response->body_len);
  lua_setfield(L, -2, "body");
  lua_pushinteger(L, response->http);
  lua_setfield(L, -2, "http");
  mark_response(L);
}

void lp_read_engine_options(lua_State *L, lp_engine_options *options) {
  *options = (lp_engine_options){0};
  if (lua_isnoneornil(L, 1)) return;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_getfield(L, 1, "per_host");
  lua_Number per_host = lua_tonumber(L, -1);
  if (per_host >= 1 && per_host < 1e6) options->per_host = (size_t)per_host;
  lua_getfield(L, 1, "ca_file");
  options->ca_file = lua_tostring(L, -1); /* stays on the stack until it is copied */
}
