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

const lp_header *lp_read_headers(lua_State *L, int index, const char *what, size_t *count,
                                 lp_header few[LP_FEW_HEADERS]) {
  *count = 0;
  if (lua_isnoneornil(L, index)) return NULL;
  if (!lua_istable(L, index)) luaL_error(L, "%s is not a table", what);
#if LUA_VERSION_NUM < 502
  size_t len = lua_objlen(L, index);
#else
  size_t len = lua_rawlen(L, index);
#endif
  if (len % 2) luaL_error(L, "%s has a name without a value", what);
  if (len > 2000) luaL_error(L, "%s has more than 1000 headers", what);
  lp_header *headers = len / 2 > LP_FEW_HEADERS ? lua_newuserdata(L, len / 2 * sizeof *headers) : few;
  for (size_t i = 0; i < len / 2; i++) {
    lua_rawgeti(L, index, (int)(2 * i + 1));
    lua_rawgeti(L, index, (int)(2 * i + 2));
    if (lua_type(L, -1) != LUA_TSTRING || lua_type(L, -2) != LUA_TSTRING)
      luaL_error(L, "%s has something that is not a string", what);
    headers[i].name = lua_tolstring(L, -2, &headers[i].name_len);
    headers[i].value = lua_tolstring(L, -1, &headers[i].value_len);
    lua_pop(L, 2);
  }
  *count = len / 2;
  return headers;
}
