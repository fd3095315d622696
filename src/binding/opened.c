/* Values with secrets in them: copies that have none, or have them revealed. What has none is not copied. */
#include <lauxlib.h>
#include <stdbool.h>

#include "binding/json.h"
#include "engine/json.h"

enum { VALUE = 1, HOW, FRESH };

typedef struct {
  lua_State *L;
  bool reveal; /* HOW is a function: secret -> what stands for it; else a list of texts that are secret, or nil */
  int texts;   /* how many */
  bool fresh;  /* every table is copied */
} walk;

/* What a value has become: it is the same, a copy, or a copy in which a secret is no more. */
typedef enum { SAME, COPIED, CHANGED } change;

static bool is_secret_text(walk *w) {
  for (int i = 1; i <= w->texts; i++) {
    lua_rawgeti(w->L, HOW, i);
    bool same = lua_rawequal(w->L, -1, -2);
    lua_pop(w->L, 1);
    if (same) {
      return true;
    }
  }
  return false;
}

static void copy_table(lua_State *L, int from, lp_mark its) {
  int count = 0; /* many live long: none is larger than it has to be */
  for (lua_pushnil(L); lua_next(L, from); lua_pop(L, 1)) {
    count++;
  }
  lua_createtable(L, its == LP_ARRAY ? count : 0, its == LP_ARRAY ? 0 : count);
  if (lua_getmetatable(L, from)) {
    lua_setmetatable(L, -2);
  }
  lua_pushnil(L);
  while (lua_next(L, from)) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -4);
  }
}

/* Puts in the place of the value on top what is to stand for it. */
static change replace(walk *w, int depth) {
  lua_State *L = w->L;
  int type = lua_type(L, -1);
  if (type == LUA_TSTRING && w->texts > 0 && is_secret_text(w)) {
    lua_pop(L, 1);
    lua_pushnil(L);
    return CHANGED;
  }
  if (type != LUA_TTABLE) {
    return SAME;
  }
  if (depth > LP_JSON_DEPTH) {
    luaL_error(L, "tables nested deeper than %d", LP_JSON_DEPTH);
  }
  luaL_checkstack(L, 12, "a value");
  lp_mark its = lp_json_mark(L, lua_upvalueindex(1));
  if (its == LP_SECRET) {
    if (w->reveal) {
      lua_pushvalue(L, HOW);
      lua_insert(L, -2);
      lua_call(L, 1, 1);
    } else {
      lua_pop(L, 1);
      lua_pushnil(L);
    }
    return CHANGED;
  }
  int table = lua_gettop(L);
  change whole = SAME;
  lua_pushnil(L); /* where the copy will be */
  if (w->fresh) {
    copy_table(L, table, its);
    lua_replace(L, table + 1);
    whole = COPIED;
  }
  lua_pushnil(L);
  while (lua_next(L, table)) {
    int inner = lua_type(L, -1);
    bool looks = inner == LUA_TTABLE || (inner == LUA_TSTRING && w->texts > 0);
    change its_own = looks ? replace(w, depth + 1) : SAME;
    if (its_own == SAME) {
      lua_pop(L, 1);
      continue;
    }
    if (its_own == CHANGED && its == LP_ARRAY && !w->reveal) { /* one with a secret is left out whole */
      lua_settop(L, table - 1);
      lua_pushnil(L);
      return CHANGED;
    }
    if (whole == SAME) {
      copy_table(L, table, its);
      lua_replace(L, table + 1);
    }
    whole = its_own > whole ? its_own : whole;
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, table + 1);
  }
  lua_settop(L, table + 1);
  if (whole != SAME) {
    lua_replace(L, table);
  } else {
    lua_pop(L, 1);
  }
  return whole;
}

static int run(lua_State *L, bool reveal) {
  lua_settop(L, FRESH);
  walk w = { .L = L, .reveal = reveal, .fresh = !reveal && lua_toboolean(L, FRESH) };
  if (!reveal && lua_istable(L, HOW)) {
    while (lua_rawgeti(L, HOW, w.texts + 1), !lua_isnil(L, -1)) {
      w.texts++;
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
  }
  lua_pushvalue(L, VALUE);
  replace(&w, 1);
  return 1;
}

/* without_secrets(value[, texts[, fresh]]) -> the value without its secrets, and without what is one of the texts; a
 * marked list with one is left out whole. fresh: no table of it is one of the value's */
int lp_json_without(lua_State *L) {
  return run(L, false);
}

/* revealed(value, reveal) -> the value with reveal(secret) in the place of each */
int lp_json_revealed(lua_State *L) {
  luaL_checktype(L, HOW, LUA_TFUNCTION);
  return run(L, true);
}
