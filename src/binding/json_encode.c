/* Lua values to JSON text: our own walk, raw (no metamethod runs), into one buffer. */
#include <lauxlib.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binding/json.h"
#include "binding/json_encode.h"
#include "engine/json.h"

typedef struct {
  const char *text;
  size_t len;
  lua_Integer index; /* which of its object's keys, before they were sorted; from 1 */
} key;

static bool encode_value(lp_encoder *e, const lp_place *up);

enum {
  OUT_FIRST = 2048,
  KEYS_FIRST = 192,
  STACK_KEYS = 64,    /* an object with more keys keeps them in a table, not on the stack */
  STACK_LIMIT = 3000, /* so does every object from here on: LuaJIT has 8000 slots for one C function */
};

static void put(lp_encoder *e, const char *text, size_t len) {
  lp_put(e->L, &e->out, text, len);
}

static void put_byte(lp_encoder *e, char c) {
  put(e, &c, 1);
}

/* Leaves "path: message" on top of the stack and returns false. */
__attribute__((format(printf, 3, 4))) static bool fail(lp_encoder *e, const lp_place *up, const char *format, ...) {
  char message[160];
  va_list args;
  luaL_Buffer b;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  luaL_checkstack(e->L, LUA_MINSTACK, "JSON");
  luaL_buffinit(e->L, &b);
  lp_add_path(&b, up);
  if (up) {
    luaL_addstring(&b, ": ");
  }
  luaL_addstring(&b, message);
  luaL_pushresult(&b);
  return false;
}

bool lp_encode_string(lp_encoder *e, const lp_place *up) {
  if (e->texts > 0 && lp_is_secret_text(e)) {
    e->gone = true;
    return true;
  }
  size_t len;
  const char *text = lua_tolstring(e->L, -1, &len);
  size_t bad = lp_put_string(e->L, &e->out, e->escapes, text, len);
  return bad == len || fail(e, up, "string is not UTF-8 at byte %zu", bad);
}

static bool encode_number(lp_encoder *e, const lp_place *up) {
  lua_State *L = e->L;
#if LUA_VERSION_NUM >= 503
  if (lua_isinteger(L, -1)) {
    lua_Integer value = lua_tointeger(L, -1);
    lp_put_integer(L, &e->out, value < 0, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
    return true;
  }
#endif
  double value = lua_tonumber(L, -1);
  if (!isfinite(value)) {
    return fail(e, up, isnan(value) ? "NaN has no JSON form" : "infinity has no JSON form");
  }
#if LUA_VERSION_NUM < 503
  /* Without an integer type, what is integral and exact is an integer. */
  if (fabs(value) <= 9007199254740992.0 && value == floor(value) && !(value == 0 && signbit(value))) {
    lp_put_integer(L, &e->out, value < 0, (uint64_t)fabs(value));
    return true;
  }
#endif
  lp_put_float(L, &e->out, value);
  return true;
}

static lp_mark marked(const lp_encoder *e) { return lp_json_mark(e->L, lua_upvalueindex(LP_ENCODE_ARRAY_MT)); }

/* What a look at every key of a table has shown. */
typedef struct {
  lp_mark kind;
  lua_Integer count;
  bool collected; /* an object's keys are in e->keys, and with their values on the stack */
} look;

/* Looks at the table on top. The keys and values of an object that is not too large stay on the stack, from table + 1
 * on, each key before its value: a finalizer that takes one out of its table must not pull it from under our feet.
 * Nothing in the loop allocates, so none runs while lua_next is at work. */
static bool look_at(lp_encoder *e, const lp_place *up, look *seen) {
  lua_State *L = e->L;
  int table = lua_gettop(L);
  lua_Integer strings = 0, indexes = 0, collected = 0;
  lua_Number highest = 0;
  lua_Integer collectable = table < STACK_LIMIT ? STACK_KEYS : 0;
  key *keys = (key *)(void *)lp_reserve(L, &e->keys, STACK_KEYS * sizeof *keys);
  luaL_checkstack(L, 2 * STACK_KEYS + 16, "JSON");
  lua_pushnil(L);
  while (lua_next(L, table)) {
    int type = lua_type(L, -2);
    lua_Number index = type == LUA_TNUMBER ? lua_tonumber(L, -2) : 0;
    if (type == LUA_TSTRING) {
      if (strings++ < collectable) {
        key *next = &keys[collected++];
        next->text = lua_tolstring(L, -2, &next->len);
        next->index = collected;
        lua_pushvalue(L, -2);
        continue;
      }
    } else if (index >= 1 && index == floor(index)) {
      indexes++;
      highest = index > highest ? index : highest;
    } else if (type == LUA_TNUMBER) {
      return fail(e, up, "the key %.14g is neither a string nor an index", index);
    } else {
      return fail(e, up, "a key is a %s, not a string", lua_typename(L, type));
    }
    lua_pop(L, 1);
  }
  bool array = seen->kind == LP_ARRAY;
  if (strings > 0 && (indexes > 0 || array)) {
    return fail(e, up, array ? "an array has keys that are strings" : "mixed table: both strings and indexes");
  }
  if (highest != (lua_Number)indexes) {
    return fail(e, up, "sparse array: %lld values, highest index %.14g", (long long)indexes, highest);
  }
  seen->kind = array || indexes > 0 ? LP_ARRAY : LP_OBJECT;
  seen->count = strings + indexes;
  seen->collected = collected == strings;
  return true;
}

static bool encode_array(lp_encoder *e, lp_place *at, lua_Integer count) {
  lua_State *L = e->L;
  size_t start = e->out.used;
  bool before = e->changed;
  e->changed = false;
  put_byte(e, '[');
  for (at->index = 1; at->index <= count; at->index++) {
    if (at->index > 1) {
      put_byte(e, ',');
    }
    lua_rawgeti(L, -1, at->index);
    if (!encode_value(e, at)) {
      return false;
    }
    lua_pop(L, 1);
    if (e->secrets == LP_LEFT_OUT && (e->gone || e->changed)) { /* one with a secret is left out whole */
      e->gone = true;
      e->out.used = start;
      break;
    }
    if (e->gone) {
      put(e, "null", 4);
      e->gone = false;
    }
  }
  e->changed = before;
  if (!e->gone) {
    put_byte(e, ']');
  }
  return true;
}

static int compare_keys(const void *left, const void *right) {
  const key *a = left, *b = right;
  if (*a->text != *b->text) { /* of an empty one it is the NUL behind it */
    return (unsigned char)*a->text < (unsigned char)*b->text ? -1 : 1;
  }
  int order = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);
  return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

static void sort_keys(key *keys, size_t count) {
  if (count > 16) {
    qsort(keys, count, sizeof *keys, compare_keys);
    return;
  }
  for (size_t i = 1; i < count; i++) { /* the few keys of most objects: no calls through a pointer */
    key moved = keys[i];
    size_t to = i;
    for (; to > 0 && compare_keys(&keys[to - 1], &moved) > 0; to--) {
      keys[to] = keys[to - 1];
    }
    keys[to] = moved;
  }
}

/* Collects the keys of a large object into e->keys; a new table at table + 1 holds on to them. */
static size_t collect_keys(lp_encoder *e, int table, size_t count) {
  lua_State *L = e->L;
  lua_settop(L, table);
  lua_createtable(L, (int)count, 0);
  key *keys = (key *)(void *)lp_reserve(L, &e->keys, count * sizeof *keys);
  size_t found = 0;
  lua_pushnil(L);
  while (found < count && lua_next(L, table)) {
    lua_pop(L, 1);
    if (lua_type(L, -1) == LUA_TSTRING) { /* still; see look_at for what may have come between */
      keys[found].text = lua_tolstring(L, -1, &keys[found].len);
      keys[found].index = (lua_Integer)found + 1;
      found++;
      lua_pushvalue(L, -1);
      lua_rawseti(L, table + 1, (lua_Integer)found);
    }
  }
  return found;
}

/* Whether the key on top, which it takes from the stack, is left out. What is left out of its value stays there. */
static bool is_omitted(lp_encoder *e, lp_place *at) {
  lua_State *L = e->L;
  lua_rawget(L, at->omit);
  at->inner = lua_istable(L, -1) ? lua_gettop(L) : 0;
  return !at->inner && lua_toboolean(L, -1);
}

static bool encode_object(lp_encoder *e, lp_place *at, const look *seen, int table) {
  lua_State *L = e->L;
  size_t first = e->keys.used / sizeof(key);
  size_t count = seen->collected ? (size_t)seen->count : collect_keys(e, table, (size_t)seen->count);
  sort_keys((key *)(void *)e->keys.at + first, count);
  e->keys.used += count * sizeof(key);
  put_byte(e, '{');
  int top = lua_gettop(L);
  bool some = false;
  for (size_t i = 0; i < count; i++, lua_settop(L, top)) {
    const key *next = (const key *)(void *)e->keys.at + first + i; /* the room may have moved */
    lua_Integer index = next->index;
    at->key = next->text;
    at->len = next->len;
    if (at->omit) {
      if (seen->collected) {
        lua_pushvalue(L, table + 2 * (int)index - 1);
      } else {
        lua_rawgeti(L, table + 1, index);
      }
      if (is_omitted(e, at)) {
        continue;
      }
    }
    size_t before = e->out.used;
    if (some) {
      put_byte(e, ',');
    }
    size_t bad = lp_put_string(L, &e->out, e->escapes, at->key, at->len);
    if (bad != at->len) {
      return fail(e, at, "key is not UTF-8 at byte %zu", bad);
    }
    put_byte(e, ':');
    if (seen->collected) {
      lua_pushvalue(L, table + 2 * (int)index);
    } else {
      lua_rawgeti(L, table + 1, index);
      lua_rawget(L, table);
    }
    if (!encode_value(e, at)) {
      return false;
    }
    if (e->gone) {
      e->gone = false;
      e->changed = true;
      e->out.used = before;
    } else {
      some = true;
    }
  }
  put_byte(e, '}');
  e->keys.used = first * sizeof(key);
  lua_settop(L, table);
  return true;
}

static bool encode_table(lp_encoder *e, const lp_place *up) {
  lua_State *L = e->L;
  luaL_checkstack(L, 16, "JSON");
  lp_mark kind = marked(e);
  if (kind == LP_SECRET) {
    return lp_encode_secret(e, up);
  }
  lp_place at = { .up = up, .table = lua_topointer(L, -1), .depth = up ? up->depth + 1 : 1 };
  at.omit = up ? up->inner : e->secrets == LP_LEFT_OUT && lua_istable(L, LP_OMIT_SLOT) ? LP_OMIT_SLOT : 0;
  for (const lp_place *above = up; above; above = above->up) {
    if (above->table == at.table) {
      return fail(e, up, "cycle: the table holds itself");
    }
  }
  if (at.depth > LP_JSON_DEPTH) {
    return fail(e, up, "tables nested deeper than %d", LP_JSON_DEPTH);
  }
  look seen = { .kind = kind };
  int table = lua_gettop(L);
  if (!look_at(e, up, &seen)) {
    return false;
  }
  return seen.kind == LP_ARRAY ? encode_array(e, &at, seen.count) : encode_object(e, &at, &seen, table);
}

/* Puts the value on top of the stack, which stays there. If it has no JSON form: false, and why on top of it. */
static bool encode_value(lp_encoder *e, const lp_place *up) {
  lua_State *L = e->L;
  int type = lua_type(L, -1);
  switch (type) {
    case LUA_TSTRING:
      return lp_encode_string(e, up);
    case LUA_TNUMBER:
      return encode_number(e, up);
    case LUA_TBOOLEAN:
      put(e, lua_toboolean(L, -1) ? "true" : "false", lua_toboolean(L, -1) ? 4 : 5);
      return true;
    case LUA_TTABLE:
      return encode_table(e, up);
    case LUA_TUSERDATA:
      if (marked(e) == LP_SECRET) {
        return lp_encode_secret(e, up);
      }
      break;
    case LUA_TLIGHTUSERDATA:
      if (!lua_touserdata(L, -1)) {
        put(e, "null", 4);
        return true;
      }
      break;
  }
  return fail(e, up, "a %s has no JSON form", lua_typename(L, type));
}

/* The value is argument 1, whatever else there is lies where it belongs. */
int lp_encode(lp_encoder *e) {
  lua_State *L = e->L;
  char text[OUT_FIRST];
  key keys[KEYS_FIRST];
  e->escapes = lua_touserdata(L, lua_upvalueindex(LP_ENCODE_ESCAPES));
  e->out = (lp_room){ .at = text, .size = sizeof text, .slot = LP_OUT_SLOT };
  e->keys = (lp_room){ .at = (char *)keys, .size = sizeof keys, .slot = LP_KEYS_SLOT };
  lua_pushvalue(L, 1);
  bool done = encode_value(e, NULL);
  if (!done) {
    lua_pushnil(L);
    lua_insert(L, -2);
  } else if (e->gone) {
    lua_pushnil(L);
  } else {
    lua_pushlstring(L, e->out.at, e->out.used);
  }
  explicit_bzero(e->out.at, e->out.used);
  return done ? 1 : 2;
}
