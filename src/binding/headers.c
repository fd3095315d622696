#include "binding/headers.h"

#include <lauxlib.h>
#include <string.h>

void lp_push_headers(lua_State *L, const char *headers, size_t count) {
  lua_createtable(L, 0, (int)count);
  const char *at = headers;
  for (size_t i = 0; i < count; i++) {
    const char *name = at, *value = name + strlen(name) + 1;
    at = value + strlen(value) + 1;
    lua_pushstring(L, name);
    lua_pushvalue(L, -1);
    lua_rawget(L, -3);
    if (lua_isnil(L, -1)) {
      lua_pop(L, 1);
      lua_pushstring(L, value);
    } else {
      lua_pushliteral(L, ", ");
      lua_pushstring(L, value);
      lua_concat(L, 3);
    }
    lua_rawset(L, -3);
  }
}

static size_t length(lua_State *L, int index, const char *what) {
  if (!lua_istable(L, index)) luaL_error(L, "%s is not a table", what);
#if LUA_VERSION_NUM < 502
  return lua_objlen(L, index);
#else
  return lua_rawlen(L, index);
#endif
}

/* Room for headers: `few`, or on the stack, for Lua to free. */
static lp_header *room(lua_State *L, size_t count, const char *what, lp_header few[LP_FEW_HEADERS]) {
  if (count > 1000) luaL_error(L, "%s has more than 1000 headers", what);
  return count > LP_FEW_HEADERS ? lua_newuserdata(L, count * sizeof(lp_header)) : few;
}

/* Takes the name and the value from the top of the stack. */
static void read(lua_State *L, lp_header *header, const char *what) {
  if (lua_type(L, -1) != LUA_TSTRING || lua_type(L, -2) != LUA_TSTRING)
    luaL_error(L, "%s has something that is not a string", what);
  header->name = lua_tolstring(L, -2, &header->name_len);
  header->value = lua_tolstring(L, -1, &header->value_len);
  lua_pop(L, 2);
}

const lp_header *lp_read_headers(lua_State *L, int index, const char *what, size_t *count,
                                 lp_header few[LP_FEW_HEADERS]) {
  *count = 0;
  if (lua_isnoneornil(L, index)) return NULL;
  size_t len = length(L, index, what);
  if (len % 2) luaL_error(L, "%s has a name without a value", what);
  lp_header *headers = room(L, len / 2, what, few);
  for (size_t i = 0; i < len / 2; i++) {
    lua_rawgeti(L, index, (int)(2 * i + 1));
    lua_rawgeti(L, index, (int)(2 * i + 2));
    read(L, &headers[i], what);
  }
  *count = len / 2;
  return headers;
}

const lp_header *lp_read_named_headers(lua_State *L, int index, int order, const char *what, size_t *count,
                                       lp_header few[LP_FEW_HEADERS]) {
  *count = 0;
  length(L, index, what);
  size_t len = length(L, order, what);
  lp_header *headers = room(L, len, what, few);
  for (size_t i = 1; i <= len; i++) {
    lua_rawgeti(L, order, (int)i);
    lua_pushvalue(L, -1);
    lua_rawget(L, index);
    if (lua_isnil(L, -1)) lua_pop(L, 2);
    else read(L, &headers[(*count)++], what);
  }
  return headers;
}
