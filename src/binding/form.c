/* The body of a new record, checked and written in one walk: for tables of plain fields that are right at once. */
#include "binding/form.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "binding/json_write.h"
#include "engine/json.h"

typedef enum { NONE, TEXT, URL, INTEGER, BOOLEAN, CHOICE } kind;

static const char *const kinds[] = {"none", "text", "url", "integer", "boolean", "choice", NULL};

typedef struct {
  kind kind;
  bool required;
  lua_Number min, max;    /* of the value, or of its characters */
  size_t label, label_len; /* `"name":`, in the form's texts */
  size_t absent_len;       /* `"name":default` follows the label; 0 where there is no default */
} field;

typedef struct {
  size_t count;
  const char *texts;
  field fields[];
} form;

enum { FIELDS = 1, NAMES, VALUES, TEXTS, ESCAPES }; /* upvalues of a form */

enum { OUT_SLOT = 2, OUT_FIRST = 2048 };

static const lua_Number EXACT = 9007199254740992.0; /* 2^53 */

/* Counts characters only where the bytes cannot tell: one has at most four. */
static bool is_as_long(const field *one, const char *text, size_t len) {
  size_t count;
  if ((lua_Number)len <= one->max && (lua_Number)len >= 4 * one->min) return true;
  return lp_utf8_count(text, len, &count) && (lua_Number)count >= one->min && (lua_Number)count <= one->max;
}

static bool put_text(lua_State *L, lp_room *out, const lp_escape *escapes, const char *text, size_t len) {
  return lp_put_string(L, out, escapes, text, len) == len;
}

/* Bytes of a URL without blanks, control bytes, ? and #. */
static bool is_printed(unsigned char c) {
  return c >= 0x80 || (c >= '@' && c <= '~') || (c >= '$' && c <= '>') || c == '!' || c == '"';
}

static bool is_url(const char *text, size_t len) {
  size_t at = len > 8 && memcmp(text, "https://", 8) == 0 ? 8 : len > 7 && memcmp(text, "http://", 7) == 0 ? 7 : 0;
  if (!at || text[at] == '/' || text[len - 1] == '/') return false;
  bool in_host = true;
  for (; at < len; at++) {
    if (!is_printed((unsigned char)text[at]) || (in_host && text[at] == '@')) return false;
    in_host = in_host && text[at] != '/';
  }
  return true;
}

static bool put_integer(lua_State *L, lp_room *out, const field *one) {
#if LUA_VERSION_NUM >= 503
  if (!lua_isinteger(L, -1)) return false;
#endif
  lua_Number value = lua_tonumber(L, -1);
  if (value != floor(value) || fabs(value) >= EXACT || value < one->min || value > one->max) return false;
  if (value == 0 && signbit(value)) return false;
  lp_put_integer(L, out, value < 0, (uint64_t)fabs(value));
  return true;
}

/* Puts the value on top of the stack; false where somebody else has to look at it. */
static bool put_value(lua_State *L, lp_room *out, const field *one, lua_Integer number) {
  const lp_escape *escapes = lua_touserdata(L, lua_upvalueindex(ESCAPES));
  int type = lua_type(L, -1);
  if (one->kind == BOOLEAN) {
    if (type != LUA_TBOOLEAN) return false;
    bool value = lua_toboolean(L, -1);
    lp_put(L, out, value ? "true" : "false", value ? 4 : 5);
    return true;
  }
  if (one->kind == INTEGER) return type == LUA_TNUMBER && put_integer(L, out, one);
  if (one->kind == NONE || type != LUA_TSTRING) return false;
  size_t len;
  const char *text = lua_tolstring(L, -1, &len);
  if (one->kind == CHOICE) {
    lua_rawgeti(L, lua_upvalueindex(VALUES), (int)number);
    lua_pushvalue(L, -2);
    lua_rawget(L, -2);
    bool known = !lua_isnil(L, -1);
    lua_pop(L, 2);
    return known && put_text(L, out, escapes, text, len);
  }
  if (one->kind == URL && !is_url(text, len)) return false;
  if (one->kind == TEXT && !is_as_long(one, text, len)) return false;
  return put_text(L, out, escapes, text, len);
}

/* Puts one field, when it is there. Returns false where somebody else has to look. */
static bool put_field(lua_State *L, lp_room *out, const form *all, size_t i, size_t *found) {
  const field *one = &all->fields[i];
  lua_rawgeti(L, lua_upvalueindex(NAMES), (int)i + 1);
  lua_rawget(L, 1);
  bool there = !lua_isnil(L, -1);
  bool right = there ? one->kind != NONE : !one->required;
  if (right && (there || one->absent_len)) {
    if (out->used > 1) lp_put(L, out, ",", 1);
    lp_put(L, out, all->texts + one->label, one->label_len + (there ? 0 : one->absent_len));
    if (there) right = put_value(L, out, one, (lua_Integer)i + 1);
  }
  *found += there;
  lua_pop(L, 1);
  return right;
}

/* Nothing allocates here, so nothing changes the table in the midst of lua_next. */
static size_t count_of(lua_State *L, size_t most) {
  size_t count = 0;
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    lua_pop(L, 1);
    if (++count > most) {
      lua_pop(L, 1);
      break;
    }
  }
  return count;
}

/* form(input) -> text; nil for what is wrong, or not plain */
static int fill(lua_State *L) {
  const form *all = lua_touserdata(L, lua_upvalueindex(FIELDS));
  lua_settop(L, 1);
  if (lua_type(L, 1) != LUA_TTABLE || lua_getmetatable(L, 1)) return 0;
  lua_pushnil(L); /* OUT_SLOT */
  char start[OUT_FIRST];
  lp_room out = {.at = start, .size = sizeof start, .slot = OUT_SLOT};
  size_t found = 0, i = 0;
  lp_put(L, &out, "{", 1);
  while (i < all->count && put_field(L, &out, all, i, &found)) i++;
  lp_put(L, &out, "}", 1);
  bool right = i == all->count && count_of(L, found) == found;
  if (right) lua_pushlstring(L, out.at, out.used);
  explicit_bzero(out.at, out.used); /* a secret may have strayed into it */
  return right ? 1 : 0;
}

static lua_Number bound(lua_State *L, const char *name, lua_Number otherwise) {
  lua_getfield(L, -1, name);
  lua_Number value = lua_isnil(L, -1) ? otherwise : luaL_checknumber(L, -1);
  lua_pop(L, 1);
  return value;
}

/* Adds the string in a field of the table on top to the texts in `room`. */
static size_t add_text(lua_State *L, const char *name, lp_room *texts) {
  size_t len = 0;
  lua_getfield(L, -1, name);
  const char *text = lua_tolstring(L, -1, &len);
  if (text) lp_put(L, texts, text, len);
  lua_pop(L, 1);
  return len;
}

/* form(fields) -> form. fields: what the record may have, by name in the order of their bytes: name, label (`"name":`),
 * kind, required, min, max, values (a choice's, as keys), absent (the default's text). */
static int make(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
#if LUA_VERSION_NUM < 502
  size_t count = lua_objlen(L, 1);
#else
  size_t count = lua_rawlen(L, 1);
#endif
  lua_pushnil(L); /* OUT_SLOT */
  char start[OUT_FIRST];
  lp_room texts = {.at = start, .size = sizeof start, .slot = OUT_SLOT};
  form *all = lua_newuserdata(L, sizeof *all + count * sizeof *all->fields);
  memset(all, 0, sizeof *all + count * sizeof *all->fields);
  all->count = count;
  lua_createtable(L, (int)count, 0);
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    field *one = &all->fields[i];
    lua_rawgeti(L, 1, (int)i + 1);
    lua_getfield(L, -1, "name");
    lua_rawseti(L, -4, (int)i + 1);
    lua_getfield(L, -1, "values");
    if (lua_isnil(L, -1)) lua_pop(L, 1);
    else lua_rawseti(L, -3, (int)i + 1);
    lua_getfield(L, -1, "kind");
    one->kind = (kind)luaL_checkoption(L, -1, NULL, kinds);
    lua_pop(L, 1);
    lua_getfield(L, -1, "required");
    one->required = lua_toboolean(L, -1);
    lua_pop(L, 1);
    one->min = bound(L, "min", one->kind == INTEGER ? -HUGE_VAL : 0);
    one->max = bound(L, "max", HUGE_VAL);
    one->label = texts.used;
    one->label_len = add_text(L, "label", &texts);
    one->absent_len = add_text(L, "absent", &texts);
    lua_pop(L, 1);
  }
  lua_pushlstring(L, texts.at, texts.used);
  all->texts = lua_tostring(L, -1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushcclosure(L, fill, ESCAPES);
  return 1;
}

void lp_push_form_maker(lua_State *L) {
  lua_pushcclosure(L, make, 1);
}
