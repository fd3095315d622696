/* The rows of a state: what each of their columns gets of a table. */
#include <lauxlib.h>

#include "binding/json.h"
#include "engine/json.h"

enum { COLUMNS = 1, FROM, FIRST, ENCODE_SLOT, VALUES };

/* Whether the value on top may stand in a column of this kind; one of JSON becomes its text. */
static bool make_cell(lua_State *L, const char *kind) {
  int type = lua_type(L, -1);
  if (type == LUA_TNIL) {
    return *kind != '!';
  }
  if (*kind == 'j' || (*kind == 'f' && type != LUA_TSTRING)) {
    lua_pushvalue(L, ENCODE_SLOT);
    lua_insert(L, -2);
    lua_call(L, 1, 1);
    return !lua_isnil(L, -1);
  }
  size_t len = 0;
  const char *text = type == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
  return text && (len > 0 || *kind != '!') && lp_utf8_bad(text, len) == len;
}

/* cells(columns, from, first) -> a list that has, from `first` on, what `from` has for each column; or nil, the number of
 * a column that it has nothing good for. Columns: name, kind, name, kind …; kind: "json", "fields" (the same, or a text of
 * JSON as it is), "text" (UTF-8), "!" (a text that must be there, and not be empty). */
int lp_json_cells(lua_State *L) {
  luaL_checktype(L, COLUMNS, LUA_TTABLE);
  luaL_checktype(L, FROM, LUA_TTABLE);
  int first = (int)luaL_checkinteger(L, FIRST);
  lua_settop(L, FIRST);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_createtable(L, first + 16, 0);
  for (int column = 0;; column++) {
    lua_rawgeti(L, COLUMNS, 2 * column + 1);
    if (lua_isnil(L, -1)) {
      break;
    }
    lua_rawget(L, FROM);
    lua_rawgeti(L, COLUMNS, 2 * column + 2);
    const char *kind = luaL_checkstring(L, -1);
    lua_pop(L, 1); /* its table has it still */
    if (!make_cell(L, kind)) {
      lua_pushnil(L);
      lua_pushinteger(L, column + 1);
      return 2;
    }
    lua_rawseti(L, VALUES, first + column);
  }
  lua_settop(L, VALUES);
  return 1;
}
