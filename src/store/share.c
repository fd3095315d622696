#include "store/share.h"

#include <lauxlib.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#define EXACT 9007199254740992.0 /* 2^53: up to it every whole number has a double of its own */

static void read_number(lua_State *L, int index, lp_param *param) {
#if LUA_VERSION_NUM >= 503
  if (lua_isinteger(L, index)) {
    param->type = LP_INTEGER;
    param->integer = (int64_t)lua_tointeger(L, index);
    return;
  }
#endif
  double number = lua_tonumber(L, index);
  if (!isfinite(number)) luaL_argerror(L, index, "NaN and infinity are no values of a database");
#if LUA_VERSION_NUM < 503
  if (number >= -EXACT && number <= EXACT && floor(number) == number) {
    param->type = LP_INTEGER;
    param->integer = (int64_t)number;
    return;
  }
#endif
  param->type = LP_NUMBER;
  param->number = number;
}

static void read_text(lua_State *L, int index, lp_param_type type, lp_param *param) {
  param->type = type;
  param->text = lua_tolstring(L, index, &param->len);
}

int lp_read_params(lua_State *L, int first, lp_param params[LP_PARAMS]) {
  int last = lua_gettop(L), count = 0;
  if (last - first >= LP_PARAMS) luaL_error(L, "more than %d parameters", (int)LP_PARAMS);
  luaL_checkstack(L, LP_PARAMS + 4, "parameters");
  for (int index = first; index <= last; index++) {
    lp_param *param = &params[count++];
    *param = (lp_param){.type = LP_NULL};
    switch (lua_type(L, index)) {
    case LUA_TNIL:
      break;
    case LUA_TBOOLEAN:
      param->type = LP_INTEGER;
      param->integer = lua_toboolean(L, index);
      break;
    case LUA_TNUMBER:
      read_number(L, index, param);
      break;
    case LUA_TSTRING:
      read_text(L, index, LP_TEXT, param);
      break;
    case LUA_TTABLE:
      lua_pushliteral(L, "blob");
      lua_rawget(L, index); /* stays on the stack until the statement has run */
      if (lua_type(L, -1) != LUA_TSTRING) luaL_argerror(L, index, "a table without bytes in `blob`");
      read_text(L, -1, LP_BLOB, param);
      break;
    default:
      luaL_argerror(L, index, lua_pushfstring(L, "a %s is no value of a database", luaL_typename(L, index)));
    }
  }
  return count;
}

void lp_push_integer(lua_State *L, int64_t value) {
#if LUA_VERSION_NUM >= 503
  lua_pushinteger(L, (lua_Integer)value);
#else
  if (value >= -(int64_t)EXACT && value <= (int64_t)EXACT) {
    lua_pushnumber(L, (lua_Number)value);
    return;
  }
  char digits[24];
  snprintf(digits, sizeof digits, "%lld", (long long)value);
  lua_pushstring(L, digits);
#endif
}

void lp_push_row(lua_State *L, int names, int columns, void (*push)(lua_State *, void *, int), void *result) {
  lua_createtable(L, 0, columns);
  for (int column = 0; column < columns; column++) {
    lua_pushvalue(L, names + column);
    push(L, result, column);
    lua_rawset(L, -3);
  }
}

int lp_refuse(lua_State *L, const char *message, const char *code) {
  lua_pushnil(L);
  lua_pushstring(L, message);
  lua_pushstring(L, code);
  return 3;
}

int lp_known_new(lua_State *L) {
  lua_newtable(L);
  return luaL_ref(L, LUA_REGISTRYINDEX);
}

int lp_known_find(lua_State *L, int known, int text) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, known);
  lua_pushvalue(L, text);
  lua_rawget(L, -2);
  int number = (int)lua_tointeger(L, -1);
  lua_pop(L, 2);
  return number;
}

void lp_known_add(lua_State *L, int known, int text, int number) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, known);
  lua_pushvalue(L, text);
  lua_pushinteger(L, number);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

void lp_known_free(lua_State *L, int known) { luaL_unref(L, LUA_REGISTRYINDEX, known); }

void lp_set_functions(lua_State *L, const lp_entry *functions) {
  for (; functions->name; functions++) {
    lua_pushcfunction(L, functions->function);
    lua_setfield(L, -2, functions->name);
  }
}

void lp_set_kind(lua_State *L, const char *kind, const lp_entry *methods, const lp_entry *meta) {
  if (luaL_newmetatable(L, kind)) {
    lua_newtable(L);
    lp_set_functions(L, methods);
    lua_setfield(L, -2, "__index");
    lp_set_functions(L, meta);
    lua_pushstring(L, kind);
    lua_setfield(L, -2, "__name");
  }
  lua_pop(L, 1);
}
