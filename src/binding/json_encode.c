/* Lua values to JSON text: our own walk, raw (no metamethod runs), into one buffer. */
#include <lauxlib.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binding/json.h"
#include "binding/json_write.h"
#include "engine/json.h"

typedef struct {
  const char *text;
  size_t len;
  lua_Integer index; /* which of its object's keys, before they were sorted; from 1 */
} key;

/* Where the walk is: a container and the place in it. For cycles and for the paths in messages. */
typedef struct place {
  const struct place *up;
  const void *table;
  const char *key; /* NULL in an array */
  size_t len;
  lua_Integer index;
  int depth;
} place;

typedef struct {
  lua_State *L;
  lp_room out;
  const lp_escape *escapes;
  lp_room keys; /* of the objects that are being walked, the innermost one's last */
} encoder;

enum {
  OUT_SLOT = 2, /* stack slots; 1 is the value */
  KEYS_SLOT,
  OUT_FIRST = 2048,
  KEYS_FIRST = 192,
  STACK_KEYS = 64,    /* an object with more keys keeps them in a table, not on the stack */
  STACK_LIMIT = 3000, /* so does every object from here on: LuaJIT has 8000 slots for one C function */
};

static bool encode_value(encoder *e, const place *up);

static void put(encoder *e, const char *text, size_t len) {
  lp_put(e->L, &e->out, text, len);
}

static void put_byte(encoder *e, char c) {
  put(e, &c, 1);
}

/* A secret shows itself to nobody; what a vendor has to get is revealed where the request is made. */
static void put_secret(encoder *e) {
  put(e, "\"<secret>\"", 10);
}

static bool is_name(const char *text, size_t len) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
  return len > 0 && (*text < '0' || *text > '9') && strspn(text, letters) == len;
}

static void add_path(luaL_Buffer *b, const place *at) {
  enum { SHOWN = 12, KEY_SHOWN = 64 };
  if (!at) {
    return;
  }
  add_path(b, at->up);
  if (at->depth > SHOWN) {
    if (at->depth == SHOWN + 1) {
      luaL_addstring(b, "…");
    }
  } else if (!at->key) {
    char number[32];
    snprintf(number, sizeof number, "[%lld]", (long long)at->index);
    luaL_addstring(b, number);
  } else if (is_name(at->key, at->len) && at->len <= KEY_SHOWN) {
    if (at->up) {
      luaL_addchar(b, '.');
    }
    luaL_addlstring(b, at->key, at->len);
  } else { /* for the eye only: what is not printable ASCII is a question mark */
    luaL_addstring(b, "[\"");
    for (size_t i = 0; i < at->len && i < KEY_SHOWN; i++) {
      char c = at->key[i];
      luaL_addchar(b, c >= 0x20 && c < 0x7F ? c : '?');
    }
    luaL_addstring(b, at->len > KEY_SHOWN ? "…\"]" : "\"]");
  }
}

/* Leaves "path: message" on top of the stack and returns false. */
__attribute__((format(printf, 3, 4))) static bool fail(encoder *e, const place *up, const char *format, ...) {
  char message[160];
  va_list args;
  luaL_Buffer b;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  luaL_checkstack(e->L, LUA_MINSTACK, "JSON");
  luaL_buffinit(e->L, &b);
  add_path(&b, up);
  if (up) {
    luaL_addstring(&b, ": ");
  }
  luaL_addstring(&b, message);
  luaL_pushresult(&b);
  return false;
}

static bool encode_string(encoder *e, const place *up) {
  size_t len;
  const char *text = lua_tolstring(e->L, -1, &len);
  size_t bad = lp_put_string(e->L, &e->out, e->escapes, text, len);
  return bad == len || fail(e, up, "string is not UTF-8 at byte %zu", bad);
}

static bool encode_number(encoder *e, const place *up) {
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

static lp_mark marked(const encoder *e) { return lp_json_mark(e->L, lua_upvalueindex(LP_ENCODE_ARRAY_MT)); }

/* What a look at every key of a table has shown. */
typedef struct {
  lp_mark kind;
  lua_Integer count;
  bool collected; /* an object's keys are in e->keys, and with their values on the stack */
} look;

/* Looks at the table on top. The keys and values of an object that is not too large stay on the stack, from table + 1
 * on, each key before its value: a finalizer that takes one out of its table must not pull it from under our feet.
 * Nothing in the loop allocates, so none runs while lua_next is at work. */
static bool look_at(encoder *e, const place *up, look *seen) {
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

static bool encode_array(encoder *e, place *at, lua_Integer count) {
  lua_State *L = e->L;
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
  }
  put_byte(e, ']');
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
static size_t collect_keys(encoder *e, int table, size_t count) {
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

static bool encode_object(encoder *e, place *at, const look *seen, int table) {
  lua_State *L = e->L;
  size_t first = e->keys.used / sizeof(key);
  size_t count = seen->collected ? (size_t)seen->count : collect_keys(e, table, (size_t)seen->count);
  sort_keys((key *)(void *)e->keys.at + first, count);
  e->keys.used += count * sizeof(key);
  put_byte(e, '{');
  for (size_t i = 0; i < count; i++) {
    const key *next = (const key *)(void *)e->keys.at + first + i; /* the room may have moved */
    lua_Integer index = next->index;
    at->key = next->text;
    at->len = next->len;
    if (i > 0) {
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
    lua_pop(L, 1);
  }
  put_byte(e, '}');
  e->keys.used = first * sizeof(key);
  lua_settop(L, table);
  return true;
}

static bool encode_table(encoder *e, const place *up) {
  lua_State *L = e->L;
  luaL_checkstack(L, 16, "JSON");
  lp_mark kind = marked(e);
  if (kind == LP_SECRET) {
    put_secret(e);
    return true;
  }
  place at = { .up = up, .table = lua_topointer(L, -1), .depth = up ? up->depth + 1 : 1 };
  for (const place *above = up; above; above = above->up) {
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
static bool encode_value(encoder *e, const place *up) {
  lua_State *L = e->L;
  int type = lua_type(L, -1);
  switch (type) {
    case LUA_TSTRING:
      return encode_string(e, up);
    case LUA_TNUMBER:
      return encode_number(e, up);
    case LUA_TBOOLEAN:
      put(e, lua_toboolean(L, -1) ? "true" : "false", lua_toboolean(L, -1) ? 4 : 5);
      return true;
    case LUA_TTABLE:
      return encode_table(e, up);
    case LUA_TUSERDATA:
      if (marked(e) == LP_SECRET) {
        put_secret(e);
        return true;
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

/* encode(value) -> text | nil, message */
int lp_json_encode(lua_State *L) {
  luaL_checkany(L, 1);
  lua_settop(L, KEYS_SLOT);
  lua_pushvalue(L, 1);
  char text[OUT_FIRST];
  key keys[KEYS_FIRST];
  encoder e = {
    .L = L,
    .escapes = lua_touserdata(L, lua_upvalueindex(LP_ENCODE_ESCAPES)),
    .out = { .at = text, .size = sizeof text, .slot = OUT_SLOT },
    .keys = { .at = (char *)keys, .size = sizeof keys, .slot = KEYS_SLOT },
  };
  bool done = encode_value(&e, NULL);
  if (done) {
    lua_pushlstring(L, e.out.at, e.out.used);
  } else {
    lua_pushnil(L);
    lua_insert(L, -2);
  }
  explicit_bzero(e.out.at, e.out.used);
  return done ? 1 : 2;
}
