/* See json_place.h. */
#include "binding/json_place.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_name(const char *text, size_t len) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
  return len > 0 && (*text < '0' || *text > '9') && strspn(text, letters) == len;
}

void lp_add_path(luaL_Buffer *b, const lp_place *at) {
  enum { SHOWN = 12, KEY_SHOWN = 64 };
  if (!at) {
    return;
  }
  lp_add_path(b, at->up);
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
