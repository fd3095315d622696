/* Puts the JSON table together and borrows the string escapes of a private lua-cjson. */
#include <lauxlib.h>
#include <locale.h>
#include <string.h>

#include "binding/form.h"
#include "binding/json.h"
#include "binding/json_write.h"
#include "engine/json.h"

/* Pushes a new instance of lua-cjson: its settings are not shared with the host program's. */
static void push_cjson(lua_State *L) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "cjson");
  if (lua_pcall(L, 1, 1, 0) != 0) {
    const char *why = lua_tostring(L, -1);
    luaL_error(L, "luaprov needs lua-cjson (Debian package lua-cjson): %s", why ? why : "it does not load");
  }
  if (lua_istable(L, -1)) {
    lua_getfield(L, -1, "new");
    if (lua_isfunction(L, -1)) {
      lua_call(L, 0, 1);
      if (lua_istable(L, -1)) {
        lua_remove(L, -2);
        return;
      }
    }
  }
  luaL_error(L, "luaprov needs lua-cjson (Debian package lua-cjson): the module named cjson is something else");
}

/* The metatable of arrays: one for each Lua state, however often the module is opened. */
static void push_array_mt(lua_State *L) {
  if (luaL_newmetatable(L, "luaprov.array")) {
    lua_pushliteral(L, "luaprov.array"); /* 5.1 does not do this itself */
    lua_setfield(L, -2, "__name");
  }
}

lp_mark lp_json_mark(lua_State *L, int array_mt) {
  lp_mark found = LP_OBJECT;
  if (lua_getmetatable(L, -1)) {
    if (lua_rawequal(L, -1, array_mt)) {
      found = LP_ARRAY;
    } else {
      lua_pushliteral(L, "__name");
      lua_rawget(L, -2);
      if (lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "luaprov.secret") == 0) {
        found = LP_SECRET;
      }
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
  }
  return found;
}

static int free_locale(lua_State *L) {
  locale_t *box = lua_touserdata(L, 1);
  if (*box != (locale_t)0) {
    freelocale(*box);
    *box = (locale_t)0;
  }
  return 0;
}

/* Pushes a userdata that holds the "C" locale, in which a decimal point is a point whatever the process has set. */
static void push_c_locale(lua_State *L) {
  locale_t *box = lua_newuserdata(L, sizeof *box);
  *box = (locale_t)0;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, free_locale);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  *box = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  if (*box == (locale_t)0) {
    luaL_error(L, "luaprov: no \"C\" locale");
  }
}

/* characters(text) -> how many it has; nil where it is not UTF-8 */
static int characters(lua_State *L) {
  size_t len, count;
  const char *text = luaL_checklstring(L, 1, &len);
  if (!lp_utf8_count(text, len, &count)) {
    return 0;
  }
  lua_pushinteger(L, (lua_Integer)count);
  return 1;
}

/* The two upvalues are on top, below them the table that gets it: they stay. */
static void add_encoder(lua_State *L, lua_CFunction encode, const char *name) {
  for (int i = 0; i < LP_ENCODE_UPVALUES; i++) {
    lua_pushvalue(L, -LP_ENCODE_UPVALUES);
  }
  lua_pushcclosure(L, encode, LP_ENCODE_UPVALUES);
  lua_setfield(L, -LP_ENCODE_UPVALUES - 2, name);
}

void lp_json_open(lua_State *L) {
  luaL_checkstack(L, 10, NULL);
  push_cjson(L);
  push_array_mt(L);
  int cjson = lua_gettop(L) - 1, array_mt = cjson + 1;
  lua_createtable(L, 0, 10);

  lua_pushvalue(L, array_mt);
  lua_getfield(L, cjson, "decode");
  push_c_locale(L);
  memset(lua_newuserdata(L, LP_HINTS), 0, LP_HINTS);
  lua_pushcclosure(L, lp_json_decode, LP_DECODE_UPVALUES);
  lua_setfield(L, -2, "decode");

  lua_pushvalue(L, array_mt);
  lp_escape *escapes = lua_newuserdata(L, LP_ESCAPES * sizeof *escapes);
  lua_getfield(L, cjson, "encode");
  lp_learn_escapes(L, escapes);
  lua_pop(L, 1);
  lua_pushvalue(L, -1);
  lp_push_form_maker(L);
  lua_setfield(L, -4, "form");
  add_encoder(L, lp_json_encode_open, "encode_open");
  add_encoder(L, lp_json_encode_revealed, "encode_revealed");
  lua_pushcclosure(L, lp_json_encode, LP_ENCODE_UPVALUES);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "encode");
  lua_pushcclosure(L, lp_json_cells, 1);
  lua_setfield(L, -2, "cells");

  lua_pushcfunction(L, characters);
  lua_setfield(L, -2, "characters");

  lua_pushlightuserdata(L, NULL); /* == cjson.null */
  lua_setfield(L, -2, "null");
  lua_pushvalue(L, array_mt);
  lua_setfield(L, -2, "array_mt");
  lua_replace(L, cjson);
  lua_pop(L, 1);
}
