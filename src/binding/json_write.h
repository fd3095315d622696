/* The bytes of a JSON text that is being written: memory that grows, strings, numbers. The walk is json_encode.c. */
#ifndef LP_BINDING_JSON_WRITE_H
#define LP_BINDING_JSON_WRITE_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Memory that grows and belongs to Lua (a userdata in `slot` of the stack), so that an error can leak none of it. It
 * may begin as some of the C stack, which is enough for most bodies. */
typedef struct {
  char *at;
  size_t used, size;
  int slot;
} lp_room;

/* Makes room for `more` bytes after those in use; wipes the memory it leaves: a request's secrets are in it. */
void lp_grow(lua_State *L, lp_room *room, size_t more);

/* Makes sure of room for `more` bytes after those in use and returns where it is. */
static inline char *lp_reserve(lua_State *L, lp_room *room, size_t more) {
  if (room->size - room->used < more) {
    lp_grow(L, room, more);
  }
  return room->at + room->used;
}

static inline void lp_put(lua_State *L, lp_room *out, const char *text, size_t len) {
  memcpy(lp_reserve(L, out, len), text, len);
  out->used += len;
}

/* What a byte becomes in a string; empty where it stays as it is. */
typedef struct {
  char text[7];
  unsigned char len;
} lp_escape;

enum { LP_ESCAPES = 128 };

/* Fills the table with what the function on top of the stack, lua-cjson's encode, makes of each byte that needs it. (Of
 * no other: cjson 2.1.0 escapes the slash too, its successors do not, and our bytes are to be the same.) */
void lp_learn_escapes(lua_State *L, lp_escape *escapes);

/* Puts the string in quotes. Returns `len`, or, when it is not UTF-8, the offset of its first bad byte. */
size_t lp_put_string(lua_State *L, lp_room *out, const lp_escape *escapes, const char *text, size_t len);

void lp_put_integer(lua_State *L, lp_room *out, bool minus, uint64_t magnitude);

/* A finite number, the shortest of three precisions that reads back as the same, always with a fraction or an exponent:
 * a float stays a float. */
void lp_put_float(lua_State *L, lp_room *out, double value);

#endif
