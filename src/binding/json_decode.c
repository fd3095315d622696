/* JSON text to Lua values, in the same pass in which engine/json checks the text. */
#include <lauxlib.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "binding/json.h"
#include "engine/json.h"

/* What is known of the open containers. A table is made as large as its elder sibling came out, or one at the same depth
 * in the text before: in a list of records only the first one has to grow, and so in answers that are alike. */
typedef struct {
  lua_Integer count[LP_JSON_DEPTH + 1];    /* values so far, by depth */
  unsigned char hint[LP_JSON_DEPTH + 1];   /* size of the last table that was closed at this depth */
  unsigned char is_object[LP_JSON_DEPTH + 1];
  unsigned depth, deepest;
  unsigned char *before; /* the hints that the last text has left, LP_HINTS of them */
} nest;

enum { HINT_MAX = 64 }; /* a wrong hint must not cost much */

static int fail(lua_State *L, const char *what, size_t offset) {
  char where[32]; /* lua_pushfstring has no %zu */
  snprintf(where, sizeof where, "%zu", offset);
  lua_pushnil(L);
  lua_pushfstring(L, "%s at byte %s", what, where);
  lua_pushinteger(L, (lua_Integer)offset);
  return 3;
}

/* An integer that this Lua cannot hold exactly stays what it is on the wire: its digits. */
static void push_integer(lua_State *L, const char *text, size_t len) {
  bool minus = *text == '-';
  size_t digits = len - minus;
  if (digits <= 19) { /* fits into 64 bits without a sign */
    uint64_t value = 0;
    for (size_t i = minus; i < len; i++) {
      value = value * 10 + (uint64_t)(text[i] - '0');
    }
#if LUA_VERSION_NUM >= 503
    if (value <= (uint64_t)INT64_MAX) {
      lua_pushinteger(L, minus ? -(lua_Integer)value : (lua_Integer)value);
      return;
    }
    if (minus && value == (uint64_t)INT64_MAX + 1) {
      lua_pushinteger(L, LUA_MININTEGER);
      return;
    }
#else
    if (value <= UINT64_C(1) << 53) {
      lua_pushnumber(L, minus ? -(lua_Number)value : (lua_Number)value);
      return;
    }
#endif
  }
  lua_pushlstring(L, text, len);
}

/* False when the number is too large. One that is too small becomes zero, as everywhere. strtod stops by itself: the
 * scanner has seen the whole number, and a Lua string ends with a NUL. */
static bool push_float(lua_State *L, const char *text) {
  locale_t *c_locale = lua_touserdata(L, lua_upvalueindex(LP_DECODE_LOCALE));
  double value = strtod_l(text, NULL, *c_locale);
  if (!isfinite(value)) {
    return false;
  }
  lua_pushnumber(L, value);
  return true;
}

/* Pushes the string or key; if lua-cjson refuses it, pushes why and returns false. */
static bool push_string(lua_State *L, const lp_json *scan) {
  if (!scan->escaped) {
    lua_pushlstring(L, scan->text, scan->len);
    return true;
  }
  lua_pushvalue(L, lua_upvalueindex(LP_DECODE_CJSON));
  lua_pushlstring(L, scan->text - 1, scan->len + 2); /* with its quotes: a JSON text of its own */
  if (lua_pcall(L, 1, 1, 0) != 0) {
    return false;
  }
  if (lua_type(L, -1) != LUA_TSTRING) {
    lua_pushliteral(L, "lua-cjson did not return a string");
    return false;
  }
  return true;
}

static void open_table(lua_State *L, nest *open, bool object) {
  luaL_checkstack(L, 8, "JSON");
  if (++open->depth > open->deepest) {
    open->deepest = open->depth;
    open->hint[open->depth] = open->depth < LP_HINTS ? open->before[open->depth] : 0;
  }
  open->count[open->depth] = 0;
  open->is_object[open->depth] = object;
  int hint = open->hint[open->depth];
  if (object) {
    lua_createtable(L, 0, hint);
  } else {
    lua_createtable(L, hint, 0);
    lua_pushvalue(L, lua_upvalueindex(LP_DECODE_ARRAY_MT));
    lua_setmetatable(L, -2);
  }
}

static void close_table(nest *open) {
  lua_Integer count = open->count[open->depth];
  unsigned char hint = open->hint[open->depth] = (unsigned char)(count < HINT_MAX ? count : HINT_MAX);
  if (open->depth < LP_HINTS) {
    open->before[open->depth] = hint;
  }
  open->depth--;
}

/* Puts the value on top of the stack where it belongs; the outermost one stays. */
static void store(lua_State *L, nest *open) {
  if (open->depth == 0) {
    return;
  }
  lua_Integer count = ++open->count[open->depth];
  if (open->is_object[open->depth]) {
    lua_rawset(L, -3); /* a key that comes again replaces the earlier one */
  } else {
    lua_rawseti(L, -2, count);
  }
}

/* decode(text) -> value | nil, message, offset (bytes, from 0) */
int lp_json_decode(lua_State *L) {
  size_t len;
  luaL_checktype(L, 1, LUA_TSTRING);
  const char *text = lua_tolstring(L, 1, &len);
  lua_settop(L, 1); /* the text stays: the scanner points into it */
  nest open;
  open.depth = open.deepest = 0;
  open.before = lua_touserdata(L, lua_upvalueindex(LP_DECODE_HINTS));
  lp_json scan;
  lp_json_start(&scan, text, len);
  for (;;) {
    switch (lp_json_next(&scan)) {
      case LP_JSON_ERROR:
        return fail(L, scan.error, scan.offset);
      case LP_JSON_END:
        return 1;
      case LP_JSON_NULL:
        lua_pushlightuserdata(L, NULL);
        break;
      case LP_JSON_TRUE:
      case LP_JSON_FALSE:
        lua_pushboolean(L, scan.event == LP_JSON_TRUE);
        break;
      case LP_JSON_INTEGER:
        push_integer(L, scan.text, scan.len);
        break;
      case LP_JSON_FLOAT:
        if (!push_float(L, scan.text)) {
          return fail(L, "number too large", scan.offset);
        }
        break;
      case LP_JSON_STRING:
      case LP_JSON_KEY:
        if (!push_string(L, &scan)) {
          return fail(L, lua_isstring(L, -1) ? lua_tostring(L, -1) : "bad string", scan.offset);
        }
        if (scan.event == LP_JSON_KEY) {
          continue;
        }
        break;
      case LP_JSON_OBJECT:
      case LP_JSON_ARRAY:
        open_table(L, &open, scan.event == LP_JSON_OBJECT);
        continue;
      case LP_JSON_OBJECT_END:
      case LP_JSON_ARRAY_END:
        close_table(&open);
        break;
    }
    store(L, &open);
  }
}
