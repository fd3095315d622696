/* See json_write.h. */
#include "binding/json_write.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/json.h"

void lp_grow(lua_State *L, lp_room *room, size_t more) {
  size_t size = room->size * 2;
  if (more > SIZE_MAX / 4 - room->size) {
    luaL_error(L, "JSON text too large");
  }
  if (size < room->used + more) {
    size = room->used + more;
  }
  char *bigger = lua_newuserdata(L, size);
  memcpy(bigger, room->at, room->used);
  explicit_bzero(room->at, room->used); /* a request's secrets are in it */
  lua_replace(L, room->slot);
  room->at = bigger;
  room->size = size;
}

static bool needs_escape(int c) {
  return c < 0x20 || c == '"' || c == '\\';
}

void lp_learn_escapes(lua_State *L, lp_escape *escapes) {
  memset(escapes, 0, LP_ESCAPES * sizeof *escapes);
  for (int c = 0; c < LP_ESCAPES; c++) {
    if (needs_escape(c)) {
      char byte = (char)c;
      lua_pushvalue(L, -1);
      lua_pushlstring(L, &byte, 1);
      lua_call(L, 1, 1);
      size_t len;
      const char *text = lua_tolstring(L, -1, &len); /* in its quotes */
      if (!text || len < 4 || len - 2 > sizeof escapes[c].text || text[1] != '\\') {
        luaL_error(L, "luaprov: lua-cjson does not escape the byte %d", c);
        return; /* not reached */
      }
      memcpy(escapes[c].text, text + 1, len - 2);
      escapes[c].len = (unsigned char)(len - 2);
      lua_pop(L, 1);
    }
  }
}

size_t lp_put_string(lua_State *L, lp_room *out, const lp_escape *escapes, const char *text, size_t len) {
  size_t done = 0, at = lp_json_plain(text, len);
  lp_reserve(L, out, len + 2);
  lp_put(L, out, "\"", 1);
  while (at < len) {
    unsigned char c = (unsigned char)text[at];
    if (c < 0x80) {
      lp_put(L, out, text + done, at - done);
      lp_put(L, out, escapes[c].text, escapes[c].len);
      done = ++at;
    } else {
      size_t size = lp_utf8_char(text + at, len - at);
      if (size == 0) {
        return at;
      }
      at += size;
    }
    at += lp_json_plain(text + at, len - at);
  }
  lp_put(L, out, text + done, len - done);
  lp_put(L, out, "\"", 1);
  return len;
}

void lp_put_integer(lua_State *L, lp_room *out, bool minus, uint64_t magnitude) {
  char digits[24], *at = digits + sizeof digits;
  do {
    *--at = (char)('0' + magnitude % 10);
    magnitude /= 10;
  } while (magnitude > 0);
  if (minus) {
    *--at = '-';
  }
  lp_put(L, out, at, (size_t)(digits + sizeof digits - at));
}

void lp_put_float(lua_State *L, lp_room *out, double value) {
  char text[64];
  for (int precision = 15; precision <= 17; precision++) {
    snprintf(text, sizeof text, "%.*g", precision, value);
    if (strtod(text, NULL) == value) {
      break;
    }
  }
  bool integral = true;
  char *to = text;
  for (const char *from = text; *from != '\0'; from++) {
    if ((*from >= '0' && *from <= '9') || *from == '-' || *from == '+' || *from == 'e') {
      integral = integral && *from != 'e';
      *to++ = *from;
    } else if (to > text && to[-1] != '.') { /* the decimal point of the process's locale, of one or more bytes */
      integral = false;
      *to++ = '.';
    }
  }
  lp_put(L, out, text, (size_t)(to - text));
  if (integral) {
    lp_put(L, out, ".0", 2); /* a float stays a float */
  }
}
